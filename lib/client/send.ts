/** From a call as a value to what came of it: opened, signed, sent, decoded, and tried again where that is honest. */
import { setMaxListeners } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { pipe } from 'fp-ts/lib/function.js'
import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import type { ReaderTaskEither } from 'fp-ts/lib/ReaderTaskEither.js'
import * as TE from 'fp-ts/lib/TaskEither.js'
import { hostOf } from '../core/address.js'
import { CosException, type Context, type CosError } from '../core/error.js'
import type { Operation } from '../core/operation.js'
import { isReplayableBody, withHeaders, type Request } from '../core/request.js'
import type { Response } from '../core/response.js'
import { md5Of, openBody, type OpenBody } from './open-body.js'
import { slowHeadersTimeout, type Client } from './client.js'
import type { Credentials } from './credentials.js'
import { aborted, raceAbort } from './timeouts.js'
import { publish } from './diagnostics.js'
import {
  isExpiredToken,
  isClockSkewError,
  shouldRetry,
  serverTime,
  retryDelay,
  type RetryPolicy
} from './retry.js'
import { sign } from './sign.js'
import { exchange } from './transport.js'

/** What happens when a client is given and the task called; not before, and anew each time. */
export type CosEffect<A> = ReaderTaskEither<Client, CosError, A>

/** A request that has been built, on its way to an answer. */
export type Send = (request: Request, context: Context) => TE.TaskEither<CosError, Response>

const md5If = (
  request: Request,
  context: Context,
  body: OpenBody
): TE.TaskEither<CosError, string | undefined> => {
  if (!request.computeMd5) return TE.right(undefined)
  if (isReplayableBody(request.body)) return md5Of(context, body)
  return TE.left({
    _tag: 'InvalidInput',
    context,
    field: 'enableMd5',
    expected: 'left out: a stream is read once'
  })
}

const prepare = (request: Request, context: Context): TE.TaskEither<CosError, readonly [Request, OpenBody]> =>
  pipe(
    openBody(context, request.body),
    TE.chain((body) =>
      pipe(
        md5If(request, context, body),
        TE.map((md5): readonly [Request, OpenBody] => [
          pipe(request, withHeaders({ 'content-md5': md5, ...lengthOf(request, body) })),
          body
        ])
      )
    )
  )

/** Told wherever it is known; COS demands a 0 of a PUT or POST that carries nothing. */
const lengthOf = ({ method }: Request, body: OpenBody): { readonly 'content-length'?: number } =>
  (method === 'PUT' || method === 'POST') && O.isSome(body.size) ? { 'content-length': body.size.value } : {}

/** A customer's key is for COS alone: in the clear it goes no further than this machine. */
const isPlainHttp = (client: Client, request: Request): boolean =>
  client.place.scheme === 'http' &&
  Object.keys(request.headers).some((name) => name.endsWith('-customer-key')) &&
  !/^(?:127\.|localhost(?::|$)|\[::1\])/.test(client.place.address ?? hostOf(client.place, request.bucket))

/** What only the client can tell is wrong with a request. */
const checkAgainstClient = (
  client: Client,
  request: Request
): { readonly field: string; readonly expected: string } | undefined => {
  if (isPlainHttp(client, request)) return { field: 'sse', expected: 'sent over https: it is a key' }
  return request.expectContinue && client.dispatcherIsGiven
    ? { field: 'expectContinue', expected: 'left out: undici dispatchers know it of HTTP/2 alone' }
    : undefined
}

/** One request and its answer. Each is signed anew, with the credentials and the clock of its moment. */
const attempt =
  (client: Client): Send =>
  (request, context) =>
    pipe(
      TE.Do,
      TE.bind('credentials', () => client.signer(context)),
      TE.bind('opened', () => prepare(request, context)),
      TE.chain(({ credentials, opened: [complete, body] }) => async () => {
        const signed = sign(
          client.place,
          pipe(
            complete,
            withHeaders({
              'user-agent': client.userAgent,
              'x-cos-sdk-retry': context.attempts > 1 ? 'true' : undefined
            })
          ),
          credentials,
          client.clock.now()
        )
        const began = performance.now()
        const result = await exchange(client.dispatcher)({
          method: request.method,
          origin: signed.origin,
          requestTarget: signed.requestTarget,
          headers: signed.headers,
          body,
          expectContinue: request.expectContinue,
          timeouts: request.slow
            ? { ...client.timeouts, headers: Math.max(client.timeouts.headers, slowHeadersTimeout) }
            : client.timeouts,
          paces: client.paces,
          signals: client.signals,
          context
        })()
        publish('attempt', () => ({
          ...aboutOf(context),
          attempt: context.attempts,
          method: request.method,
          host: signed.host,
          status: E.isRight(result) ? result.right.status : 0,
          requestId: E.isRight(result) ? (result.right.headers['x-cos-request-id'] ?? '') : '',
          duration: performance.now() - began,
          error: E.isLeft(result) ? result.left._tag : ''
        }))
        return result
      })
    )

const aboutOf = (
  context: Context
): { readonly operation: string; readonly bucket: string; readonly key: string } => ({
  operation: context.operation,
  bucket: context.bucket,
  key: O.getOrElse(() => '')(context.key)
})

/** Waits, unless a signal ends the call first. */
export const sleepUnlessAborted = async (
  milliseconds: number,
  client: Client,
  context: Context
): Promise<CosError | undefined> => {
  const over = new AbortController()
  const end = function (this: AbortSignal): void {
    over.abort(this.reason)
  }
  for (const signal of client.signals) {
    if (signal.aborted) return aborted(context, signal.reason)
    signal.addEventListener('abort', end, { once: true })
  }
  try {
    await sleep(milliseconds, undefined, { signal: over.signal })
    return undefined
  } catch {
    return aborted(context, over.signal.reason)
  } finally {
    for (const signal of client.signals) signal.removeEventListener('abort', end)
  }
}

