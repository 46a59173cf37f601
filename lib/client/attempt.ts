/** One request and its response: the innermost layer of a call. */
import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import * as TE from 'fp-ts/lib/TaskEither.js'
import { invalidInput, type AttemptRecord, type Context, type CosError } from '../core/error.js'
import { conflict } from '../core/problem.js'
import { isReplayableBody } from '../core/body.js'
import { withHeaders, type Request } from '../core/request.js'
import type { Response } from '../core/response.js'
import type { Send } from './call.js'
import { slowHeadersTimeout, type Client, type Timeouts } from './client.js'
import type { Credentials } from './credentials.js'
import type { CallTimeout } from './call-timeout.js'
import { publishAttempt } from './diagnostics.js'
import { md5Of, openBody, type OpenBody } from './open-body.js'
import { sign, type SignedRequest } from './sign.js'
import { aborted } from './abort.js'
import { endpointOfAttempt } from './backup-domain.js'
import type { LimitedRequest } from './rate-limit.js'
import type { Slot } from './request-pool.js'
import { exchange } from './transport.js'

const contentMd5 = (
  request: Request,
  context: Context,
  body: OpenBody
): TE.TaskEither<CosError, string | undefined> => {
  if (isReplayableBody(request.body)) return md5Of(context, body)
  return TE.left(
    invalidInput(context, conflict('enableMd5', 'not supported for a stream body (it can be read only once)'))
  )
}

const noMd5 = E.right(undefined)

/** COS requires a Content-Length of 0 for a PUT or POST without a body. */
const contentLength = ({ method }: Request, body: OpenBody): number | undefined =>
  method === 'PUT' || method === 'POST' ? O.toUndefined(body.size) : undefined

const timeoutsOf = ({ timeouts }: Client, { slow }: Request): Timeouts =>
  slow ? { ...timeouts, headers: Math.max(timeouts.headers, slowHeadersTimeout) } : timeouts

const isAscii = (headers: Readonly<Record<string, string>>): boolean =>
  Object.values(headers).every((value) => /^[\x20-\x7e\t]*$/.test(value))

const exchangeSigned = (
  client: Client,
  context: Context,
  callTimeout: CallTimeout,
  request: Request,
  body: OpenBody,
  signed: SignedRequest,
  slot: Slot | undefined
): TE.TaskEither<CosError, Response> =>
  exchange(client.dispatcher)({
    method: request.method,
    origin: signed.origin,
    peer: signed.peer,
    requestTarget: signed.requestTarget,
    headers: signed.headers,
    body,
    // node:http sends the head of such a request in UTF-8 (Node 20.20), which would change Latin-1 values. Requests with
    // such values are sent without `Expect`, which only saves sending a body that COS would refuse.
    expectContinue: request.expectContinue && isAscii(signed.headers),
    timeouts: timeoutsOf(client, request),
    rateLimiters: client.rateLimiters,
    runtime: client.runtime,
    signals: client.signals,
    callTimeout,
    context,
    slot
  })

const toRecord = (sentAt: number, host: string, result: E.Either<CosError, Response>): AttemptRecord => ({
  sentAt: new Date(sentAt),
  host,
  status: E.isRight(result) ? result.right.status : 0,
  requestId: E.isRight(result) ? (result.right.headers['x-cos-request-id'] ?? '') : '',
  cause: E.isRight(result) ? '' : causeOf(result.left)
})

const causeOf = (error: CosError): string =>
  error._tag === 'TransportError' && error.code !== '' ? error.code : error._tag

/** The slot of a request whose share of the bandwidth ends with it. */
const endTogether = (slot: Slot | undefined, share: LimitedRequest): Slot => ({
  watch: (paused) => slot?.watch(paused),
  end: (outcome) => {
    share.end()
    slot?.end(outcome)
  }
})

const sendOnce =
  (client: Client, credentials: Credentials | undefined, slot: Slot | undefined): Send<Response> =>
  (request, call) =>
  async () => {
    const context = call.nextAttempt()
    const opened = await openBody(context, request.body)()
    if (E.isLeft(opened)) return opened
    const body = opened.right
    const md5 = request.computeMd5 ? await contentMd5(request, context, body)() : noMd5
    if (E.isLeft(md5)) return md5
    const endpoint = client.backupDomain
      ? endpointOfAttempt(client.endpoint, request.bucket, client.retry.attempts, call.failures)
      : client.endpoint
    const share = client.rateLimiters.start(context.operation)
    const toSend = withHeaders({
      'user-agent': client.userAgent,
      'content-md5': md5.right,
      'content-length': contentLength(request, body),
      'x-cos-sdk-retry': context.attempts > 1 ? 'true' : undefined,
      // Unless the caller has set a limit, COS is asked to limit the request to its share of the bandwidth.
      'x-cos-traffic-limit': request.headers['x-cos-traffic-limit'] ?? share?.trafficLimit
    })(request)
    const { runtime } = client
    const signed = sign(endpoint, toSend, credentials, client.clock.now())
    const sentAt = runtime.now()
    const start = runtime.elapsed()
    const watched = share === undefined ? slot : endTogether(slot, share)
    const result = await exchangeSigned(client, context, call.callTimeout, toSend, body, signed, watched)()
    publishAttempt(context, { start, runtime }, request.method, signed.host, result)
    call.record(toRecord(sentAt, signed.host, result))
    return result
  }

/**
 * Opens the body, signs with the current time, sends, and returns the response when its head has arrived. A request of a
 * transfer with `concurrency: 'auto'` waits for its slot first, and so does each retry.
 */
export const attempt =
  (client: Client, credentials: Credentials | undefined): Send<Response> =>
  (request, call) => {
    if (O.isNone(client.lane)) return sendOnce(client, credentials, undefined)(request, call)
    const { acquire } = client.lane.value
    return async () => {
      const slot = await acquire()
      const fired = [...client.signals, call.callTimeout.signal()].find((signal) => signal.aborted)
      const result =
        fired === undefined
          ? await sendOnce(client, credentials, slot)(request, call)()
          : E.left(aborted(call.context(), fired.reason))
      // Does nothing after a response: its connection ends the slot.
      if (E.isLeft(result)) slot.end()
      return result
    }
  }
