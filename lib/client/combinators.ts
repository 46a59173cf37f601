/** Functions from effect to effect: a signal, a deadline, another retry policy. */
import { setMaxListeners } from 'node:events'
import * as O from 'fp-ts/lib/Option.js'
import type { ReaderTaskEither } from 'fp-ts/lib/ReaderTaskEither.js'
import { CosException } from '../core/error.js'
import type { Client } from './client.js'
import type { RetryPolicy } from './retry.js'
import { startTimer } from './timer.js'

/**
 * Aborts an effect when the signal fires: it settles with `Aborted` at once, and all its requests end. A body that the
 * effect returned ends too, if it is still being read.
 *
 * Like the other combinators, it accepts effects whose errors include others than `CosError`, and all other functions of
 * a client, such as a listing as a stream.
 */
export const withSignal =
  (signal: AbortSignal) =>
  <R>(effect: (client: Client) => R): ((client: Client) => R) =>
  (client) => {
    // One signal may abort a thousand calls. Each listens while it runs, and Node warns at the eleventh listener.
    setMaxListeners(0, signal)
    return effect({ ...client, signals: [...client.signals, signal] })
  }

/**
 * Ends an effect that has not settled after so many milliseconds; `Infinity` is no timeout.
 *
 * @errors `Timeout` whose phase is `overall`
 */
export const withTimeout =
  (milliseconds: number) =>
  <L, A>(effect: ReaderTaskEither<Client, L, A>): ReaderTaskEither<Client, L, A> =>
  (client) =>
  async () => {
    const controller = new AbortController()
    setMaxListeners(0, controller.signal)
    const stopTimer = startTimer(milliseconds, () => {
      controller.abort(
        new CosException({
          _tag: 'Timeout',
          context: { operation: '', bucket: '', key: O.none, attempts: 0 },
          host: '',
          phase: 'overall',
          after: milliseconds
        })
      )
    })
    const within = {
      ...client,
      signals: [...client.signals, controller.signal],
      deadline: Math.min(client.deadline, performance.now() + milliseconds)
    }
    try {
      return await effect(within)()
    } finally {
      stopTimer()
    }
  }

/** Changes the retry policy for an effect. Fields that are left out stay as the client has them. */
export const withRetry =
  (policy: Partial<RetryPolicy>) =>
  <R>(effect: (client: Client) => R): ((client: Client) => R) =>
  (client) =>
    effect({ ...client, retry: { ...client.retry, ...policy } })

/** The client without signals and deadline: for the cleanup after a signal or a timeout has ended the effect. */
export const detached = (client: Client): Client => ({
  ...client,
  signals: [],
  deadline: Number.POSITIVE_INFINITY
})
