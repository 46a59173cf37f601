/** Waiting, in one place. */
import { setTimeout as sleep } from 'node:timers/promises'
import * as E from 'fp-ts/lib/Either.js'
import type { TaskEither } from 'fp-ts/lib/TaskEither.js'
import type { Context, CosError } from '../core/error.js'
import type { Client } from './client.js'
import { aborted } from './timeouts.js'

/** Waits. If one of the signals fires, or has fired, fails at once. */
export const sleepUnlessAborted =
  (
    milliseconds: number,
    { signals }: Pick<Client, 'signals'>,
    context: Context
  ): TaskEither<CosError, void> =>
  async () => {
    const controller = new AbortController()
    const onAbort = function (this: AbortSignal): void {
      controller.abort(this.reason)
    }
    const fired = signals.find((signal) => signal.aborted)
    if (fired !== undefined) return E.left(aborted(context, fired.reason))
    for (const signal of signals) signal.addEventListener('abort', onAbort, { once: true })
    try {
      await sleep(milliseconds, undefined, { signal: controller.signal })
      return E.right(undefined)
    } catch {
      return E.left(aborted(context, controller.signal.reason))
    } finally {
      for (const signal of signals) signal.removeEventListener('abort', onAbort)
    }
  }
