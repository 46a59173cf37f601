/** What an unfinished upload has so far, part by part. */
import { contextOf } from '../../core/operation.js'
import {
  listPartEvents,
  partsStart,
  type ListedPart,
  type ListPartEventsInput
} from '../../operations/list-parts.js'
import { streamPages } from './stream-pages.js'
import type { EffectStream } from '../shared/effect-stream.js'

export type StreamPartsInput = ListPartEventsInput

/**
 * Lists the parts of an upload by number, page after page.
 *
 * @shape  `StreamPartsInput -> Streaming<ListedPart>`, each with the cursor to go on from behind it
 * @units  `maxParts` is a page's
 * @errors `CosFailure` of those of `listParts`
 * @source https://cloud.tencent.com/document/product/436/7747
 */
export const streamParts = (input: StreamPartsInput): EffectStream<ListedPart> =>
  streamPages({
    context: contextOf('streamParts', input),
    cursor: partsStart(input),
    page: (from) => listPartEvents({ ...input, cursor: from })
  })
