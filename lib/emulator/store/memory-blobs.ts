/** Blobs in memory. */
import { type Blobs, referenceCounts, zeroBytes } from './blobs.js'
import { KiB, MiB } from '../../core/limits.js'

const slabSize = MiB
const firstSlab = 16 * KiB
// A string of one-byte characters takes 16 bytes more than its text, a Buffer over 100.
const maxText = 4 * KiB

type BlobBytes = string | ReadonlyArray<Uint8Array>

const slabsOf = (bytes: BlobBytes | undefined): ReadonlyArray<Uint8Array> =>
  typeof bytes === 'string' ? [Buffer.from(bytes, 'latin1')] : (bytes ?? [])

/**
 * Stores blobs in memory. Bytes are copied into slabs, because a socket's chunk is a view of a larger buffer that would
 * stay in memory with it.
 */
export const memoryBlobs = (): Blobs => {
  const bytesByBlob = new Map<string, BlobBytes>()
  const { hold, release } = referenceCounts({
    has: (blob) => bytesByBlob.has(blob),
    add: (blob) => bytesByBlob.set(blob, ''),
    delete: (blob) => bytesByBlob.delete(blob)
  })
  let created = 0

  return {
    hold,
    release,
    create: async (expected) => {
      const slabs: Array<Uint8Array> = []
      let slab = Buffer.alloc(0)
      let used = 0
      let total = 0
      const next = (): void => {
        if (used > 0) slabs.push(slab.subarray(0, used))
        const size = expected === undefined ? Math.max(firstSlab, total) : expected - total
        slab = Buffer.allocUnsafe(Math.max(1, Math.min(size, slabSize)))
        used = 0
      }
      return {
        write: async (chunk) => {
          for (let at = 0; at < chunk.length;) {
            if (used === slab.length) next()
            const taken = Math.min(chunk.length - at, slab.length - used)
            slab.set(chunk.subarray(at, at + taken), used)
            at += taken
            used += taken
            total += taken
          }
        },
        commit: async () => {
          created += 1
          const blob = created.toString(36)
          // The last slab may be mostly unused.
          if (used > 0) slabs.push(used < slab.length ? Buffer.from(slab.subarray(0, used)) : slab)
          const isShort = total <= maxText && slabs.length === 1
          // Its presence here is its first reference.
          bytesByBlob.set(blob, isShort ? slab.toString('latin1', 0, used) : slabs)
          return blob
        },
        discard: async () => undefined
      }
    },
    async *read(segments) {
      for (const segment of segments) {
        if (segment.blob === null) yield* zeroBytes(segment.size)
        else {
          let start = 0
          const end = segment.offset + segment.size
          for (const slab of slabsOf(bytesByBlob.get(segment.blob))) {
            const piece = slab.subarray(Math.max(0, segment.offset - start), Math.max(0, end - start))
            if (piece.length > 0) yield piece
            start += slab.length
          }
        }
      }
    },
    removeUnreferenced: async () => undefined,
    close: async () => undefined
  }
}
