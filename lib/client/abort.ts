/** Calls that end when a signal fires. */
import * as E from 'fp-ts/lib/Either.js'
import { constVoid } from 'fp-ts/lib/function.js'
import type { TaskEither } from 'fp-ts/lib/TaskEither.js'
import { CosException, type Context, type CosError } from '../core/error.js'
import type { Call } from './call.js'
import type { Client } from './client.js'
import { onAbort } from './on-abort.js'

/** The error of a call whose signal has fired: `Aborted`, or the `Timeout` that is the signal's reason. */
export const aborted = (context: Context, reason: unknown): CosError =>
  reason instanceof CosException ? { ...reason.error, context } : { _tag: 'Aborted', context, reason }

/**
 * Settles with the task, or with the error of a signal or of the call's timeout, whichever is earlier. The task is not stopped; the
 * call settles whatever the task waits for, such as credentials that never come.
 */
export const raceAbort =
  <A>(
    { signals }: Pick<Client, 'signals'>,
    { context, callTimeout }: Call,
    task: TaskEither<CosError, A>
  ): TaskEither<CosError, A> =>
  () =>
    new Promise((settle) => {
      const fired = signals.find((signal) => signal.aborted)
      if (fired !== undefined) return settle(E.left(aborted(context(), fired.reason)))
      let removeTimeout = constVoid
      let removeListeners = constVoid
      const close = (): void => {
        removeTimeout()
        removeListeners()
      }
      const end = (error: CosError): void => {
        close()
        settle(E.left(error))
      }
      removeListeners = onAbort(signals, (reason) => {
        end(aborted(context(), reason))
      })
      removeTimeout = callTimeout.onTimeout((timeout) => {
        end({ ...timeout, context: context() })
      })
      const work = task()
      work.then(
        (result) => {
          close()
          settle(result)
        },
        () => {
          close()
          settle(work)
        }
      )
    })

/** Waits. If one of the signals fires, or has fired, fails at once. */
export const sleepUnlessAborted =
  (
    milliseconds: number,
    { signals, runtime }: Pick<Client, 'signals' | 'runtime'>,
    context: Context
  ): TaskEither<CosError, void> =>
  () =>
    new Promise((resolve) => {
      const settle = (result: E.Either<CosError, void>): void => {
        stopTimer()
        removeListeners()
        resolve(result)
      }
      let removeListeners = constVoid
      const stopTimer = runtime.startTimer(milliseconds, () => {
        settle(E.right(undefined))
      })
      removeListeners = onAbort(signals, (reason) => {
        settle(E.left(aborted(context, reason)))
      })
    })
