/** SELECT Object Content: a query over one object, whose results stream. */
import type { Readable } from 'node:stream'
import { pipe } from 'fp-ts/lib/function.js'
import type { IO } from 'fp-ts/lib/IO.js'
import * as O from 'fp-ts/lib/Option.js'
import * as TE from 'fp-ts/lib/TaskEither.js'
import type { Context, CosError } from '../core/error.js'
import type { SelectStats } from '../core/event-stream.js'
import * as In from '../core/input.js'
import * as Op from '../core/operation.js'
import * as R from '../core/request.js'
import { isXmlText, type Xml } from '../core/xml.js'
import { responseMetadata, type ResponseMetadata } from './responses/metadata.js'
import { selectEvents } from './responses/select-events.js'
import { trackBody } from './responses/tracked-body.js'
import { InputSerialization, inputXml, OutputSerialization, outputXml } from './parameters/serialisation.js'

// -- input --
export interface SelectObjectContentInput extends R.ObjectRef {
  /** SQL over the table `COSObject`, such as `SELECT s._1 FROM COSObject s WHERE s._3 > '100'`. */
  readonly expression: string
  /** `SQL`, the one there is. */
  readonly expressionType?: 'SQL'
  readonly inputSerialization: InputSerialization
  readonly outputSerialization: OutputSerialization
  /** Whether COS tells how far it is, for `progress`. */
  readonly requestProgress?: { readonly enabled: boolean }
}

const Input = In.struct<SelectObjectContentInput>('SelectObjectContentInput', {
  ...R.objectRef,
  expression: In.refined(In.nonEmpty, 'SQL that XML can carry, without control characters', isXmlText),
  expressionType: In.optional(In.oneOf('SQL')),
  inputSerialization: InputSerialization,
  outputSerialization: OutputSerialization,
  requestProgress: In.optional(
    In.struct<{ readonly enabled: boolean }>('{ enabled }', { enabled: In.boolean })
  )
})

// -- request --
const progressXml = ({ requestProgress }: SelectObjectContentInput): ReadonlyArray<Xml> =>
  requestProgress === undefined
    ? []
    : [['RequestProgress', [['Enabled', requestProgress.enabled ? 'TRUE' : 'FALSE']]]]

const request = (input: SelectObjectContentInput): R.Request =>
  pipe(
    R.post(input),
    R.withQuery({ select: '', 'select-type': 2 }),
    R.withXml([
      'SelectRequest',
      [
        ['Expression', input.expression],
        ['ExpressionType', input.expressionType ?? 'SQL'],
        inputXml(input.inputSerialization),
        outputXml(input.outputSerialization),
        ...progressXml(input)
      ]
    ]),
    // COS may scan for long before it has something to say.
    R.withSlowHeaders
  )

// -- output --
export interface SelectObjectContentResult extends ResponseMetadata {
  /**
   * The results as bytes, in the layout that was asked for. It ends only where COS said `End`, and fails with a
   * `CosException` otherwise: what was read by then is a part of the results. Read it or destroy it.
   */
  readonly records: Readable
  /** How they are written: as was asked for. */
  readonly layout: OutputSerialization
  /** Which call it was, for those who find the records wrong. */
  readonly context: Context
  /** How far COS was when it last told; read it as often as you like. None before, and where it was not asked for. */
  readonly progress: IO<O.Option<SelectStats>>
  /** The totals, once `records` has ended, failed or been left. */
  readonly stats: TE.TaskEither<CosError, O.Option<SelectStats>>
}

const decode =
  ({ outputSerialization }: SelectObjectContentInput): Op.Decoder<SelectObjectContentResult> =>
  (response) => {
    let progress: O.Option<SelectStats> = O.none
    let stats: O.Option<SelectStats> = O.none

    async function* records(): AsyncGenerator<Uint8Array, O.Option<SelectStats>, undefined> {
      for await (const event of selectEvents(response)) {
        if (event._tag === 'Records') yield event.bytes
        else if (event._tag === 'Progress') progress = O.some(event.stats)
        else if (event._tag === 'Stats') progress = stats = O.some(event.stats)
      }
      return stats
    }
    const { bytes, outcome } = trackBody(response, () => stats, records())
    return TE.right({
      ...responseMetadata(response),
      records: bytes,
      layout: outputSerialization,
      context: response.context,
      progress: () => progress,
      stats: outcome
    })
  }

// -- operation --
/**
 * Runs a query over a CSV, JSON or Parquet object, and gives what it finds.
 *
 * A piece of `records` may end anywhere, within a character too: decode the stream, not its chunks.
 *
 * @shape  `SelectObjectContentInput -> Operation<SelectObjectContentResult>`; results follow at the reader's pace
 * @units  records of at most 1 MiB; `progress` and `stats` in bytes
 * @errors `InvalidInput`; `ServiceError` 400 of the query or the data, with codes such as `SQLParsingError`, `Busy` and
 *         `Overload` to come back later, 404, 403; and out of `records` a `ServiceError` of status 200, `IntegrityError`,
 *         `DecodeError`, or `TransportError` where the stream ended without `End`
 * @source https://cloud.tencent.com/document/product/436/37641
 * @example selectObjectContent({ bucket, key, expression: 'SELECT * FROM COSObject LIMIT 10',
 *   inputSerialization: { csv: { fileHeaderInfo: 'USE' }, compressionType: 'GZIP' }, outputSerialization: { json: {} } })
 */
export const selectObjectContent: (
  input: SelectObjectContentInput
) => Op.Operation<SelectObjectContentResult> = Op.operationWith('SelectObjectContent', Input, request, decode)
