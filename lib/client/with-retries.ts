/** The layer that sends a request again after a transient error. */
import * as E from 'fp-ts/lib/Either.js'
import * as TE from 'fp-ts/lib/TaskEither.js'
import type { Context, CosError } from '../core/error.js'
import { isReplayableBody } from '../core/body.js'
import type { Request } from '../core/request.js'
import { canSwitch } from './backup-domain.js'
import type { Send } from './call.js'
import type { Client } from './client.js'
import { isConnectionClosed, retryDelay, shouldRetry } from './retry.js'
import { sleepUnlessAborted } from './abort.js'

/**
 * Waits so many milliseconds before a retry, and takes the retry from the client's budget.
 *
 * @errors `Aborted` or `Timeout` if a signal fires; `error`, at once, with `retriesEndedBy` if the wait would pass the
 *         deadline or no retry is left
 */
export const waitForRetry = (
  client: Client,
  context: Context,
  error: CosError,
  delay: number
): TE.TaskEither<CosError, void> => {
  const end = (retriesEndedBy: 'budget' | 'deadline'): TE.TaskEither<CosError, never> =>
    TE.left({ ...error, context: { ...error.context, retriesEndedBy } })
  if (client.runtime.elapsed() + delay >= client.deadline) return end('deadline')
  return client.retry.budget.take() ? sleepUnlessAborted(delay, client, context) : end('budget')
}

/**
 * Sends again, after a wait, as often as the client's policy and its budget allow.
 *
 * @shape  a body that can be read only once is sent once
 * @errors the last attempt's, also if the next wait would pass the deadline; `Aborted` or `Timeout` if a signal fires
 */
export const withRetries =
  (client: Client) =>
  <A>(send: Send<A>): Send<A> => {
    const isRetried = ({ body, bucket }: Request, failures: ReadonlyArray<CosError>): boolean =>
      isReplayableBody(body) &&
      (shouldRetry(client.retry, failures) ||
        (client.backupDomain &&
          failures.length < client.retry.attempts &&
          canSwitch(client.endpoint, bucket, failures)))
    return (request, call) => async () => {
      let failures = call.failures
      for (;;) {
        const result = await send(request, failures === call.failures ? call : { ...call, failures })()
        if (E.isRight(result)) {
          client.retry.budget.succeed(failures.length)
          return result
        }
        failures = [...failures, result.left]
        if (!isRetried(request, failures)) return result
        const isAtOnce = failures.length === 1 && isConnectionClosed(result.left)
        const delay = isAtOnce
          ? 0
          : retryDelay(client.retry, failures.length, result.left, client.clock.now())
        const deadline = Math.min(client.deadline, call.callTimeout.at)
        const waited = await waitForRetry({ ...client, deadline }, call.context(), result.left, delay)()
        if (E.isLeft(waited)) return waited
      }
    }
  }