/** Whether the source of credentials has others than those that COS took for expired. */
const hasMoreCredentials = async (
  client: Client,
  context: Context,
  used: Credentials | undefined
): Promise<boolean> => {
  const fresh = await client.signer(context, used)()
  return E.isRight(fresh) && fresh.right?.sessionToken !== used?.sessionToken
}

/** A clock that is off by less is not why COS refused; the same signature would be made again. */
const isObserved = 30_000

const performAttempts = async <A>(
  operation: Operation<A>,
  request: Request,
  client: Client,
  attempted: (attempt: number) => void
): Promise<E.Either<CosError, A>> => {
  const replayable = isReplayableBody(request.body)
  let used: Credentials | undefined
  const exchangeOnce = attempt({
    ...client,
    signer: (context) =>
      pipe(
        client.signer(context),
        TE.map((credentials) => {
          used = credentials
          return credentials
        })
      )
  })
  const failures: Array<CosError> = []
  let corrected = false
  let renewed = false
  for (let attempt = 1; ; attempt += 1) {
    attempted(attempt)
    const context: Context = {
      operation: operation.action,
      bucket: request.bucket,
      key: request.key,
      attempts: attempt
    }
    const result = await pipe(
      exchangeOnce(request, context),
      TE.chain((response) => operation.decode({ ...response, retried: failures.length > 0 }))
    )()
    if (E.isRight(result) || !replayable) return result

    const error = result.left
    const said = corrected || !isClockSkewError(error) ? undefined : serverTime(error)
    if (said !== undefined && Math.abs(said - client.clock.now()) >= isObserved) {
      corrected = true
      client.clock.set(said)
      continue
    }
    if (!renewed && isExpiredToken(error) && (await hasMoreCredentials(client, context, used))) {
      renewed = true
      continue
    }
    failures.push(error)
    if (!shouldRetry(client.retry, failures)) return result
    const ended = await sleepUnlessAborted(
      retryDelay(client.retry, failures.length, error, client.clock.now()),
      client,
      context
    )
    if (ended !== undefined) return E.left(ended)
  }
}

/**
 * Makes an effect of an operation.
 *
 * A failed attempt is followed by another where the failure may pass and the body can be sent again; each is signed
 * anew. Redirects are not followed.
 *
 * @shape  `Operation<A> -> ReaderTaskEither<Client, CosError, A>`
 * @errors those that the operation names, and `CredentialsError`, `Timeout`, `Aborted`, `TransportError`; each with the
 *         number of attempts that were made
 * @example const head = await send(headObject({ bucket, key }))(client)()
 */
export const send =
  <A>(operation: Operation<A>): CosEffect<A> =>
  (client) =>
  async () => {
    if (E.isLeft(operation.request)) return operation.request
    const request = operation.request.right
    const context = { operation: operation.action, bucket: request.bucket, key: request.key, attempts: 0 }
    const unfit = checkAgainstClient(client, request)
    if (unfit !== undefined) return E.left({ _tag: 'InvalidInput', context, ...unfit })
    const began = performance.now()
    let attempts = 0
    const effect: CosEffect<A> = (within) => () =>
      raceAbort(
        within.signals,
        () => ({ ...context, attempts }),
        () =>
          performAttempts(operation, request, within, (attempt) => {
            attempts = attempt
          })
      )
    const result = await withTimeout(client.timeouts.overall)(effect)(client)()
    publish('operation', () => ({
      operation: operation.action,
      bucket: request.bucket,
      key: O.getOrElse(() => '')(request.key),
      attempts,
      duration: performance.now() - began,
      error: E.isLeft(result) ? result.left._tag : ''
    }))
    return result
  }

/**
 * Gives effects their client.
 *
 * @example const get = run(client); await get(send(headObject({ bucket, key })))()
 */
export const run =
  (client: Client) =>
  <L, A>(effect: ReaderTaskEither<Client, L, A>): TE.TaskEither<L, A> =>
    effect(client)

/**
 * Ends an effect when the signal fires: it settles with `Aborted` at once, and nothing of it goes on, the reading of
 * a body it gave included. As with the others here, the effect may have failures of its own beside ours; and it may be
 * anything that asks for a client, such as a listing as a stream.
 */
export const withSignal =
  (signal: AbortSignal) =>
  <R>(effect: (client: Client) => R): ((client: Client) => R) =>
  (client) => {
    // One signal may end a thousand calls; each listens while it lasts, and Node warns at the eleventh.
    setMaxListeners(0, signal)
    return effect({ ...client, signals: [...client.signals, signal] })
  }

/** Ends an effect that has not settled after so many milliseconds with `Timeout`, whose phase is `overall`. */
export const withTimeout =
  (milliseconds: number) =>
  <L, A>(effect: ReaderTaskEither<Client, L, A>): ReaderTaskEither<Client, L, A> =>
  (client) =>
  async () => {
    const over = new AbortController()
    setMaxListeners(0, over.signal)
    const timer = setTimeout(() => {
      over.abort(
        new CosException({
          _tag: 'Timeout',
          context: { operation: '', bucket: '', key: O.none, attempts: 0 },
          phase: 'overall',
          after: milliseconds
        })
      )
    }, milliseconds)
    try {
      return await effect({ ...client, signals: [...client.signals, over.signal] })()
    } finally {
      clearTimeout(timer)
    }
  }

/** Changes the retry policy for an effect; what is left out stays as the client has it. */
export const withRetry =
  (policy: Partial<RetryPolicy>) =>
  <R>(effect: (client: Client) => R): ((client: Client) => R) =>
  (client) =>
    effect({ ...client, retry: { ...client.retry, ...policy } })
