/** The versions of a bucket's objects, and the delete markers in their place, one by one. */
import { contextOf } from '../../core/operation.js'
import {
  listObjectVersionEvents,
  objectVersionsStart,
  type ListObjectVersionEventsInput,
  type VersionEntry
} from '../../operations/list-object-versions.js'
import type { WithCursor, ListingCursor } from '../../operations/responses/listing-events.js'
import { streamPages } from './stream-pages.js'
import type { ListedPrefix } from './stream-objects.js'
import type { EffectStream } from '../shared/effect-stream.js'

export type StreamObjectVersionsInput = ListObjectVersionEventsInput

/** A version or a delete marker, told apart by `_tag`, with the cursor to go on from behind it. */
export type ListedVersion = VersionEntry & { readonly cursor: ListingCursor }

/**
 * Lists versions and delete markers, page after page: by key, and of each key the newest first.
 *
 * As `streamObjects` otherwise. A cursor names a version; where that was deleted meanwhile, COS may go on with the next
 * key. So who deletes while listing leaves the last one that came until the next has.
 *
 * @shape  `StreamObjectVersionsInput -> Streaming<ListedVersion>`; with a `delimiter` common prefixes as well
 * @units  `maxKeys` is a page's; memory does not grow with the bucket
 * @errors `CosFailure` of those of `listObjectVersions`
 * @source https://cloud.tencent.com/document/product/436/35521
 */
export function streamObjectVersions(
  input: StreamObjectVersionsInput & { readonly delimiter?: undefined }
): EffectStream<ListedVersion>
export function streamObjectVersions(
  input: StreamObjectVersionsInput
): EffectStream<ListedVersion | ListedPrefix>
export function streamObjectVersions(
  input: StreamObjectVersionsInput
): EffectStream<WithCursor<VersionEntry>> {
  return streamPages({
    context: contextOf('streamObjectVersions', input),
    cursor: objectVersionsStart(input),
    page: (from) => listObjectVersionEvents({ ...input, cursor: from })
  })
}
