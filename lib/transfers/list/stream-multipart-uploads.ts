/** The uploads that were begun and neither completed nor aborted, one by one. */
import { contextOf } from '../../core/operation.js'
import {
  listMultipartUploadEvents,
  multipartUploadsStart,
  type ListMultipartUploadEventsInput,
  type UploadEntry
} from '../../operations/list-multipart-uploads.js'
import type { WithCursor, ListingCursor } from '../../operations/responses/listing-events.js'
import { streamPages } from './stream-pages.js'
import type { ListedPrefix } from './stream-objects.js'
import type { EffectStream } from '../shared/effect-stream.js'

export type StreamMultipartUploadsInput = ListMultipartUploadEventsInput

/** With the cursor to go on from behind it. */
export type ListedUpload = UploadEntry & { readonly cursor: ListingCursor }

/**
 * Lists unfinished uploads, page after page: by key, and of each key by upload id.
 *
 * @shape  `StreamMultipartUploadsInput -> Streaming<ListedUpload>`; with a `delimiter` common prefixes as well
 * @units  `maxUploads` is a page's; memory does not grow with the number of uploads
 * @errors `CosFailure` of those of `listMultipartUploads`
 * @source https://cloud.tencent.com/document/product/436/7736
 */
export function streamMultipartUploads(
  input: StreamMultipartUploadsInput & { readonly delimiter?: undefined }
): EffectStream<ListedUpload>
export function streamMultipartUploads(
  input: StreamMultipartUploadsInput
): EffectStream<ListedUpload | ListedPrefix>
export function streamMultipartUploads(
  input: StreamMultipartUploadsInput
): EffectStream<WithCursor<UploadEntry>> {
  return streamPages({
    context: contextOf('streamMultipartUploads', input),
    cursor: multipartUploadsStart(input),
    page: (from) => listMultipartUploadEvents({ ...input, cursor: from })
  })
}
