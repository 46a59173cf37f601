/** The body of a response as a `Readable`; timeouts of the server pause while the reader is the slow side. */
import { Readable } from 'node:stream'
import { constVoid } from 'fp-ts/lib/function.js'
import { CosException, type CosError } from '../core/error.js'
import { KiB } from '../core/limits.js'
import type { RestOfBody, RestReader } from '../core/response.js'
import type { Runtime } from '../core/runtime.js'
import type { DirectionLimit } from './rate-limit.js'
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
  /** Bytes received so far, without those that wait for the rate limit. */
  readonly size: () => number
  /** These bytes if the reader pauses; `undefined` if it reads, or if the connection has ended. */
  readonly paused: () => number | undefined
}

// In bytes, for a body that is not read yet, and for a reader that reads in turns.
const readAhead = 64 * KiB

/** Takes at most `size` bytes from the front. */
const takeBytes = (queue: Array<Uint8Array>, size: number): Uint8Array | undefined => {
  const [first] = queue
  if (first === undefined) return undefined
  if (first.length <= size) return queue.shift()
  queue[0] = first.subarray(size)
  return first.subarray(0, size)
}

/**
 * Makes the body of a response. While its reader pauses, the timeout is `unread` instead of `idle`. Errors are
 * `CosException`. Destroying the body closes the connection at once. If the connection breaks and there is a source of the
 * rest, the body continues with it.
 *
 * @units  holds 64 KiB and one chunk for a reader that has not read yet, and as much again while it reads. With a rate limit,
 *         the reader gets at most `chunkSize` bytes at once
 */
export const receiveBody = (
  connection: Connection,
  timer: RequestTimer,
  { limit, chunkSize }: DirectionLimit,
  { startTimer }: Runtime,
  toError: (thrown: unknown) => CosError
): ReceivedBody => {
  /** The bytes before the first read: they must not count as wanted. */
  let unread: Array<Uint8Array> | undefined = []
  let unreadSize = 0
  /** The bytes that the reader does not want yet, or that wait for the rate limit. */
  const queue: Array<Uint8Array> = []
  let hasEnded = false
  let isFinished = false
  let isWanted = false
  /** Stops the wait for the rate limit. */
  let delayed: (() => void) | undefined
  let received = 0
  let openRest: RestOfBody | undefined
  let rest: RestReader | undefined
  let isReadingRest = false

  const pass = (bytes: Uint8Array): void => {
    received += bytes.length
    isWanted = body.push(bytes)
  }
  const isDrained = (): boolean => queue.length === 0 && delayed === undefined
  /** Passes bytes on while the reader wants them and the rate limit admits them. Returns whether the reader wants more. */
  const drain = (): boolean => {
    while (isWanted && delayed === undefined && !body.destroyed) {
      const bytes = takeBytes(queue, chunkSize)
      if (bytes === undefined) return true
      const wait = limit(bytes.length)
      if (wait === 0) pass(bytes)
      else {
        timer.rest()
        delayed = startTimer(wait, () => {
          delayed = undefined
          pass(bytes)
          advance()
        })
      }
    }
    if (delayed === undefined && !body.destroyed) timer.wait('unread')
    return false
  }
  const advance = (): void => {
    const wantsMore = drain()
    if (hasEnded) {
      if (isDrained()) finish()
    } else if (wantsMore) {
      timer.wait('idle')
      connection.resume()
    }
  }
  const deliver = (chunk: Uint8Array): void => {
    queue.push(chunk)
    if (drain()) timer.wait('idle')
    else connection.pause()
  }
  const body = new Readable({
    highWaterMark: readAhead,
    read: () => {
      isWanted = true
      const held = unread
      unread = undefined
      if (rest === undefined) {
        queue.push(...(held ?? []))
        return advance()
      }
      for (const chunk of held ?? []) pass(chunk)
      void readRest(rest)
    },
    destroy: (error, done) => {
      timer.close()
      delayed?.()
      queue.length = 0
      if (!hasEnded) connection.abort(error ?? new Error('the body of the response was destroyed'))
      rest?.close()
      done(error)
    }
  })
  const finish = (): void => {
    if (isFinished) return
    isFinished = true
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
    // The rest begins with the bytes that wait.
    queue.length = 0
    hasEnded = true
    connection.abort(new Error('the rest of the body is requested again'))
    if (isWanted) void readRest(rest)
    return true
  }
  const fail = (thrown: unknown): void => {
    if (body.destroyed || rest !== undefined || isFinished) return
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
      if (unread === undefined && isDrained()) finish()
    }
  }
}
