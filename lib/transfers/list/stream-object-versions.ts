/** The object versions and delete markers of a bucket as one stream. */
import { contextOf } from '../../core/operation.js'
import {
  listObjectVersionBatches,
  objectVersionsStart,
  type ListObjectVersionEventsInput,
  type VersionEntry
} from '../../operations/list-object-versions.js'
import type { WithCursor, ListingCursor } from '../../operations/responses/listing-cursor.js'
import { streamPages } from './stream-pages.js'
import type { ListedPrefix } from './stream-objects.js'
import type { EffectStream } from '../shared/effect-stream.js'

export type StreamObjectVersionsInput = ListObjectVersionEventsInput

/** A version or a delete marker (see `_tag`), with the cursor that resumes the listing after it. */
export type ListedVersion = VersionEntry & { readonly cursor: ListingCursor }

/**
 * Lists versions and delete markers page after page, ordered by key, then newest first.
 *
 * Otherwise like `streamObjects`. A cursor names a version. If that version has been deleted, COS may continue with the
 * next key and skip the remaining versions. A caller that deletes while it lists must keep the last version received until
 * the next one has arrived.
 *
 * @shape  `StreamObjectVersionsInput -> EffectStream<ListedVersion>`; with a `delimiter`, common prefixes too
 * @units  `maxKeys` limits one page; memory does not grow with the bucket
 * @errors a `CosException` with an error of `listObjectVersions`
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
    page: (cursor) => listObjectVersionBatches({ ...input, cursor })
  })
}
