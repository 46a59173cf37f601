/** The body of a response as a `Readable`; timeouts of the server pause while the reader is the slow side. */
import { Readable } from 'node:stream'
import { constVoid } from 'fp-ts/lib/function.js'
import { CosException, type CosError } from '../core/error.js'
import { KiB } from '../core/limits.js'
import type { RestOfBody, RestReader } from '../core/response.js'
import type { Runtime } from '../core/runtime.js'
import type { RateLimiter } from './rate-limit.js'
import type { RequestTimer } from './timeouts.js'

/** The connection that the bytes come from. */
export interface Connection {
  readonly pause: () => void
  readonly resume: () => void
  /** Closes the connection. */
  readonly abort: (reason: Error) => void
}

export interface ReceivedBody {
  readonly body: Readable
  readonly continueWith: (rest: RestOfBody) => void
  readonly push: (chunk: Uint8Array) => void
  readonly end: () => void
  readonly fail: (thrown: unknown) => void
  /** Bytes received from the connection so far. */
  readonly size: () => number
  /** These bytes if the reader pauses; `undefined` if it reads, or if the connection has ended. */
  readonly paused: () => number | undefined
}

// In bytes, for a body that is not read yet, and for a reader that reads in turns.
const readAhead = 64 * KiB

/**
 * Makes the body of a response. While its reader pauses, the timeout is `unread` instead of `idle`. Errors are
 * `CosException`. Destroying the body closes the connection at once. If the connection breaks and there is a source of the
 * rest, the body continues with it.
 *
 * @units  holds 64 KiB and one chunk for a reader that has not read yet, and as much again while it reads
 */
export const receiveBody = (
  connection: Connection,
  timer: RequestTimer,
  limit: RateLimiter,
  { startTimer }: Runtime,
  toError: (thrown: unknown) => CosError
): ReceivedBody => {
  /** The bytes before the first read: they must not count as wanted. */
  let unread: Array<Uint8Array> | undefined = []
  let unreadSize = 0
  let hasEnded = false
  let isWanted = false
  /** Stops the wait for the rate limit. */
  let delayed: (() => void) | undefined
  let received = 0
  let openRest: RestOfBody | undefined
  let rest: RestReader | undefined
  let isReadingRest = false

  const flow = (): void => {
    delayed = undefined
    if (!isWanted || hasEnded) return
    timer.wait('idle')
    connection.resume()
  }
  const deliver = (chunk: Uint8Array): void => {
    received += chunk.length
    isWanted = body.push(chunk)
    const wait = limit(chunk.length)
    if (hasEnded) return
    if (isWanted && wait === 0) return timer.wait('idle')
    connection.pause()
    if (isWanted) timer.rest()
    else timer.wait('unread')
    if (wait === 0) return
    delayed?.()
    delayed = startTimer(wait, flow)
  }
  const body = new Readable({
    highWaterMark: readAhead,
    read: () => {
      isWanted = true
      const held = unread
      unread = undefined
      for (const chunk of held ?? []) deliver(chunk)
      if (rest !== undefined) void readRest(rest)
      else if (hasEnded && held !== undefined) finish()
      else if (delayed === undefined) flow()
    },
    destroy: (error, done) => {
      timer.close()
      delayed?.()
      if (!hasEnded) connection.abort(error ?? new Error('the body of the response was destroyed'))
      rest?.close()
      done(error)
    }
  })
  const finish = (): void => {
    timer.close()
    body.push(null)
  }
  /** Reads the rest while the reader wants it. The requests of the rest have their own timeouts and limits. */
  const readRest = async (source: RestReader): Promise<void> => {
    if (isReadingRest) return
    isReadingRest = true
    try {
      while (isWanted && !body.destroyed) {
        const next = await source.next()
        if (next.done === true) return void body.push(null)
        isWanted = body.push(next.value)
      }
    } catch (thrown) {
      body.destroy(new CosException(toError(thrown)))
    } finally {
      isReadingRest = false
    }
  }
  const size = (): number => received + (unread === undefined ? 0 : unreadSize)
  /** Whether the body continues with the rest. */
  const continues = (error: CosError): boolean => {
    const offset = size()
    rest = openRest?.(offset, error)
    if (rest === undefined) return false
    timer.close()
    delayed?.()
    hasEnded = true
    connection.abort(new Error('the rest of the body is requested again'))
    if (isWanted) void readRest(rest)
    return true
  }
  const fail = (thrown: unknown): void => {
    if (body.destroyed || rest !== undefined || (hasEnded && unread === undefined)) return
    if (!hasEnded && continues(toError(thrown))) return
    // The error is kept for the first read. Until then a listener keeps it from ending the process.
    if (unread !== undefined) body.on('error', constVoid)
    body.destroy(new CosException(toError(thrown)))
  }
  timer.onExpiry((error) => {
    fail(new CosException(error))
  })
  timer.wait('unread')
  return {
    body,
    continueWith: (source) => {
      openRest = source
    },
    fail,
    size,
    paused: () => (!hasEnded && (unread !== undefined || !isWanted) ? size() : undefined),
    push: (chunk) => {
      if (body.destroyed || rest !== undefined) return
      if (unread === undefined) return deliver(chunk)
      unread.push(chunk)
      unreadSize += chunk.length
      if (unreadSize >= readAhead) connection.pause()
    },
    end: () => {
      if (hasEnded || body.destroyed) return
      hasEnded = true
      // A body that is not read yet can still time out or be aborted.
      if (unread === undefined) finish()
    }
  }
}
