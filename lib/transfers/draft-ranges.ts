/** Ranges of a draft: bytes to their place, counted and hashed, and bytes of an earlier run looked at again. */
import type { FileHandle } from 'node:fs/promises'
import * as O from 'fp-ts/lib/Option.js'
import { crc64Hasher, type Crc64Hasher, type Run } from '../core/crc64.js'
import { CosFailure, type Context } from '../core/error.js'
import { inParallel } from '../stages/in-parallel.js'
import type { FetchRange } from '../stages/fetch-ranges.js'
import type { Range } from '../stages/plan-ranges.js'
import type { Draft } from './draft.js'
import { touching, writeAll } from './files.js'

/** The file that the ranges are in, and its path for the errors. */
export interface Place {
  readonly context: Context
  readonly handle: FileHandle
  readonly path: string
}

const hashing = async <A>(use: (hasher: Crc64Hasher) => Promise<A>): Promise<A> => {
  const hasher = await crc64Hasher()
  try {
    return await use(hasher)
  } finally {
    hasher.release()
  }
}

const wrongSize = (context: Context, { number, size }: Range, got: number): CosFailure =>
  new CosFailure({
    _tag: 'IntegrityError',
    context,
    part: O.some(number),
    check: 'size',
    expected: String(size),
    got: String(got)
  })

/**
 * Writes a range to its place and gives its CRC64, that of the bytes that came.
 *
 * @units  holds two chunks: one being written while the next one comes
 * @errors those of its bytes; `CosFailure` of a `FileError`, and of an `IntegrityError` where there are more bytes than
 *         the range has, or fewer
 */
export const writeRange = (
  { context, handle, path }: Place,
  range: Range,
  bytes: AsyncIterable<Uint8Array>
): Promise<bigint> =>
  hashing(async (hasher) => {
    let seen = 0
    let writing: Promise<void> = Promise.resolve()
    try {
      for await (const chunk of bytes) {
        if (seen + chunk.length > range.size) throw wrongSize(context, range, seen + chunk.length)
        hasher.update(chunk)
        await writing
        const position = range.first + seen
        writing = touching(context, path)(() => writeAll(handle, chunk, position))
        // Looked at before the next; until then it is nobody's, which would end the process.
        writing.catch(() => undefined)
        seen += chunk.length
      }
    } finally {
      // Whatever happened: nothing is written any more when we are done.
      await writing.catch(() => undefined)
    }
    await writing
    if (seen < range.size) throw wrongSize(context, range, seen)
    return hasher.digest()
  })

// In bytes, of one read. Larger ones are no faster; one is held for each range that is looked at.
const stretch = 256 * 1024

/** The CRC64 of what a file holds at a range; none where it ends before. */
export const readRange = (
  { context, handle, path }: Place,
  { first, size }: Range,
  signal: AbortSignal
): Promise<O.Option<bigint>> =>
  hashing(async (hasher) => {
    const block = Buffer.allocUnsafe(Math.min(stretch, size))
    for (let at = 0; at < size;) {
      signal.throwIfAborted()
      const { bytesRead } = await touching(
        context,
        path
      )(() => handle.read(block, 0, Math.min(stretch, size - at), first + at))
      if (bytesRead === 0) return O.none
      hasher.update(block.subarray(0, bytesRead))
      at += bytesRead
    }
    return O.some(hasher.digest())
  })

export interface Filling {
  readonly context: Context
  readonly draft: Draft
  /** Ranges under way, at most: looked at, fetched, or waiting for the disk. */
  readonly concurrency: number
  /** Stops it all when it fires, and is fired when anything fails. */
  readonly stop: AbortController
  readonly fetch: FetchRange
  /** Told of a range that was there already. */
  readonly skipped: (range: Range) => void
}

export interface Filled {
  /** In the order of the file. */
  readonly runs: ReadonlyArray<Run>
  /** Bytes that were there already. */
  readonly resumed: number
}

async function* each<A>(items: Iterable<A>): AsyncGenerator<A, void, undefined> {
  yield* items
}

/**
 * Makes a draft whole: what an earlier run claims to be there is read and compared, and all else is fetched.
 *
 * @errors the first failure; by then nothing is written any more, and all that was written down is on the disk
 */
export const filling =
  ({ context, draft, concurrency, stop, fetch, skipped }: Filling) =>
  async (ranges: Iterable<Range>): Promise<Filled> => {
    const place: Place = { context, handle: draft.handle, path: draft.path }
    const isThere = async (range: Range, signal: AbortSignal): Promise<O.Option<bigint>> => {
      const claimed = draft.claimed.get(range.number)
      if (claimed === undefined) return O.none
      const found = await readRange(place, range, signal)
      return O.isSome(found) && found.value === claimed ? found : O.none
    }
    const working = inParallel<Range>({ concurrency, stop })(async (range, signal) => {
      const there = await isThere(range, signal)
      if (O.isSome(there)) {
        skipped(range)
        return { ...range, crc64: there.value, resumed: range.size }
      }
      const crc64 = await writeRange(place, range, fetch(range, signal))
      // Within the slot: what a crash can cost is no more than is under way.
      await draft.add(range.number, crc64)
      return { ...range, crc64, resumed: 0 }
    })
    const runs: Array<Range & Run & Pick<Filled, 'resumed'>> = []
    for await (const run of working(each(ranges))) runs.push(run)
    return {
      runs: runs.sort((a, b) => a.number - b.number),
      resumed: runs.reduce((sum, { resumed }) => sum + resumed, 0)
    }
  }
