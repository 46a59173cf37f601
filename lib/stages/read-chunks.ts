/** Reads a Node stream chunk by chunk, by its events. */
import type { Readable } from 'node:stream'
import { constVoid } from 'fp-ts/lib/function.js'
import { KiB } from '../core/limits.js'

/** The chunks of a stream. One read at a time: `next` may be called again when it has settled. */
export interface ChunkReader {
  readonly next: () => Promise<IteratorResult<Uint8Array, undefined>>
  /** Destroys the stream. A pending read ends at once. */
  readonly return: () => Promise<IteratorResult<Uint8Array, undefined>>
  readonly [Symbol.asyncIterator]: () => ChunkReader
}

// In bytes: with as much unread the stream is paused.
const readAhead = 64 * KiB

const done = { done: true, value: undefined } as const

interface PendingRead {
  readonly resolve: (result: IteratorResult<Uint8Array, undefined>) => void
  readonly reject: (reason: unknown) => void
}

/**
 * Reads the chunks of a stream as they were pushed.
 *
 * The iterator of a Node stream reads from the buffer of the stream: chunks that arrive together are copied into one, and
 * each read takes several turns of the event loop's queue.
 *
 * @shape  the same chunks in the same order; nothing is read before the first `next`
 * @units  holds 64 KiB and one chunk, besides the buffer of the stream
 * @errors those of the stream, after all chunks before them
 */
export const readChunks = (source: Readable): ChunkReader => {
  const queue: Array<Uint8Array> = []
  let queued = 0
  let isStarted = false
  let isPaused = false
  let pending: PendingRead | undefined
  /** How the stream ended. */
  let end: { readonly failure?: unknown } | undefined

  const settleEnd = ({ resolve, reject }: PendingRead, { failure }: { readonly failure?: unknown }): void => {
    if (failure === undefined) resolve(done)
    else reject(failure)
  }
  const onData = (chunk: Uint8Array): void => {
    if (pending !== undefined) {
      const { resolve } = pending
      pending = undefined
      resolve({ done: false, value: chunk })
      return
    }
    queue.push(chunk)
    queued += chunk.length
    if (queued < readAhead || isPaused) return
    isPaused = true
    source.pause()
  }
  const finish = (outcome: { readonly failure?: unknown }): void => {
    if (end !== undefined) return
    end = outcome
    const last = pending
    pending = undefined
    if (last !== undefined) settleEnd(last, outcome)
  }
  const onError = (failure: unknown): void => {
    finish({ failure })
  }
  const onEnd = (): void => {
    finish({})
  }
  const onClose = (): void => {
    // Every stream closes, nearly all after their end.
    if (end === undefined) finish({ failure: new Error('the stream was destroyed before its end') })
  }
  const start = (): void => {
    isStarted = true
    if (source.errored !== null) return onError(source.errored)
    if (source.readableEnded) return onEnd()
    if (source.destroyed) return onClose()
    source.on('error', onError).on('end', onEnd).on('close', onClose).on('data', onData).resume()
  }
  const stop = (): void => {
    finish({})
    queue.length = 0
    source.off('data', onData).on('error', constVoid).destroy()
  }
  return {
    next: () => {
      if (!isStarted) start()
      const chunk = queue.shift()
      if (chunk !== undefined) {
        queued -= chunk.length
        return Promise.resolve({ done: false, value: chunk })
      }
      if (isPaused) {
        isPaused = false
        source.resume()
      }
      return new Promise((resolve, reject) => {
        const read: PendingRead = { resolve, reject }
        if (end === undefined) pending = read
        else settleEnd(read, end)
      })
    },
    return: () => {
      stop()
      return Promise.resolve(done)
    },
    [Symbol.asyncIterator]() {
      return this
    }
  }
}
