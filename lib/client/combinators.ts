/** Functions from effect to effect: a signal, a deadline, another retry policy. */
import { setMaxListeners } from 'node:events'
import type { ReaderTaskEither } from 'fp-ts/lib/ReaderTaskEither.js'
import type { Client } from './client.js'
import { startEffectTimeout } from './effect-timeout.js'
import type { RetryPolicy } from './retry.js'

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
 * Ends an effect that has not settled after so many milliseconds; `Infinity` is no timeout. A body that the effect returned
 * has the same deadline: if it is still being read then, it fails with the `Timeout`.
 *
 * @errors `Timeout` whose phase is `overall`
 * @example pipe(downloadStream({ bucket, key }), withTimeout(60_000)) // HEAD and body, within a minute
 */
export const withTimeout =
  (milliseconds: number) =>
  <L, A>(effect: ReaderTaskEither<Client, L, A>): ReaderTaskEither<Client, L, A> =>
  (client) =>
  async () => {
    const timeout = startEffectTimeout(client.runtime, milliseconds)
    const within = {
      ...client,
      signals: [...client.signals, timeout.signal],
      deadline: Math.min(client.deadline, timeout.at)
    }
    try {
      return await effect(within)()
    } finally {
      timeout.settle()
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
