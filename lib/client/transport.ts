/**
 * One request and its response over undici. Bytes are counted and hashed; timeouts of the server pause while the caller is
 * the slow side.
 */
import { Readable } from 'node:stream'
import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import { constVoid } from 'fp-ts/lib/function.js'
import type { TaskEither } from 'fp-ts/lib/TaskEither.js'
import type { Dispatcher } from 'undici'
import { crc64Hasher } from '../core/crc64.js'
import { CosException, codeOf, type Context, type CosError } from '../core/error.js'
import { ioChunkSize } from '../core/limits.js'
import type { Method } from '../core/request.js'
import type { Response } from '../core/response.js'
import { sliceChunks } from '../stages/iterables.js'
import { delay, type RateLimiter, type RateLimiters } from './rate-limit.js'
import type { OpenBody } from './open-body.js'
import type { Timeouts } from './client.js'
import { startTimeouts, type RequestTimer } from './timeouts.js'
import { requestWithContinue, type RawResponse } from './expect-continue.js'

export interface OutgoingRequest {
  readonly method: Method
  readonly origin: string
  /** Path and query as in the request line. */
  readonly requestTarget: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: OpenBody
  readonly expectContinue: boolean
  readonly timeouts: Timeouts
  readonly rateLimiters: RateLimiters
  readonly signals: ReadonlyArray<AbortSignal>
  readonly context: Context
}

interface Counted {
  size: number
  crc64: O.Option<bigint>
}

const sourceError = (context: Context, cause: unknown): CosException =>
  cause instanceof CosException ? cause : new CosException({ _tag: 'SourceError', context, cause })

/** Yields the bytes of the caller: hashes and counts them, and compares their number with the announced length. */
async function* sendBody(
  { body, context, rateLimiters }: OutgoingRequest,
  ended: AbortSignal,
  timer: RequestTimer,
  counted: Counted,
  report: (failure: CosException) => void
): AsyncGenerator<Uint8Array, void, undefined> {
  const announced = O.toUndefined(body.size)
  const failure = (cause: unknown): CosException => {
    const failed = sourceError(context, cause)
    report(failed)
    return failed
  }
  const openSource = (): AsyncIterator<Uint8Array, unknown> => {
    try {
      return body.open()[Symbol.asyncIterator]()
    } catch (thrown) {
      throw failure(thrown)
    }
  }
  const hasher = O.isNone(body.crc64) ? await crc64Hasher() : undefined
  const digest = (): void => {
    if (O.isNone(counted.crc64)) counted.crc64 = hasher === undefined ? body.crc64 : O.some(hasher.digest())
  }
  try {
    // Not `for await`: an error that undici throws at the `yield` must not be reported as an error of the source.
    const source = openSource()
    let exhausted = false
    const read = async (): Promise<IteratorResult<Uint8Array, unknown>> => {
      try {
        return await source.next()
      } catch (thrown) {
        exhausted = true
        throw failure(thrown)
      }
    }
    try {
      for (;;) {
        const next = await read()
        if (next.done === true) {
          exhausted = true
          break
        }
        const chunk: unknown = next.value
        if (!(chunk instanceof Uint8Array)) {
          throw failure(new Error('a chunk is not bytes (encode text first)'))
        }
        if (announced !== undefined && counted.size + chunk.length > announced) {
          throw failure(new Error(`more than the expected ${String(announced)} bytes`))
        }
        if (chunk.length === 0) continue
        hasher?.update(chunk)
        counted.size += chunk.length
        // COS may respond after the last announced byte, before undici reads further.
        if (counted.size === announced) digest()
        // While undici has the bytes, the network is the slow side. While the source is read, the caller is.
        for (const bytes of sliceChunks(ioChunkSize)([chunk])) {
          await delay(rateLimiters.up(bytes.length), ended)
          timer.wait('idle')
          yield bytes
          timer.rest()
        }
      }
    } finally {
      if (!exhausted) await source.return?.()
    }
    if (announced !== undefined && counted.size < announced) {
      throw failure(new Error(`ended after ${String(counted.size)} bytes, expected ${String(announced)}`))
    }
    digest()
    timer.wait('headers')
  } finally {
    hasher?.release()
  }
}

/**
 * Wraps the body of a response. While its reader pauses, the timeout is `unread` instead of `idle`. Errors are
 * `CosException`. Destroying the wrapper closes the connection at once.
 */
