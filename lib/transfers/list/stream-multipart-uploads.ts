/** The incomplete multipart uploads of a bucket as one stream: created, and neither completed nor aborted. */
import { contextOf } from '../../core/operation.js'
import {
  listMultipartUploadBatches,
  multipartUploadsStart,
  type ListMultipartUploadEventsInput,
  type UploadEntry
} from '../../operations/list-multipart-uploads.js'
import type { WithCursor, ListingCursor } from '../../operations/responses/listing-cursor.js'
import { streamPages } from './stream-pages.js'
import type { ListedPrefix } from './stream-objects.js'
import type { EffectStream } from '../shared/effect-stream.js'

export type StreamMultipartUploadsInput = ListMultipartUploadEventsInput

/** An incomplete upload, with the cursor that resumes the listing after it. */
export type ListedUpload = UploadEntry & { readonly cursor: ListingCursor }

/**
 * Lists incomplete uploads page after page, ordered by key, then by upload id.
 *
 * @shape  `StreamMultipartUploadsInput -> EffectStream<ListedUpload>`; with a `delimiter`, common prefixes too
 * @units  `maxUploads` limits one page; memory does not grow with the number of uploads
 * @errors a `CosException` with an error of `listMultipartUploads`
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
    page: (cursor) => listMultipartUploadBatches({ ...input, cursor })
  })
}
