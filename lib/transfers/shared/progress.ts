/** The `progress` option: a transfer reports to a `Progress` that its caller created. */
import type { TaskEither } from 'fp-ts/lib/TaskEither.js'
import * as In from '../../core/input.js'
import { reportParts, type Progress } from '../../stages/progress.js'

export interface WithProgress {
  /** Counts bytes and parts; made by `createProgress`, ended when the transfer has settled. */
  readonly progress?: Progress
}

const ProgressCodec = In.guarded(
  'a Progress made by createProgress()',
  (u): u is Progress =>
    typeof u === 'object' && u !== null && 'report' in u && typeof u.report === 'function' && 'end' in u
)

/** Fields for a codec. */
export const withProgress: In.FieldsOf<WithProgress> = { progress: In.optional(ProgressCodec) }

/** Reports the parts that `move` moves, if the caller passed a `progress`. */
export const reportPartsOf =
  ({ progress }: WithProgress) =>
  <P extends { readonly size: number }, L, A>(
    move: (part: P, signal: AbortSignal) => TaskEither<L, A>
  ): ((part: P, signal: AbortSignal) => TaskEither<L, A>) =>
    progress === undefined ? move : reportParts(progress)(move)

/** The same `progress` for one of several transfers: the end of one does not end the others' progress. */
export const withoutEnd = ({ progress }: WithProgress): WithProgress =>
  progress === undefined ? {} : { progress: { ...progress, end: () => undefined } }
