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

/** Counts the references to each blob. Most have one: those are members of a set, which takes less memory. */
export const referenceCounts = (
  removed: (blob: string) => void
): Pick<Blobs, 'hold' | 'release'> & { readonly isHeld: (blob: string) => boolean } => {
  const once = new Set<string>()
  const counts = new Map<string, number>()
  const hold = (blob: string): void => {
    const count = counts.get(blob)
    if (count !== undefined) counts.set(blob, count + 1)
    else if (once.delete(blob)) counts.set(blob, 2)
    else once.add(blob)
  }
  const release = (blob: string): void => {
    const count = counts.get(blob)
    if (count === undefined) {
      if (once.delete(blob)) removed(blob)
    } else if (count > 2) counts.set(blob, count - 1)
    else {
      counts.delete(blob)
      once.add(blob)
    }
  }
  return {
    isHeld: (blob) => once.has(blob) || counts.has(blob),
    hold: (segments) => {
      for (const { blob } of segments) if (blob !== null) hold(blob)
    },
    release: (segments) => {
      for (const { blob } of segments) if (blob !== null) release(blob)
    }
  }
}

const page = new Uint8Array(64 * KiB)

/** Yields `size` zeros as views of one page. */
export function* zeroBytes(size: number): Generator<Uint8Array, void, undefined> {
  for (let left = size; left > 0; left -= page.length) yield page.subarray(0, Math.min(left, page.length))
}
