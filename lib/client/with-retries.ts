/** The layer that sends a request again after a transient error. */
import { pipe } from 'fp-ts/lib/function.js'
import * as TE from 'fp-ts/lib/TaskEither.js'
import type { Context, CosError } from '../core/error.js'
import { isReplayableBody } from '../core/request.js'
import { recover, type Send } from './call.js'
import type { Client } from './client.js'
import { retryDelay, shouldRetry } from './retry.js'
import { sleepUnlessAborted } from './abort.js'

/**
 * Waits before the next retry of a request that has failed `failures` times.
 *
 * @errors `Aborted` or `Timeout` if a signal fires; `error`, at once, if the wait would pass the deadline
 */
export const waitForRetry = (
  client: Client,
  context: Context,
  failures: number,
  error: CosError
): TE.TaskEither<CosError, void> => {
  const delay = retryDelay(client.retry, failures, error, client.clock.now())
  return performance.now() + delay < client.deadline
    ? sleepUnlessAborted(delay, client, context)
    : TE.left(error)
}

/**
 * Sends again, after a wait, as often as the client's policy allows.
 *
 * @shape  a body that can be read only once is sent once
 * @errors the last attempt's, also if the next wait would pass the deadline; `Aborted` or `Timeout` if a signal fires
 */
export const withRetries =
  (client: Client) =>
  <A>(send: Send<A>): Send<A> => {
    const sendUntilFinal: Send<A> = (request, call) =>
      recover(send(request, call), (error) => {
        const failures = [...call.failures, error]
        if (!isReplayableBody(request.body) || !shouldRetry(client.retry, failures)) return TE.left(error)
        return pipe(
          waitForRetry(client, call.context(), failures.length, error),
          TE.chain(() => sendUntilFinal(request, { ...call, failures }))
        )
      })
    return sendUntilFinal
  }
