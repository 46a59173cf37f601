/** A transfer's progress, told to a meter that its caller made and reads. */
import type { TaskEither } from 'fp-ts/lib/TaskEither.js'
import * as In from '../../core/input.js'
import { metered, type Meter } from '../../stages/progress.js'

export interface Metering {
  /** Hears how far the transfer is; ended when it has settled. */
  readonly meter?: Meter
}

const MeterCodec = In.judged(
  'a meter, as createMeter makes it',
  (u): u is Meter =>
    typeof u === 'object' && u !== null && 'tell' in u && typeof u.tell === 'function' && 'end' in u
)

/** Fields for a codec. */
export const metering: In.FieldsOf<Metering> = { meter: In.optional(MeterCodec) }

/** A call that moves one part, told to the meter where there is one. */
export const told =
  ({ meter }: Metering) =>
  <P extends { readonly size: number }, L, A>(
    move: (part: P, signal: AbortSignal) => TaskEither<L, A>
  ): ((part: P, signal: AbortSignal) => TaskEither<L, A>) =>
    meter === undefined ? move : metered(meter)(move)

/** The meter for one of many transfers that are told to it together. */
export const unending = ({ meter }: Metering): Metering =>
  meter === undefined ? {} : { meter: { ...meter, end: () => undefined } }
