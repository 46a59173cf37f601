/** POST Object restore: an archived object, made readable for some days. */
import { flow, pipe } from 'fp-ts/lib/function.js'
import * as TE from 'fp-ts/lib/TaskEither.js'
import * as D from '../core/decoder.js'
import * as In from '../core/input.js'
import * as Op from '../core/operation.js'
import * as R from '../core/request.js'
import { responseMetadata, type ResponseMetadata } from './responses/metadata.js'
import { VersionId } from './parameters/versions.js'

// -- input --
/**
 * Of `ARCHIVE`: within 5 minutes, 5 hours, 12 hours. Of `DEEP_ARCHIVE`: `Standard` within 24 hours, `Bulk` within 48,
 * and no `Expedited`.
 */
export type RestoreTier = 'Expedited' | 'Standard' | 'Bulk'

export interface RestoreObjectInput extends R.ObjectRef {
  /** How long the readable copy lives, in days. */
  readonly days: number
  /** `Standard` where left out. */
  readonly tier?: RestoreTier
  /** One version instead of the latest. */
  readonly versionId?: string
}

const Input = In.struct<RestoreObjectInput>('RestoreObjectInput', {
  ...R.objectRef,
  days: In.integer(1),
  tier: In.optional(In.oneOf('Expedited', 'Standard', 'Bulk')),
  versionId: In.optional(VersionId)
})

// -- request --
const request = (input: RestoreObjectInput): R.Request =>
  pipe(
    R.post(input),
    R.withQuery({ restore: '', versionId: input.versionId }),
    // COS's page demands a tier, though its SDKs may leave it out: it is always said.
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
  /** It was readable before, and is for longer now. Otherwise the work has begun: look at `headObject`'s `restore`. */
  readonly alreadyRestored: boolean
}

const decode: Op.Decoder<RestoreObjectResult> = (response) =>
  pipe(
    D.drain(response),
    TE.map(() => ({ ...responseMetadata(response), alreadyRestored: response.status === 200 }))
  )

// -- operation --
/**
 * Asks for an archived object to be made readable. Where the answer to a first attempt was lost, a second that finds the
 * work begun is a success.
 *
 * @shape  `RestoreObjectInput -> Operation<RestoreObjectResult>`
 * @units  `days`, whole
 * @errors `InvalidInput`; `ServiceError` 409 `RestoreAlreadyInProgress`, 405 `RestoreNonArchiveObject`, 404, 403
 * @source https://cloud.tencent.com/document/product/436/12633
 */
export const restoreObject: (input: RestoreObjectInput) => Op.Operation<RestoreObjectResult> = flow(
  Op.operation('RestoreObject', Input, request, decode),
  Op.recoverLostAnswer(['RestoreAlreadyInProgress'], (refusal): RestoreObjectResult => ({
    ...responseMetadata(refusal),
    alreadyRestored: false
  }))
)
