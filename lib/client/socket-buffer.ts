/** The memory that a connection's bytes are read into: few large chunks instead of many small ones. */
import type { OnReadOpts } from 'node:net'
import { ioChunkSize, KiB } from '../core/limits.js'
import { markOwned } from '../core/owned-memory.js'

// In bytes. Node itself reads at most 64 KiB at once, and each chunk has a price in every layer that it passes.
const smallestBlock = 64 * KiB
const largestBlock = ioChunkSize

/** Node decrypts TLS in pieces of this size, in bytes. Another one often follows at once. */
const tlsPiece = 16 * KiB

/**
 * Bytes that the connections of a client deliver in one turn of the event loop. Node reads a connection up to 32 times in a
 * turn: four connections with blocks of 256 KiB would keep the event loop from all else for 32 MiB.
 */
const mostInTurn = 2 * ioChunkSize

/** Counts the bytes that connections have delivered in this turn of the event loop. */
export interface Turn {
  /** Whether so many bytes more may be delivered in this turn. */
  readonly admits: (bytes: number) => boolean
}

export const createTurn = (): Turn => {
  let delivered = 0
  return {
    admits: (bytes) => {
      if (delivered >= mostInTurn) return false
      if (delivered === 0)
        setImmediate(() => {
          delivered = 0
        })
      delivered += bytes
      return true
    }
  }
}

export interface SocketBuffer {
  /** For `connect` of `node:net` or `node:tls`. */
  readonly onread: OnReadOpts
  /** Delivers the bytes that wait. Call it before the end of the connection is delivered. */
  readonly flush: () => void
}

const allocate = (size: number): Uint8Array => Buffer.allocUnsafeSlow(size)

/**
 * Creates the buffer of a connection. Its block grows while reads fill it, and shrinks while they do not.
 *
 * A full block is delivered itself, and other bytes as a copy of their size. So no chunk keeps more memory alive than it
 * has bytes.
 *
 * @shape  `push` takes the bytes in order, and returns false if no more should be read for now, as that of a stream does
 * @units  holds a block of 64 to 256 KiB, and at most one chunk that waits for the next turn
 */
export const createSocketBuffer = (turn: Turn, push: (bytes: Uint8Array) => boolean): SocketBuffer => {
  let block = allocate(smallestBlock)
  /** The bytes in the block that wait, and where Node writes the next ones. Only a read can change where. */
  let from = 0
  let to = 0
  let isScheduled = false
  /** Chunks for the next turn. */
  const waiting: Array<Uint8Array> = []

  const copy = (): Uint8Array => {
    const bytes = Buffer.from(block.subarray(from, to))
    from = to
    return markOwned(bytes)
  }
  /** After a read: takes the bytes, and makes room for the next ones. */
  const take = (): Uint8Array => {
    const { length } = block
    if (from === 0 && to === length) {
      const full = block
      block = allocate(Math.min(2 * length, largestBlock))
      to = 0
      return markOwned(full)
    }
    const isLarge = length > smallestBlock && to <= length / 4
    const bytes = copy()
    if (isLarge) block = allocate(length / 2)
    from = 0
    to = 0
    return bytes
  }
  const flush = (): void => {
    if (from < to) waiting.push(copy())
    for (const bytes of waiting.splice(0)) push(bytes)
  }
  const schedule = (): void => {
    if (isScheduled) return
    isScheduled = true
    setImmediate(() => {
      isScheduled = false
      flush()
    })
  }
  return {
    onread: {
      buffer: () => (to === 0 ? block : block.subarray(to)),
      callback: (count) => {
        to += count
        if (count === tlsPiece && to < block.length) {
          schedule()
          return true
        }
        const bytes = take()
        // A small response is not counted: the end of the turn would need an immediate, for each of them.
        const isAdmitted = waiting.length === 0 && (count < tlsPiece || turn.admits(bytes.length))
        if (isAdmitted) return push(bytes)
        waiting.push(bytes)
        schedule()
        return false
      }
    },
    flush
  }
}
