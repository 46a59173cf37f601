/** Where bytes lie: in memory, or in files. A blob is written once, then read and shared until nobody holds it. */
import type { Segment } from './model.js'
import { KiB } from '../../core/limits.js'

export interface BlobWriter {
  /** The chunk is the caller's again when the promise is kept. */
  readonly write: (chunk: Uint8Array) => Promise<void>
  /** The blob's name; its first holder is the caller. */
  readonly commit: () => Promise<string>
  /** Leaves nothing behind. */
  readonly discard: () => Promise<void>
}

export interface Blobs {
  /** `expected` in bytes, where it is known. */
  readonly create: (expected: number | undefined) => Promise<BlobWriter>
  readonly read: (segments: ReadonlyArray<Segment>) => AsyncIterable<Uint8Array>
  readonly hold: (segments: ReadonlyArray<Segment>) => void
  /** The last to let go of a blob removes it. */
  readonly release: (segments: ReadonlyArray<Segment>) => void
  /** Removes what no one holds: left by a process that was killed. */
  readonly sweep: () => Promise<void>
  /** Waits for removals under way. */
  readonly close: () => Promise<void>
}

/** Counts the holders of each blob. */
export const referenceCounts = (
  removed: (blob: string) => void
): Pick<Blobs, 'hold' | 'release'> & { readonly isHeld: (blob: string) => boolean } => {
  const counts = new Map<string, number>()
  const blobsOf = (segments: ReadonlyArray<Segment>): ReadonlyArray<string> =>
    segments.flatMap((segment) => (segment.blob === null ? [] : [segment.blob]))
  return {
    isHeld: (blob) => counts.has(blob),
    hold: (segments) => {
      for (const blob of blobsOf(segments)) counts.set(blob, (counts.get(blob) ?? 0) + 1)
    },
    release: (segments) => {
      for (const blob of blobsOf(segments)) {
        const left = (counts.get(blob) ?? 0) - 1
        if (left > 0) counts.set(blob, left)
        else {
          counts.delete(blob)
          removed(blob)
        }
      }
    }
  }
}

const page = new Uint8Array(64 * KiB)

/** A stretch of zeros, all views of one page. */
export function* zeroBytes(size: number): Generator<Uint8Array, void, undefined> {
  for (let left = size; left > 0; left -= page.length) yield page.subarray(0, Math.min(left, page.length))
}
