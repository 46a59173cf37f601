/** Bytes that wait for their reader, in no more memory than they need. */
import * as O from 'fp-ts/lib/Option.js'
import { KiB } from '../core/limits.js'

export interface ByteQueue {
  readonly put: (chunk: Uint8Array) => void
  /** Some bytes, the oldest; none when none are waiting. The reader may keep them. */
  readonly take: () => O.Option<Uint8Array>
}

const concatenate = 64 * KiB
const tooSmall = 16 * KiB
const nothing = new Uint8Array()

/** Nearly all of the memory that it keeps alive, as what comes from a socket is. */
const isWhole = (chunk: Uint8Array): boolean =>
  chunk.length >= tooSmall && chunk.length >= (chunk.buffer.byteLength * 63) / 64

/**
 * Makes an empty queue.
 *
 * A chunk that fills its buffer is kept as it is: copying those, too, came to 1.1 GiB/s, of the 11 at which they
 * pass otherwise (Node 20; most of it is the kernel, that clears fresh memory). Small ones, and views of larger
 * memory, are copied and gathered: a thousand views of 1 KiB could keep a thousand slabs of 64.
 *
 * @units keeps at most 1/64 more memory than the bytes that wait, and 64 KiB
 */
export const byteQueue = (): ByteQueue => {
  const chunks: Array<Uint8Array> = []
  let first = 0
  /** Being filled: up to `filled`, of which up to `sealed` is in the queue. */
  let block = new Uint8Array()
  let filled = 0
  let sealed = 0

  const seal = (): void => {
    if (filled > sealed) chunks.push(block.subarray(sealed, filled))
    sealed = filled
  }
  const gather = (chunk: Uint8Array): void => {
    for (let at = 0; at < chunk.length;) {
      if (filled === block.length) {
        seal()
        block = new Uint8Array(concatenate)
        filled = 0
        sealed = 0
      }
      const count = Math.min(chunk.length - at, block.length - filled)
      block.set(chunk.subarray(at, at + count), filled)
      filled += count
      at += count
    }
  }
  return {
    put: (chunk) => {
      if (isWhole(chunk)) {
        seal()
        chunks.push(chunk)
      } else gather(chunk)
    },
    take: () => {
      if (first === chunks.length) seal()
      const chunk = chunks[first]
      if (chunk === undefined) return O.none
      // Not `shift`, which moves all that wait; but nothing that was taken may stay alive here either.
      chunks[first] = nothing
      first += 1
      if (first === chunks.length) {
        chunks.length = 0
        first = 0
      }
      return O.some(chunk)
    }
  }
}
