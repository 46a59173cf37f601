/** Minimal operations, for specs of the behaviour that all operations share. */
import { pipe } from 'fp-ts/lib/function.js'
import type { Readable } from 'node:stream'
import * as TE from 'fp-ts/lib/TaskEither.js'
import * as D from '../../lib/core/decoder.js'
import * as In from '../../lib/core/input.js'
import * as Op from '../../lib/core/operation.js'
import * as B from '../../lib/core/body.js'
import * as R from '../../lib/core/request.js'
import type { Response } from '../../lib/core/response.js'

export interface ProbeInput extends R.ObjectRef {
  readonly body?: B.BodyInput
  readonly contentLength?: number
  readonly enableMd5?: boolean
  readonly expectContinue?: boolean
  readonly slow?: boolean
}

const Input = In.struct<ProbeInput>('a probe', {
  ...R.objectRef,
  body: In.optional(B.BodyInput),
  contentLength: In.optional(In.integer(0)),
  enableMd5: In.optional(In.boolean),
  expectContinue: In.optional(In.boolean),
  slow: In.optional(In.boolean)
})

const request = (method: R.Method) => (input: ProbeInput) =>
  pipe(
    { ...R.put(input), method },
    R.withBody(input.body === undefined ? B.emptyBody : B.toBody(input.body, input.contentLength)),
    R.withComputedMd5(input.enableMd5),
    R.withExpectContinue(input.expectContinue),
    (built) => (input.slow === true ? R.withSlowHeaders(built) : built)
  )

export interface ProbeResult {
  readonly status: number
  readonly text: string
  readonly sent: Response['sent']
}

const read: D.Decoder<ProbeResult> = (response) =>
  pipe(
    D.readBytes(1024 * 1024)(response),
    TE.map((bytes) => ({ status: response.status, text: Buffer.from(bytes).toString(), sent: response.sent }))
  )

/** GETs an object and reads its small body. */
export const probeGet = Op.operation('ProbeGet', Input, request('GET'), read)
/** PUTs a body. */
export const probePut = Op.operation('ProbePut', Input, request('PUT'), read)
/** GETs an object and returns its body as a stream. */
export const probeOpen: (input: ProbeInput) => Op.Operation<Readable> = Op.operation(
  'ProbeOpen',
  Input,
  request('GET'),
  (response) => TE.right(response.body)
)
