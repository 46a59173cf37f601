/** One request and its response over undici. */
import { Readable } from 'node:stream'
import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import { constVoid } from 'fp-ts/lib/function.js'
import type { TaskEither } from 'fp-ts/lib/TaskEither.js'
import type { Dispatcher } from 'undici'
import { CosException, codeOf, type Context, type CosError } from '../core/error.js'
import type { Method } from '../core/request.js'
import type { Response } from '../core/response.js'
import type { Runtime } from '../core/runtime.js'
import { setEntry } from '../core/set-entry.js'
import type { CallTimeout } from './call-timeout.js'
import { requestWithContinue } from './expect-continue.js'
import type { OpenBody } from './open-body.js'
import { isUnlimited, type RateLimiters } from './rate-limit.js'
import type { Slot } from './request-pool.js'
import { receiveBody, type Connection, type ReceivedBody } from './receive-body.js'
import { sendBody, type SentCount } from './send-body.js'
import type { Timeouts } from './client.js'
import { startTimeouts } from './timeouts.js'

export interface OutgoingRequest {
  readonly method: Method
  readonly origin: string
  /** The host of `origin`, with a port that is not the default. */
  readonly peer: string
  /** Path and query as in the request line. */
  readonly requestTarget: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: OpenBody
  readonly expectContinue: boolean
  readonly timeouts: Timeouts
  readonly rateLimiters: RateLimiters
  readonly runtime: Runtime
  readonly signals: ReadonlyArray<AbortSignal>
  readonly callTimeout: CallTimeout
  readonly context: Context
  /** Ended when the connection has ended the request. */
  readonly slot: Slot | undefined
}

type Headers = Readonly<Record<string, string | ReadonlyArray<string> | undefined>>

/** Names in lower case; undici writes most of them so. */
const headersOf = (headers: Headers): Readonly<Record<string, string>> => {
  const out: Record<string, string> = {}
  for (const name of Object.keys(headers)) {
    const value = headers[name]
    if (value === undefined) continue
    const text = typeof value === 'string' ? value : value.join(', ')
    setEntry(out, name.toLowerCase(), text)
  }
  return out
}

// undici accepts any async iterable and reads it with backpressure, but its types accept only a Readable.
// eslint-disable-next-line @typescript-eslint/no-unsafe-type-assertion, @typescript-eslint/no-unsafe-class-instance-assignment
const asBody = (bytes: AsyncIterable<Uint8Array>): Readable => bytes as Readable

const hasNoBody = ({ body }: OutgoingRequest): boolean => O.isSome(body.size) && body.size.value === 0

/** Whether the head of a response says that nothing follows it. */
const endsWithHead = (method: Method, status: number, headers: Headers): boolean =>
  method === 'HEAD' || status === 204 || status === 304 || headers['content-length'] === '0'

/** Ends when it is read. To make one takes 0.2 us; a getter in its place took 1.1 (Node 20). */
const emptyBody = {
  read(this: Readable) {
    this.push(null)
  }
}

/** Receives the response to a request, from undici or from node:http. */
interface Receiver {
  readonly start: (connection: Connection, status: number, headers: Headers) => void
  readonly data: (chunk: Uint8Array) => void
  readonly end: () => void
  readonly fail: (thrown: unknown) => void
}

/** Sends over undici. Returns the function that aborts the request. */
const dispatchRequest = (
  dispatcher: Dispatcher,
  out: OutgoingRequest,
  body: Uint8Array | AsyncIterable<Uint8Array> | null,
  receiver: Receiver
): ((reason: Error) => void) => {
  let connection: Dispatcher.DispatchController | undefined
  let abortedBy: Error | undefined
  const handler: Dispatcher.DispatchHandler = {
    onRequestStart: (controller) => {
      connection = controller
      if (abortedBy !== undefined) controller.abort(abortedBy)
    },
    onResponseStart: (controller, status, headers) => {
      if (status >= 200) receiver.start(controller, status, headers)
    },
    onResponseData: (_, chunk) => {
      receiver.data(chunk)
    },
    onResponseEnd: receiver.end,
    onResponseError: (_, error) => {
      receiver.fail(error)
    }
  }
  dispatcher.dispatch(
    {
      origin: out.origin,
      path: out.requestTarget,
      method: out.method,
      headers: out.headers,
      body: body === null || body instanceof Uint8Array ? body : asBody(body),
      headersTimeout: 0,
      bodyTimeout: 0,
      // By default undici closes the connection after each HEAD, for servers that send a body in response. COS sends
      // none, and with TLS a new connection for each file of a directory costs more than the HEAD itself.
      ...(out.method === 'HEAD' ? { reset: false } : {})
    },
    handler
  )
  // undici aborts a request that is still connecting only once the connection is there.
  return (reason) => {
    abortedBy = reason
    connection?.abort(reason)
  }
}

