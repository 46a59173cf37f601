/** One request, one answer, over undici: counted, hashed, and under deadlines that know whose turn it is. */
import { Readable } from 'node:stream'
import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
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
  /** Path and query as they stand in the request line. */
  readonly requestTarget: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: OpenBody
  readonly expectContinue: boolean
  readonly timeouts: Timeouts
  readonly paces: RateLimiters
  readonly signals: ReadonlyArray<AbortSignal>
  readonly context: Context
}

interface Counted {
  size: number
  crc64: O.Option<bigint>
}

const sourceError = (context: Context, cause: unknown): CosException =>
  cause instanceof CosException ? cause : new CosException({ _tag: 'SourceError', context, cause })

/** The caller's bytes on their way: hashed, counted, and held to the length that was promised. */
async function* sendBody(
  { body, context, paces }: OutgoingRequest,
  ended: AbortSignal,
  watch: RequestTimer,
  counted: Counted,
  report: (failure: CosException) => void
): AsyncGenerator<Uint8Array, void, undefined> {
  const promised = O.toUndefined(body.size)
  const failure = (cause: unknown): CosException => {
    const failed = sourceError(context, cause)
    report(failed)
    return failed
  }
  const hasher = O.isNone(body.crc64) ? await crc64Hasher() : undefined
  const summed = (): void => {
    if (O.isNone(counted.crc64)) counted.crc64 = hasher === undefined ? body.crc64 : O.some(hasher.digest())
  }
  try {
    // By hand: a loop would take a failure of undici's, thrown in at the yield, for one of the source's.
    const source = body.open()[Symbol.asyncIterator]()
    let exhausted = false
    try {
      for (;;) {
        const next = await source.next().catch((thrown: unknown) => {
          exhausted = true
          throw failure(thrown)
        })
        if (next.done === true) {
          exhausted = true
          break
        }
        const chunk: unknown = next.value
        if (!(chunk instanceof Uint8Array)) {
          throw failure(new TypeError('the body gave something other than bytes'))
        }
        if (promised !== undefined && counted.size + chunk.length > promised) {
          throw failure(new RangeError(`the body gave more than the ${String(promised)} bytes it promised`))
        }
        if (chunk.length === 0) continue
        hasher?.update(chunk)
        counted.size += chunk.length
        // With the last byte that was promised COS may answer, before anyone asks for more.
        if (counted.size === promised) summed()
        // While undici holds the bytes it is the network's turn; while the source is asked, the caller's.
        for (const bytes of sliceChunks(ioChunkSize)([chunk])) {
          await delay(paces.up(bytes.length), ended)
          watch.wait('idle')
          yield bytes
          watch.rest()
        }
      }
    } finally {
      if (!exhausted) await source.return?.()
    }
    if (promised !== undefined && counted.size < promised) {
      throw failure(
        new RangeError(
          `the body ended after ${String(counted.size)} of the ${String(promised)} bytes it promised`
        )
      )
    }
    summed()
    watch.wait('headers')
  } finally {
    hasher?.release()
  }
}

/**
 * The answer's body under the idle deadline, which rests while our reader does. Errors come out as `CosException`;
 * destroying it hangs up at once.
 */
