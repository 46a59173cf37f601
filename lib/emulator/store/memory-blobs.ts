/** Blobs in memory. */
import { type Blobs, inlineBlob, inlineBytes, referenceCounts, zeroBytes } from './blobs.js'
import { KiB, MiB } from '../../core/limits.js'

const slabSize = MiB
const firstSlab = 16 * KiB
const maxInline = 4 * KiB

/**
 * Stores blobs in memory. Bytes are copied into slabs, because a socket's chunk is a view of a larger buffer that would
 * stay in memory with it.
 */
export const memoryBlobs = (): Blobs => {
  const slabsByBlob = new Map<string, ReadonlyArray<Uint8Array>>()
  const { hold, release } = referenceCounts((blob) => slabsByBlob.delete(blob))
  let created = 0

  const slabsOf = (blob: string): ReadonlyArray<Uint8Array> => {
    const inline = inlineBytes(blob)
    return inline === undefined ? (slabsByBlob.get(blob) ?? []) : [inline]
  }

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
          if (total <= maxInline && slabs.length === 0) return inlineBlob(slab.subarray(0, used))
          created += 1
          const blob = created.toString(36)
          // The last slab may be mostly unused.
          if (used > 0) slabs.push(used < slab.length ? Buffer.from(slab.subarray(0, used)) : slab)
          slabsByBlob.set(blob, slabs)
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
          for (const slab of slabsOf(segment.blob)) {
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
