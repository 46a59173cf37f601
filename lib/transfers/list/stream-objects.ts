/** All objects of a bucket or a prefix as one stream. */
import { contextOf } from '../../core/operation.js'
import {
  listObjectBatches,
  objectsStart,
  type ListObjectEventsInput,
  type ObjectEntry
} from '../../operations/list-objects.js'
import type { CommonPrefix, WithCursor, ListingCursor } from '../../operations/responses/listing-cursor.js'
import { streamPageBatches, streamPages, type Pages } from './stream-pages.js'
import type { EffectStream } from '../shared/effect-stream.js'

export type StreamObjectsInput = ListObjectEventsInput

/** An object, with the cursor that resumes the listing after it: pass it as `cursor` to another `streamObjects`. */
export type ListedObject = ObjectEntry & { readonly cursor: ListingCursor }
export type ListedPrefix = CommonPrefix & { readonly cursor: ListingCursor }

const pagesOf = (input: StreamObjectsInput): Pages<WithCursor<ObjectEntry>, ListingCursor> => ({
  context: contextOf('streamObjects', input),
  cursor: objectsStart(input),
  page: (cursor) => listObjectBatches({ ...input, cursor })
})

/**
 * Lists objects page after page, in the order of their keys.
 *
 * Each object is yielded as soon as it is parsed, before its page has ended. If a page breaks off, the listing resumes after
 * the last object received. COS lists with a delay: a new object may be missing, and a deleted one still present.
 *
 * @shape  `StreamObjectsInput -> EffectStream<ListedObject>`; with a `delimiter`, common prefixes too (see `_tag`)
 * @units  `maxKeys` limits one page; memory does not grow with the bucket
 * @errors a `CosException` with an error of `listObjects`
 * @source https://cloud.tencent.com/document/product/436/7734
 * @example for await (const { key, size } of streamObjects({ bucket, prefix: 'logs/' })(client)) console.log(key, size)
 */
export function streamObjects(
  input: StreamObjectsInput & { readonly delimiter?: undefined }
): EffectStream<ListedObject>
export function streamObjects(input: StreamObjectsInput): EffectStream<ListedObject | ListedPrefix>
export function streamObjects(input: StreamObjectsInput): EffectStream<WithCursor<ObjectEntry>> {
  return streamPages(pagesOf(input))
}

/** Like `streamObjects`, with the objects that arrived together in one batch. */
export function streamObjectBatches(
  input: StreamObjectsInput & { readonly delimiter?: undefined }
): EffectStream<ReadonlyArray<ListedObject>>
export function streamObjectBatches(
  input: StreamObjectsInput
): EffectStream<ReadonlyArray<WithCursor<ObjectEntry>>> {
  return streamPageBatches(pagesOf(input))
}
