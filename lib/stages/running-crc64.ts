/** The CRC64 of bytes that pass, computed by the event loop and the thread of crc64-thread.ts together. */
import { combineAllCrc64, crc64Hasher, type Crc64Run } from '../core/crc64.js'
import { ioChunkSize } from '../core/limits.js'
import { crc64Thread, threadAfter, type Crc64Thread, type Slab } from './crc64-thread.js'

/** A running CRC64. It is mutable: one owner at a time. */
export interface RunningCrc64 {
  /** The bytes may be reused afterwards. */
  readonly update: (bytes: Uint8Array) => void
  /** The CRC64 of all bytes, unsigned; no `update` may follow. */
  readonly digest: () => Promise<bigint>
  /** Ends the use, after `digest` or instead of it. */
  readonly release: () => void
}

export interface RunningCrc64Options {
  /** The bytes of the same transfer before these. */
  readonly offset?: number
  /** Default: the thread of this process. */
  readonly thread?: Crc64Thread
}

/**
 * Starts a hash.
 *
 * After the first 32 MiB of a transfer, bytes are copied into slabs that the thread hashes. While no slab is free, the
 * event loop hashes, so neither waits for the other. The CRC64 of the whole is combined from those of the runs.
 *
 * @shape  `update` for each chunk, then `digest`
 * @units  holds at most one slab of 512 KiB
 */
export const runningCrc64 = async ({
  offset = 0,
  thread = crc64Thread
}: RunningCrc64Options = {}): Promise<RunningCrc64> => {
  const hasher = await crc64Hasher()
  let total = offset
  let inHasher = 0
  let slab: Slab | undefined
  let inSlab = 0
  let runs: Promise<Crc64Run> | undefined

  const addRun = (run: Promise<Crc64Run>): void => {
    runs = runs === undefined ? run : Promise.all([runs, run]).then(combineAllCrc64)
  }
  const endHasher = (): void => {
    if (inHasher === 0) return
    addRun(Promise.resolve({ crc64: hasher.digest(), size: inHasher }))
    hasher.restart()
    inHasher = 0
  }
  const endSlab = (): void => {
    if (slab === undefined) return
    const size = inSlab
    addRun(slab.hash(size).then((crc64) => ({ crc64, size })))
    slab = undefined
  }
  const takeSlab = (): void => {
    slab = thread.take()
    inSlab = 0
    if (slab !== undefined) endHasher()
  }
  /** Hashes some of the bytes, from an index on, and returns their number. */
  const updateSome = (bytes: Uint8Array, from: number): number => {
    if (slab === undefined && total > threadAfter) takeSlab()
    const room = slab === undefined ? ioChunkSize : slab.bytes.length - inSlab
    const some = bytes.subarray(from, from + room)
    if (slab === undefined) {
      hasher.update(some)
      inHasher += some.length
    } else {
      slab.bytes.set(some, inSlab)
      inSlab += some.length
      if (inSlab === slab.bytes.length) endSlab()
    }
    return some.length
  }
  return {
    update: (bytes) => {
      for (let at = 0; at < bytes.length;) {
        const count = updateSome(bytes, at)
        at += count
        total += count
      }
    },
    digest: async () => {
      endSlab()
      if (runs === undefined) return hasher.digest()
      endHasher()
      return (await runs).crc64
    },
    release: () => {
      hasher.release()
      slab?.release()
      slab = undefined
    }
  }
}