/** Sends over node:http, with `Expect: 100-continue`. */
const dispatchWithContinue = (
  out: OutgoingRequest,
  bytes: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
  receiver: Receiver
): void => {
  requestWithContinue({ ...out, bytes, signal })
    .then(({ statusCode, headers, body }) => {
      const connection: Connection = {
        pause: () => body.pause(),
        resume: () => body.resume(),
        abort: () => body.destroy()
      }
      let hasEnded = false
      body.on('error', receiver.fail)
      body.on('end', () => {
        hasEnded = true
        receiver.end()
      })
      body.on('close', () => {
        if (!hasEnded) receiver.fail(new Error('the connection closed before the body ended'))
      })
      receiver.start(connection, statusCode, headers)
      body.on('data', receiver.data)
    })
    .catch(receiver.fail)
}

/**
 * Sends one request, and returns its response when the head has arrived.
 *
 * @shape  redirects are not followed, bodies are not decompressed
 * @errors `TransportError`, `Timeout`, `Aborted`, `SourceError`, `FileError`; the body of the response throws its own errors
 */
export const exchange =
  (dispatcher: Dispatcher) =>
  (out: OutgoingRequest): TaskEither<CosError, Response> =>
  () =>
    new Promise((settle) => {
      const { context, peer: host, body, rateLimiters, runtime } = out
      const isEmpty = hasNoBody(out)
      const atOnce = out.expectContinue || !isUnlimited(rateLimiters.up.limit) ? undefined : body.bytes
      const counted: SentCount = isEmpty
        ? { size: 0, crc64: O.some(0n) }
        : atOnce === undefined
          ? { size: 0, crc64: O.none }
          : { size: atOnce.length, crc64: body.crc64 }
      const timer = startTimeouts(out.timeouts, out.signals, out.callTimeout, context, host, runtime)
      const state = { isSettled: false }
      let sourceFailure: CosException | undefined
      let received: ReceivedBody | undefined
      let head: Pick<Response, 'status' | 'headers'> | undefined
      const endSlot = (): void => {
        out.slot?.end({ status: head?.status ?? 0, bytes: counted.size + (received?.size() ?? 0) })
      }
      let abort: (reason: Error) => void = constVoid

      const toError = (thrown: unknown): CosError => {
        if (sourceFailure !== undefined) return sourceFailure.error
        if (thrown instanceof CosException) return thrown.error
        const code = codeOf(thrown)
        return code === 'UND_ERR_CONNECT_TIMEOUT'
          ? { _tag: 'Timeout', context, host, phase: 'connect', after: out.timeouts.connect }
          : { _tag: 'TransportError', context, host, code, cause: thrown }
      }
      const fail = (error: CosError): void => {
        if (state.isSettled) return
        state.isSettled = true
        timer.close()
        endSlot()
        settle(E.left(error))
        abort(new CosException(error))
      }
      const receiver: Receiver = {
        start: (connection, status, headers) => {
          if (state.isSettled) return connection.abort(new Error('the request has ended'))
          head = { status, headers: headersOf(headers) }
          if (endsWithHead(out.method, status, headers)) return
          received = receiveBody(connection, timer, rateLimiters.down, runtime, toError)
          state.isSettled = true
          out.slot?.watch(received.paused)
          settle(
            E.right({
              status,
              headers: head.headers,
              body: received.body,
              continueWith: received.continueWith,
              sent: counted,
              context,
              host
            })
          )
        },
        data: (chunk) => received?.push(chunk),
        end: () => {
          endSlot()
          if (received !== undefined) return received.end()
          if (state.isSettled || head === undefined) return
          state.isSettled = true
          timer.close()
          settle(
            E.right({
              status: head.status,
              headers: head.headers,
              body: new Readable(emptyBody),
              isEmpty: true,
              sent: counted,
              context,
              host
            })
          )
        },
        fail: (thrown) => {
          endSlot()
          if (received !== undefined) received.fail(thrown)
          else fail(toError(thrown))
        }
      }

      timer.onExpiry(fail)
      if (state.isSettled) return
      try {
        if (isEmpty || atOnce !== undefined) {
          timer.wait('headers')
          abort = dispatchRequest(dispatcher, out, atOnce ?? null, receiver)
          return
        }
        const controller = new AbortController()
        const bytes = sendBody({
          body,
          context,
          ...rateLimiters.up,
          runtime,
          timer,
          counted,
          ended: controller.signal,
          report: (failure) => {
            sourceFailure = failure
          }
        })
        const close = (reason: Error): void => {
          controller.abort(reason)
          void bytes.return().catch(constVoid)
        }
        if (out.expectContinue) {
          // COS must respond before the body.
          timer.wait('headers')
          abort = close
          dispatchWithContinue(out, bytes, controller.signal, receiver)
          return
        }
        // Until the first bytes of the body are read, the caller is the slow side: no timeout runs.
        const abortRequest = dispatchRequest(dispatcher, out, bytes, receiver)
        abort = (reason) => {
          abortRequest(reason)
          close(reason)
        }
      } catch (thrown) {
        // A dispatcher of the caller's may throw.
        fail(toError(thrown))
      }
    })
