/** The parts of an incomplete multipart upload as one stream. */
import { contextOf } from '../../core/operation.js'
import {
  listPartBatches,
  partsStart,
  type ListedPart,
  type ListPartEventsInput
} from '../../operations/list-parts.js'
import { streamPages } from './stream-pages.js'
import type { EffectStream } from '../shared/effect-stream.js'

export type StreamPartsInput = ListPartEventsInput

/**
 * Lists the parts of an upload page after page, in the order of their numbers.
 *
 * @shape  `StreamPartsInput -> EffectStream<ListedPart>`, each with the cursor that resumes the listing after it
 * @units  `maxParts` limits one page
 * @errors a `CosException` with an error of `listParts`
 * @source https://cloud.tencent.com/document/product/436/7747
 */
export const streamParts = (input: StreamPartsInput): EffectStream<ListedPart> =>
  streamPages({
    context: contextOf('streamParts', input),
    cursor: partsStart(input),
    page: (cursor) => listPartBatches({ ...input, cursor })
  })
