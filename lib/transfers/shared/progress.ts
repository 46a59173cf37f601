/** A transfer's progress, told to a meter that its caller made and reads. */
import type { TaskEither } from 'fp-ts/lib/TaskEither.js'
import * as In from '../../core/input.js'
import { reportParts, type Progress } from '../../stages/progress.js'

export interface WithProgress {
  /** Hears how far the transfer is; ended when it has settled. */
  readonly progress?: Progress
}

const MeterCodec = In.guarded(
  'a meter, as createMeter makes it',
  (u): u is Progress =>
    typeof u === 'object' && u !== null && 'tell' in u && typeof u.tell === 'function' && 'end' in u
)

/** Fields for a codec. */
export const withProgress: In.FieldsOf<WithProgress> = { progress: In.optional(MeterCodec) }

/** A call that moves one part, told to the meter where there is one. */
export const reportPartsOf =
  ({ progress: meter }: WithProgress) =>
  <P extends { readonly size: number }, L, A>(
    move: (part: P, signal: AbortSignal) => TaskEither<L, A>
  ): ((part: P, signal: AbortSignal) => TaskEither<L, A>) =>
    meter === undefined ? move : reportParts(meter)(move)

/** The meter for one of many transfers that are told to it together. */
export const withoutEnd = ({ progress: meter }: WithProgress): WithProgress =>
  meter === undefined ? {} : { progress: { ...meter, end: () => undefined } }
