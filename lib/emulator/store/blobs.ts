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

/** The blobs with at least one reference: a set of them, or a map that has their bytes too. */
export interface HeldBlobs {
  readonly has: (blob: string) => boolean
  readonly add: (blob: string) => unknown
  /** False if there is no such blob. */
  readonly delete: (blob: string) => boolean
}

/** Counts the references to each blob. Most have one: only other counts are stored. */
export const referenceCounts = (
  held: HeldBlobs,
  removed: (blob: string) => void = () => undefined
): Pick<Blobs, 'hold' | 'release'> => {
  const counts = new Map<string, number>()
  const hold = (blob: string): void => {
    if (held.has(blob)) counts.set(blob, (counts.get(blob) ?? 1) + 1)
    else held.add(blob)
  }
  const release = (blob: string): void => {
    const count = counts.get(blob)
    if (count === undefined) {
      if (held.delete(blob)) removed(blob)
    } else if (count > 2) counts.set(blob, count - 1)
    else counts.delete(blob)
  }
  return {
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