const receiveBody = (
  body: Readable,
  watch: RequestTimer,
  pace: RateLimiter,
  toError: (thrown: unknown) => CosError
): Readable => {
  let ended = false
  let wanted = false
  let holding: NodeJS.Timeout | undefined
  const flow = (): void => {
    holding = undefined
    if (!wanted) return
    watch.wait('idle')
    body.resume()
  }
  const out = new Readable({
    read: () => {
      wanted = true
      if (holding === undefined) flow()
    },
    destroy: (error, done) => {
      watch.close()
      clearTimeout(holding)
      if (!ended) body.destroy()
      done(error)
    }
  })
  const fail = (thrown: unknown): void => {
    if (!ended) out.destroy(new CosException(toError(thrown)))
  }
  watch.onExpiry((error) => {
    fail(new CosException(error))
  })
  body.on('data', (chunk: Uint8Array) => {
    wanted = out.push(chunk)
    const hold = pace(chunk.length)
    if (wanted && hold === 0) return watch.wait('idle')
    body.pause()
    watch.rest()
    if (hold > 0) holding = setTimeout(flow, hold)
  })
  body.on('end', () => {
    ended = true
    watch.close()
    out.push(null)
  })
  body.on('error', fail)
  body.on('close', () => {
    fail(new Error('the connection closed before the body ended'))
  })
  // Only a reader starts it.
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

// undici takes any async iterable and reads it with backpressure; its types name fewer.
// eslint-disable-next-line @typescript-eslint/no-unsafe-type-assertion, @typescript-eslint/no-unsafe-class-instance-assignment
const asBody = (bytes: AsyncIterable<Uint8Array>): Readable => bytes as Readable

const hasNoBody = ({ body }: OutgoingRequest): boolean => O.isSome(body.size) && body.size.value === 0

const requestWithUndici = (
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
        // Else undici closes the connection after each HEAD, for servers that send a body with it: COS does not, and with
        // TLS a connection for each file of a folder costs more than the HEAD. Of other requests it decides itself.
        ...(out.method === 'HEAD' ? { reset: false } : {})
      })

/**
 * Sends one request and gives its answer when the head has come.
 *
 * @shape  redirects are not followed and bodies not decompressed
 * @errors `TransportError`, `Timeout`, `Aborted`, `SourceError`, `FileError`; the body's own come from the body
 */
export const exchange =
  (dispatcher: Dispatcher) =>
  (out: OutgoingRequest): TaskEither<CosError, Response> =>
  async () => {
    const counted: Counted = { size: 0, crc64: hasNoBody(out) ? O.some(0n) : O.none }
    const watch = startTimeouts(out.timeouts, out.signals, out.context)
    const hangUp = new AbortController()
    // undici tells the two sides of a request apart no more than by the error it is given.
    let fromBody: CosException | undefined
    const bytes = sendBody(out, hangUp.signal, watch, counted, (failure) => {
      fromBody = failure
    })
    const toError = (thrown: unknown): CosError => {
      if (fromBody !== undefined) return fromBody.error
      if (thrown instanceof CosException) return thrown.error
      const code = codeOf(thrown)
      return code === 'UND_ERR_CONNECT_TIMEOUT'
        ? { _tag: 'Timeout', context: out.context, phase: 'connect', after: out.timeouts.connect }
        : { _tag: 'TransportError', context: out.context, code, cause: thrown }
    }

    return new Promise((settle) => {
      let settled = false
      const give = (result: E.Either<CosError, Response>): void => {
        settled = true
        settle(result)
      }
      const fail = (error: CosError): void => {
        watch.close()
        give(E.left(error))
        // After settling: undici only lets go of a request that is still connecting when the connection is there.
        hangUp.abort(new CosException(error))
        out.body.close()
        void bytes.return().catch(() => undefined)
      }
      watch.onExpiry(fail)
      if (hangUp.signal.aborted) return
      // Of a body it is our turn until its first bytes are there; a question must be answered before.
      if (hasNoBody(out) || out.expectContinue) watch.wait('headers')
      requestWithUndici(dispatcher, out, bytes, hangUp.signal)
        .then((answer) => {
          if (settled) {
            answer.body.on('error', () => undefined).destroy()
            return
          }
          watch.rest()
          give(
            E.right({
              status: answer.statusCode,
              headers: headersOf(answer.headers),
              body: receiveBody(answer.body, watch, out.paces.down, toError),
              sent: counted,
              context: out.context
            })
          )
        })
        .catch((thrown: unknown) => {
          if (!settled) fail(toError(thrown))
        })
    })
  }
