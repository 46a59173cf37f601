/** The objects of a bucket, or those of a prefix, however many, one by one. */
import { contextOf } from '../../core/operation.js'
import {
  listObjectEvents,
  objectsStart,
  type ListObjectEventsInput,
  type ObjectEntry
} from '../../operations/list-objects.js'
import type { CommonPrefix, WithCursor, ListingCursor } from '../../operations/responses/listing-events.js'
import { streamPages } from './stream-pages.js'
import type { EffectStream } from '../shared/effect-stream.js'

export type StreamObjectsInput = ListObjectEventsInput

/** With the cursor to go on from behind it: `from` of another `streamObjects`. */
export type ListedObject = ObjectEntry & { readonly cursor: ListingCursor }
export type ListedPrefix = CommonPrefix & { readonly cursor: ListingCursor }

/**
 * Lists objects in the order of their keys, page after page.
 *
 * The first is out before its page has ended. A page that breaks off is gone on with, behind the last object that came.
 * COS may be a moment behind: what was just put may be missing, what was just deleted may be there.
 *
 * @shape  `StreamObjectsInput -> Streaming<ListedObject>`; with a `delimiter` common prefixes as well, told apart by `_tag`
 * @units  `maxKeys` is a page's; memory does not grow with the bucket
 * @errors `CosFailure` of those of `listObjects`
 * @source https://cloud.tencent.com/document/product/436/7734
 * @example for await (const { key, size } of streamObjects({ bucket, prefix: 'logs/' })(client)) console.log(key, size)
 */
export function streamObjects(
  input: StreamObjectsInput & { readonly delimiter?: undefined }
): EffectStream<ListedObject>
export function streamObjects(input: StreamObjectsInput): EffectStream<ListedObject | ListedPrefix>
export function streamObjects(input: StreamObjectsInput): EffectStream<WithCursor<ObjectEntry>> {
  return streamPages({
    context: contextOf('streamObjects', input),
    cursor: objectsStart(input),
    page: (from) => listObjectEvents({ ...input, cursor: from })
  })
}
