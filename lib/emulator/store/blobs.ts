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

// -- inline blobs --
// A name takes 17 bytes more than the bytes of the blob; a Buffer takes over 200, and a file an entry of its folder.
const inlineMark = '='

/** The name of a blob that is not stored elsewhere: its bytes, one character each. Such a blob has no references. */
export const inlineBlob = (bytes: Buffer): string => inlineMark + bytes.toString('latin1')

/** The bytes of an inline blob; undefined for other blobs. */
export const inlineBytes = (blob: string): Buffer | undefined =>
  blob.startsWith(inlineMark) ? Buffer.from(blob.slice(inlineMark.length), 'latin1') : undefined

// -- references --
/** The references to blobs. */
export interface References extends Pick<Blobs, 'hold' | 'release'> {
  /** Ends the replay of a journal; returns whether a blob has references. */
  readonly endReplay: () => (blob: string) => boolean
}

/**
 * Counts the references to each blob, and calls `removed` for a blob that has none left. Most blobs have one: only other
 * counts are stored.
 *
 * During the replay of a journal a blob has no reference at first, and none is removed: a part that was copied from a
 * deleted object refers to its blob again.
 */
export const referenceCounts = (removed: (blob: string) => void, isReplay = false): References => {
  const counts = new Map<string, number>()
  let first = isReplay ? 0 : 1
  const change = (segments: ReadonlyArray<Segment>, difference: 1 | -1): void => {
    for (const { blob } of segments) {
      if (blob === null || blob.startsWith(inlineMark)) continue
      const count = (counts.get(blob) ?? first) + difference
      if (count === first) counts.delete(blob)
      else if (count > 0 || first === 0) counts.set(blob, count)
      else removed(blob)
    }
  }
  return {
    hold: (segments) => {
      change(segments, 1)
    },
    release: (segments) => {
      change(segments, -1)
    },
    endReplay: () => {
      const referenced = new Set(counts.keys())
      for (const [blob, count] of counts) if (count === 1) counts.delete(blob)
      first = 1
      return (blob) => referenced.has(blob)
    }
  }
}

const page = new Uint8Array(64 * KiB)

/** Yields `size` zeros as views of one page. */
export function* zeroBytes(size: number): Generator<Uint8Array, void, undefined> {
  for (let left = size; left > 0; left -= page.length) yield page.subarray(0, Math.min(left, page.length))
}
