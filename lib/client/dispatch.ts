/** Hands one request to undici, or to node:http if it waits for `100 Continue`. */
import type { Readable } from 'node:stream'
import type { Dispatcher } from 'undici'
import type { Context } from '../core/error.js'
import type { Method } from '../core/request.js'
import type { Runtime } from '../core/runtime.js'
import type { CallTimeout } from './call-timeout.js'
import type { Timeouts } from './client.js'
import { requestWithContinue } from './expect-continue.js'
import type { OpenBody } from './open-body.js'
import type { RateLimiters } from './rate-limit.js'
import type { Connection } from './receive-body.js'
import type { Slot } from './request-pool.js'

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

export type ReceivedHeaders = Readonly<Record<string, string | ReadonlyArray<string> | undefined>>

/** Receives the response to a request, from undici or from node:http. */
export interface Receiver {
  readonly start: (connection: Connection, status: number, headers: ReceivedHeaders) => void
  readonly data: (chunk: Uint8Array) => void
  readonly end: () => void
  readonly fail: (thrown: unknown) => void
}

// undici accepts any async iterable and reads it with backpressure, but its types accept only a Readable.
// eslint-disable-next-line @typescript-eslint/no-unsafe-type-assertion, @typescript-eslint/no-unsafe-class-instance-assignment
const asBody = (bytes: AsyncIterable<Uint8Array>): Readable => bytes as Readable

/** Sends over undici. Returns the function that aborts the request. */
export const dispatchRequest = (
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
export const dispatchWithContinue = (
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
