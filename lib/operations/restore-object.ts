/** POST Object restore: makes an archived object readable for some days. */
import { flow, pipe } from 'fp-ts/lib/function.js'
import * as TE from 'fp-ts/lib/TaskEither.js'
import * as D from '../core/decoder.js'
import * as In from '../core/input.js'
import * as Op from '../core/operation.js'
import * as R from '../core/request.js'
import { responseMetadata, type ResponseMetadata } from './responses/metadata.js'
import { fromCos, withStatus } from './responses/status.js'
import { VersionId } from './parameters/versions.js'

// -- input --
/**
 * Time until readable. `ARCHIVE`: 5 minutes, 5 hours, 12 hours. `DEEP_ARCHIVE`: `Standard` 24 hours, `Bulk` 48 hours,
 * no `Expedited`.
 */
export type RestoreTier = 'Expedited' | 'Standard' | 'Bulk'

export interface RestoreObjectInput extends R.ObjectRef {
  /** Lifetime of the readable copy, in days. */
  readonly days: number
  /** Default: `Standard`. */
  readonly tier?: RestoreTier
  /** Default: the latest version. */
  readonly versionId?: string
}

const Input = In.struct<RestoreObjectInput>('RestoreObjectInput', {
  ...R.objectRef,
  days: In.integer(1, Number.MAX_SAFE_INTEGER, 'days'),
  tier: In.optional(In.oneOf('Expedited', 'Standard', 'Bulk')),
  versionId: In.optional(VersionId)
})

// -- request --
const request = (input: RestoreObjectInput): R.Request =>
  pipe(
    R.post(input),
    R.withQuery({ restore: '', versionId: input.versionId }),
    // COS's page requires a tier, though its SDKs may omit it: it is always sent.
    R.withXml([
      'RestoreRequest',
      [
        ['Days', String(input.days)],
        ['CASJobParameters', [['Tier', input.tier ?? 'Standard']]]
      ]
    ])
  )

// -- output --
export interface RestoreObjectResult extends ResponseMetadata {
  /** `true`: it was readable already, and now is for longer. `false`: started; see `restore` of `headObject`. */
  readonly alreadyRestored: boolean
}

const fromStatus: Op.Decoder<RestoreObjectResult> = (response) =>
  pipe(
    D.drain(response),
    TE.map(() => ({ ...responseMetadata(response), alreadyRestored: response.status === 200 }))
  )

const decode = pipe(fromStatus, fromCos, withStatus(200, 202))

// -- operation --
/**
 * Makes a readable copy of an archived object. If the response to a first attempt was lost, a second attempt that finds
 * the restore in progress is a success.
 *
 * @shape  `RestoreObjectInput -> Operation<RestoreObjectResult>`
 * @units  whole days
 * @errors `InvalidInput`; `ServiceError` 409 `RestoreAlreadyInProgress`, 405 `RestoreNonArchiveObject`, 404, 403
 * @source https://cloud.tencent.com/document/product/436/12633
 */
export const restoreObject: (input: RestoreObjectInput) => Op.Operation<RestoreObjectResult> = flow(
  Op.operation('RestoreObject', Input, request, decode),
  Op.recoverLostResponse(['RestoreAlreadyInProgress'], (error): RestoreObjectResult => ({
    ...responseMetadata(error),
    alreadyRestored: false
  }))
)
