/** The bytes of a request's body on their way to the connection: counted, hashed, and compared with the announced length. */
import * as O from 'fp-ts/lib/Option.js'
import { crc64Hasher } from '../core/crc64.js'
import { CosException, type Context } from '../core/error.js'
import { sleep, type Runtime } from '../core/runtime.js'
import { sliceChunks } from '../stages/iterables.js'
import type { OpenBody } from './open-body.js'
import type { RateLimiter } from './rate-limit.js'
import type { RequestTimer } from './timeouts.js'

/** Size and checksum of the bytes sent so far; the checksum is known after the last byte. */
export interface SentCount {
  size: number
  crc64: O.Option<bigint>
}

export interface BodyToSend {
  readonly body: OpenBody
  readonly context: Context
  readonly limit: RateLimiter
  /** The largest number of bytes to send at once. */
  readonly chunkSize: number
  readonly runtime: Runtime
  readonly timer: RequestTimer
  readonly counted: SentCount
  /** Ends a wait for the rate limit. */
  readonly ended: AbortSignal
  /** Receives an error of the source: undici does not report which side of a request failed. */
  readonly report: (failure: CosException) => void
}

const sourceError = (context: Context, cause: unknown): CosException =>
  cause instanceof CosException ? cause : new CosException({ _tag: 'SourceError', context, cause })

/** Yields the bytes of the caller: hashes and counts them, and compares their number with the announced length. */
export async function* sendBody({
  body,
  context,
  limit,
  chunkSize,
  runtime,
  timer,
  counted,
  ended,
  report
}: BodyToSend): AsyncGenerator<Uint8Array, void, undefined> {
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
        for (const bytes of chunk.length <= chunkSize ? [chunk] : sliceChunks(chunkSize)([chunk])) {
          const wait = limit(bytes.length)
          if (wait > 0) await sleep(runtime, wait, ended)
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
