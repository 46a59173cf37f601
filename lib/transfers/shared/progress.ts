/** The options `progress` and `onProgress`: a transfer reports to a `Progress` of its caller, and calls a function. */
import * as O from 'fp-ts/lib/Option.js'
import type { TaskEither } from 'fp-ts/lib/TaskEither.js'
import { callSafely } from '../../core/call-safely.js'
import * as In from '../../core/input.js'
import { createProgressWith, reportParts, type Progress } from '../../stages/progress.js'

/** `transferred` and `total` in bytes; `total` is `undefined` until it is known. */
export type OnProgress = (transferred: number, total: number | undefined) => void

export interface WithProgress {
  /** Counts bytes and parts. Made by `createProgress`, and ended when the transfer has settled. */
  readonly progress?: Progress
  /**
   * Called with the bytes transferred and the total of this transfer: when the total becomes known, after each part of an
   * upload or a copy, and after each chunk of a download. The transfer waits for it, so it must be quick. An error that it
   * throws is ignored.
   */
  readonly onProgress?: OnProgress
}

const ProgressCodec = In.guarded(
  'a Progress made by createProgress()',
  (u): u is Progress =>
    typeof u === 'object' && u !== null && 'report' in u && typeof u.report === 'function' && 'end' in u
)

/** Fields for a codec. */
export const withProgress: In.FieldsOf<WithProgress> = {
  progress: In.optional(ProgressCodec),
  onProgress: In.optional(
    In.guarded('a function (transferred, total)', (u): u is OnProgress => typeof u === 'function')
  )
}

/** The input of one run, with a `progress` that reports to both options and never throws. */
export const joinProgress = <I extends WithProgress>(input: I): I => {
  const { progress, onProgress } = input
  if (progress === undefined && onProgress === undefined) return input
  // An async function is an OnProgress too, and its promise may reject.
  const call: ((...args: Parameters<OnProgress>) => unknown) | undefined = onProgress
  const own = createProgressWith({ total: O.none, clock: () => 0 })
  const joined: Progress = {
    ...own,
    report: (event) => {
      callSafely(() => progress?.report(event))
      if (call === undefined || !('size' in event)) return
      own.report(event)
      const { transferred, total } = own.read()
      callSafely(() => call(transferred, O.toUndefined(total)))
    },
    end: () => {
      callSafely(() => progress?.end())
    }
  }
  return { ...input, progress: joined }
}

/** Reports the parts that `move` moves, if the caller passed a `progress`. */
export const reportPartsOf =
  ({ progress }: WithProgress) =>
  <P extends { readonly size: number }, S, L, A>(
    move: (part: P, signal: S) => TaskEither<L, A>
  ): ((part: P, signal: S) => TaskEither<L, A>) =>
    progress === undefined ? move : reportParts(progress)(move)

/** The same `progress` for one of several transfers, whose end does not end the progress of the others. */
export const withoutEnd = ({ progress }: WithProgress): WithProgress =>
  progress === undefined ? {} : { progress: { ...progress, end: () => undefined } }