const receiveBody = (
  body: Readable,
  timer: RequestTimer,
  limit: RateLimiter,
  toError: (thrown: unknown) => CosError
): Readable => {
  let hasEnded = false
  let isUnread = true
  let isWanted = false
  let delayed: NodeJS.Timeout | undefined
  const flow = (): void => {
    delayed = undefined
    if (!isWanted) return
    timer.wait('idle')
    body.resume()
  }
  const out = new Readable({
    read: () => {
      isUnread = false
      isWanted = true
      if (delayed === undefined) flow()
    },
    destroy: (error, done) => {
      timer.close()
      clearTimeout(delayed)
      if (!hasEnded) body.destroy()
      done(error)
    }
  })
  const fail = (thrown: unknown): void => {
    if (hasEnded) return
    // The error is kept for the first read. Until then a listener keeps it from ending the process.
    if (isUnread) out.on('error', constVoid)
    out.destroy(new CosException(toError(thrown)))
  }
  timer.onExpiry((error) => {
    fail(new CosException(error))
  })
  body.on('data', (chunk: Uint8Array) => {
    isWanted = out.push(chunk)
    const wait = limit(chunk.length)
    if (isWanted && wait === 0) return timer.wait('idle')
    body.pause()
    if (isWanted) timer.rest()
    else timer.wait('unread')
    if (wait > 0) delayed = setTimeout(flow, wait)
  })
  body.on('end', () => {
    hasEnded = true
    timer.close()
    out.push(null)
  })
  body.on('error', fail)
  body.on('close', () => {
    fail(new Error('the connection closed before the body ended'))
  })
  // Paused until the reader reads.
  body.pause()
  return out
}

const headersOf = (
  headers: Readonly<Record<string, string | ReadonlyArray<string> | undefined>>
): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) =>
      value === undefined ? [] : [[name.toLowerCase(), typeof value === 'string' ? value : value.join(', ')]]
    )
  )

// undici accepts any async iterable and reads it with backpressure, but its types accept only a Readable.
// eslint-disable-next-line @typescript-eslint/no-unsafe-type-assertion, @typescript-eslint/no-unsafe-class-instance-assignment
const asBody = (bytes: AsyncIterable<Uint8Array>): Readable => bytes as Readable

const hasNoBody = ({ body }: OutgoingRequest): boolean => O.isSome(body.size) && body.size.value === 0

// Async, so that a dispatcher that throws becomes a rejection.
const requestWithUndici = async (
  dispatcher: Dispatcher,
  out: OutgoingRequest,
  bytes: AsyncIterable<Uint8Array>,
  signal: AbortSignal
): Promise<RawResponse> =>
  out.expectContinue && !hasNoBody(out)
    ? requestWithContinue({ ...out, bytes, signal })
    : dispatcher.request({
        origin: out.origin,
        path: out.requestTarget,
        method: out.method,
        headers: out.headers,
        body: hasNoBody(out) ? null : asBody(bytes),
        signal,
        headersTimeout: 0,
        bodyTimeout: 0,
        // By default undici closes the connection after each HEAD, for servers that send a body in response. COS sends
        // none, and with TLS a new connection for each file of a directory costs more than the HEAD itself.
        ...(out.method === 'HEAD' ? { reset: false } : {})
      })

/**
 * Sends one request, and returns its response when the head has arrived.
 *
 * @shape  redirects are not followed, bodies are not decompressed
 * @errors `TransportError`, `Timeout`, `Aborted`, `SourceError`, `FileError`; the body of the response throws its own errors
 */
export const exchange =
  (dispatcher: Dispatcher) =>
  (out: OutgoingRequest): TaskEither<CosError, Response> =>
  async () => {
    const counted: Counted = { size: 0, crc64: hasNoBody(out) ? O.some(0n) : O.none }
    const { host } = new URL(out.origin)
    const timer = startTimeouts(out.timeouts, out.signals, out.context, host)
    const controller = new AbortController()
    // undici does not report which side of a request failed.
    let fromBody: CosException | undefined
    const bytes = sendBody(out, controller.signal, timer, counted, (failure) => {
      fromBody = failure
    })
    const toError = (thrown: unknown): CosError => {
      if (fromBody !== undefined) return fromBody.error
      if (thrown instanceof CosException) return thrown.error
      const code = codeOf(thrown)
      return code === 'UND_ERR_CONNECT_TIMEOUT'
        ? { _tag: 'Timeout', context: out.context, host, phase: 'connect', after: out.timeouts.connect }
        : { _tag: 'TransportError', context: out.context, host, code, cause: thrown }
    }

    return new Promise((settle) => {
      let isSettled = false
      const settleWith = (result: E.Either<CosError, Response>): void => {
        isSettled = true
        settle(result)
      }
      const fail = (error: CosError): void => {
        timer.close()
        settleWith(E.left(error))
        // After settling: undici aborts a request that is still connecting only once the connection is there.
        controller.abort(new CosException(error))
        void bytes.return().catch(() => undefined)
      }
      timer.onExpiry(fail)
      if (controller.signal.aborted) return
      // Until the first bytes of a body are read, the caller is the slow side. With `Expect`, COS must respond first.
      if (hasNoBody(out) || out.expectContinue) timer.wait('headers')
      requestWithUndici(dispatcher, out, bytes, controller.signal)
        .then((response) => {
          if (isSettled) {
            response.body.on('error', () => undefined).destroy()
            return
          }
          timer.wait('unread')
          settleWith(
            E.right({
              status: response.statusCode,
              headers: headersOf(response.headers),
              body: receiveBody(response.body, timer, out.rateLimiters.down, toError),
              sent: counted,
              context: out.context,
              host
            })
          )
        })
        .catch((thrown: unknown) => {
          if (!isSettled) fail(toError(thrown))
        })
    })
  }
