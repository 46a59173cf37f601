/** The layer that sends a request again after an error that may pass. */
import { pipe } from 'fp-ts/lib/function.js'
import * as TE from 'fp-ts/lib/TaskEither.js'
import { isReplayableBody } from '../core/request.js'
import type { Send } from './call.js'
import type { Client } from './client.js'
import { retryDelay, shouldRetry } from './retry.js'
import { sleepUnlessAborted } from './timer.js'

/**
 * Sends again, after a wait, as often as the client's policy allows.
 *
 * @shape  a body that can be read once is sent once
 * @errors the last attempt's; `Aborted` or `Timeout` if a signal fires during a wait
 */
export const withRetries =
  (client: Client) =>
  <A>(send: Send<A>): Send<A> => {
    const sendUntilFinal: Send<A> = (request, call) =>
      pipe(
        send(request, call),
        TE.orElse((error) => {
          const failures = [...call.failures, error]
          if (!isReplayableBody(request.body) || !shouldRetry(client.retry, failures)) return TE.left(error)
          const delay = retryDelay(client.retry, failures.length, error, client.clock.now())
          return pipe(
            sleepUnlessAborted(delay, client, call.context()),
            TE.chain(() => sendUntilFinal(request, { ...call, failures }))
          )
        })
      )
    return sendUntilFinal
  }
