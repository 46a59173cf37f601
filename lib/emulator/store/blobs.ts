/** Stored bytes, in memory or in files. A blob is written once, then shared, and removed with its last reference. */
import type { Segment } from './model.js'
import { KiB } from '../../core/limits.js'

export interface BlobWriter {
  /** The caller may reuse the chunk's memory when the promise resolves. */
  readonly write: (chunk: Uint8Array) => Promise<void>
  /** Returns the blob's name, with one reference for the caller. */
  readonly commit: () => Promise<string>
  /** Removes the written bytes. */
  readonly discard: () => Promise<void>
}

export interface Blobs {
  /** `expected`: the size in bytes, if it is known. */
  readonly create: (expected: number | undefined) => Promise<BlobWriter>
  readonly read: (segments: ReadonlyArray<Segment>) => AsyncIterable<Uint8Array>
  /** Adds a reference to the blob of each segment. */
  readonly hold: (segments: ReadonlyArray<Segment>) => void
  /** Removes a reference from the blob of each segment, and each blob without references. */
  readonly release: (segments: ReadonlyArray<Segment>) => void
  /** Removes blobs without references, left by a process that was killed. */
  readonly removeUnreferenced: () => Promise<void>
  /** Resolves when all removals are done. */
  readonly close: () => Promise<void>
}

/** Counts the references to each blob. */
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

/** Yields `size` zeros as views of one page. */
export function* zeroBytes(size: number): Generator<Uint8Array, void, undefined> {
  for (let left = size; left > 0; left -= page.length) yield page.subarray(0, Math.min(left, page.length))
}
