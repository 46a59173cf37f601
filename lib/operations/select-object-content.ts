/** SELECT Object Content: runs a query on one object; the results stream. */
import type { Readable } from 'node:stream'
import { flow, pipe } from 'fp-ts/lib/function.js'
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
import { notHtml, withStatus } from './responses/status.js'
import { selectEvents } from './responses/select-events.js'
import { trackBody } from './responses/tracked-body.js'
import { InputSerialization, inputXml, OutputSerialization, outputXml } from './parameters/serialisation.js'

// -- input --
export interface SelectObjectContentInput extends R.ObjectRef {
  /** SQL on the table `COSObject`, such as `SELECT s._1 FROM COSObject s WHERE s._3 > '100'`. */
  readonly expression: string
  /** `SQL` is the only type. */
  readonly expressionType?: 'SQL'
  readonly inputSerialization: InputSerialization
  readonly outputSerialization: OutputSerialization
  /** Whether COS reports its progress, for `progress`. */
  readonly requestProgress?: { readonly enabled: boolean }
}

const Input = In.struct<SelectObjectContentInput>('SelectObjectContentInput', {
  ...R.objectRef,
  expression: In.refined(In.nonEmpty, 'SQL without control characters, which XML cannot carry', isXmlText),
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
    ])
  )

// -- output --
export interface SelectObjectContentResult extends ResponseMetadata {
  /**
   * The records as bytes, in the requested format. It ends after COS's `End` message, and fails with a `CosException`
   * otherwise: the bytes read before are a part of the results. Read or destroy it.
   */
  readonly records: Readable
  /** The requested format of the records. */
  readonly layout: OutputSerialization
  /** The call, for errors of the code that parses the records. */
  readonly context: Context
  /** The latest progress reported; none before the first report, and if not requested. */
  readonly progress: IO<O.Option<SelectStats>>
  /** The totals, after `records` has ended, failed or been destroyed. */
  readonly stats: TE.TaskEither<CosError, O.Option<SelectStats>>
}

const decodeRecords =
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

const decode = flow(decodeRecords, notHtml, withStatus(200))

// -- operation --
/**
 * Runs a query on a CSV, JSON or Parquet object.
 *
 * A chunk of `records` may end within a character: decode the stream, not its chunks.
 *
 * @shape  `SelectObjectContentInput -> Operation<SelectObjectContentResult>`; records stream at the consumer's pace.
 *         `timeouts.headers` and `timeouts.idle` hold: during a long scan COS sends `Cont` messages
 * @units  records of at most 1 MiB; `progress` and `stats` in bytes
 * @errors `InvalidInput`; `ServiceError` 400 of the query or the data, with codes such as `SQLParsingError`, or `Busy`
 *         and `Overload` to retry later, 404, 403; thrown by `records`: `ServiceError` with status 200,
 *         `IntegrityError`, `DecodeError`, or `TransportError` if the stream ended without `End`
 * @source https://cloud.tencent.com/document/product/436/37641
 * @example selectObjectContent({ bucket, key, expression: 'SELECT * FROM COSObject LIMIT 10',
 *   inputSerialization: { csv: { fileHeaderInfo: 'USE' }, compressionType: 'GZIP' }, outputSerialization: { json: {} } })
 */
export const selectObjectContent: (
  input: SelectObjectContentInput
) => Op.Operation<SelectObjectContentResult> = Op.operationWith('SelectObjectContent', Input, request, decode)
