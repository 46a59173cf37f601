/** From an operation to an effect: composes the layers that send a call. */
import { identity, pipe } from 'fp-ts/lib/function.js'
import * as E from 'fp-ts/lib/Either.js'
import type { ReaderTaskEither } from 'fp-ts/lib/ReaderTaskEither.js'
import type * as TE from 'fp-ts/lib/TaskEither.js'
import { fromUnknown, type CosError } from '../core/error.js'
import type { Operation } from '../core/operation.js'
import type { Request } from '../core/request.js'
import type { Response } from '../core/response.js'
import { closeSource, withSource } from '../stages/claim-source.js'
import { attempt } from './attempt.js'
import { createCall, type Call, type Send } from './call.js'
import { checkRequest } from './check-request.js'
import type { Client } from './client.js'
import { withClockCorrection, withProvenClock } from './clock.js'
import { startCallTimeout } from './call-timeout.js'
import { publishOperation } from './diagnostics.js'
import { withConfirmation } from './confirm.js'
import { withFreshCredentials } from './fresh-credentials.js'
import { raceAbort } from './abort.js'
import { withResumedBody } from './resume-body.js'
import { withRetries } from './with-retries.js'

/** Reads a client and returns a task. Nothing happens until the task is called; each call sends again. */
export type CosEffect<A> = ReaderTaskEither<Client, CosError, A>

/** Reads the response inside the retry layers: a response that cannot be read is a failed attempt. */
const withDecoder =
  <A>({ decode }: Operation<A>) =>
  (send: Send<Response>): Send<A> =>
  (request, call) =>
  async () => {
    const sent = await send(request, call)()
    if (E.isLeft(sent)) return sent
    const response = call.failures.length > 0 ? { ...sent.right, retried: true } : sent.right
    return decode(response)()
  }

const sendThrough = <A>(client: Client, operation: Operation<A>): Send<A> =>
  pipe(
    withFreshCredentials(client)((credentials) =>
      pipe(
        attempt(client, credentials),
        withResumedBody(client, operation, (other, within) => send(other)(within)),
        withDecoder(operation),
        withConfirmation(operation, (other, { callTimeout }) =>
          send(other)({
            ...client,
            deadline: Math.min(client.deadline, callTimeout.at),
            signals: [...client.signals, callTimeout.signal()]
          })
        ),
        withClockCorrection(client),
        credentials === undefined
          ? identity
          : withProvenClock(client, (within) => attempt(within, credentials))
      )
    ),
    withRetries(client)
  )

/** Sends one call. If a function of the caller throws, such as a decoder or a dispatcher, returns an error. */
const sendCall = async <A>(
  client: Client,
  operation: Operation<A>,
  request: Request,
  call: Call
): Promise<E.Either<CosError, A>> => {
  const task = (): Promise<E.Either<CosError, A>> => {
    const checked = checkRequest(client, request, call.context())
    return E.isLeft(checked)
      ? Promise.resolve(checked)
      : raceAbort(client, call, sendThrough(client, operation)(checked.right, call))()
  }
  try {
    const { source } = operation
    const result = await (source === undefined ? task() : withSource(call.context(), source)(task)())
    return E.isLeft(result) ? E.left(call.withHistory(result.left)) : result
  } catch (thrown) {
    return E.left(call.withHistory(fromUnknown(call.context())(thrown)))
  } finally {
    call.callTimeout.close()
  }
}

/**
 * Makes an effect of an operation.
 *
 * A failed attempt is repeated if the error is transient and the body can be sent again. Each attempt has a new signature.
 * Redirects are not followed.
 *
 * @shape  `Operation<A> -> ReaderTaskEither<Client, CosError, A>`
 * @errors those that the operation names, and `CredentialsError`, `Timeout`, `Aborted`, `TransportError`; each with the
 *         number of attempts
 * @example const head = await send(headObject({ bucket, key }))(client)()
 */
export const send =
  <A>(operation: Operation<A>): CosEffect<A> =>
  (client) =>
  async () => {
    const { action, request, source } = operation
    if (E.isLeft(request)) {
      if (source !== undefined) closeSource(source)
      return request
    }
    const { runtime, timeouts } = client
    const start = runtime.elapsed()
    const call = createCall(action, request.right, startCallTimeout(runtime, timeouts.overall))
    const result = await sendCall(client, operation, request.right, call)
    publishOperation(call.context, { start, runtime }, result)
    return result
  }

/**
 * Runs effects with one client.
 *
 * @example const get = run(client); await get(send(headObject({ bucket, key })))()
 */
export const run =
  (client: Client) =>
  <L, A>(effect: ReaderTaskEither<Client, L, A>): TE.TaskEither<L, A> =>
    effect(client)
