import { open, readFile, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import fc from 'fast-check'
import * as O from 'fp-ts/lib/Option.js'
import t from 'tap'
import { combineAllCrc64, crc64 } from '../../../lib/core/crc64.js'
import { CosException, contextWithoutObject } from '../../../lib/core/error.js'
import { unchanged, unchangedRange, type ContentPart } from '../../../lib/transfers/download/content.js'
import type { PartialFile } from '../../../lib/files/partial-file.js'
import {
  fillRanges,
  readFileRange,
  writeRange,
  type RangeTarget
} from '../../../lib/transfers/download/fill-ranges.js'
import { markOwned } from '../../../lib/core/owned-memory.js'
import { bytesOf, splitBytes } from '../../support/bytes.js'
import { yieldThenFail, from } from '../../support/iterables.js'
import { catchCosError } from '../../support/responses.js'
import { waitFor } from '../../support/wait-for.js'

const context = contextWithoutObject('spec')
const bytes = bytesOf(1000)
const unaborted = new AbortController().signal

interface Teardown {
  readonly testdir: (content: Record<string, string>) => string
  readonly teardown: (clean: () => unknown) => unknown
}

const createTarget = async (t: Teardown): Promise<RangeTarget> => {
  const path = join(t.testdir({}), 'part')
  const handle = await open(path, 'w+')
  t.teardown(() => handle.close())
  return { context, handle, path }
}

const range = (first: number, size: number): ContentPart =>
  unchangedRange({ number: 3, first, last: first + size - 1, size })

t.test('writeRange writes a range to its position and hashes it, for any chunking', async (t) => {
  const target = await createTarget(t)
  await fc.assert(
    fc.asyncProperty(fc.nat(999), fc.integer({ min: 1, max: 300 }), async (first, chunk) => {
      const part = bytes.subarray(first)
      const sum = await writeRange(target, range(first, part.length), splitBytes(part, chunk))
      t.equal(sum, await crc64(part))
    }),
    { seed: 31, examples: [[0, 1000]] }
  )
  t.same(await readFile(target.path), bytes)
})

t.test('writeRange fails with an IntegrityError if the number of bytes is wrong', async (t) => {
  const target = await createTarget(t)
  for (const size of [999, 1001, 1]) {
    t.match(await catchCosError(writeRange(target, range(0, size), splitBytes(bytes, 100))), {
      _tag: 'IntegrityError',
      check: 'size',
      expected: String(size),
      part: O.some(3)
    })
  }
  t.ok((await readFile(target.path)).length <= 1000, 'excess bytes are not written')
})

t.test('writeRange rejects with the error of its source after all writes have ended', async (t) => {
  const target = await createTarget(t)
  await t.rejects(writeRange(target, range(0, 10), yieldThenFail(new Error('net'), Buffer.from('abc'))), {
    message: 'net'
  })
  const { length } = await readFile(target.path)
  await setTimeout(20)
  t.equal((await readFile(target.path)).length, length)
})

t.test('writeRange fails with a FileError if the file cannot be written', async (t) => {
  const { path } = await createTarget(t)
  const handle = await open(path, 'r')
  t.teardown(() => handle.close())
  t.match(
    await catchCosError(writeRange({ context, handle, path }, range(0, 1000), splitBytes(bytes, 100))),
    {
      _tag: 'FileError',
      path,
      code: 'EBADF'
    }
  )
})

t.test(
  'writeRange frees the memory of a chunk that came from a connection when it is written, and no other',
  async (t) => {
    const target = await createTarget(t)
    const copyOf = (from: number): Buffer => {
      const memory = Buffer.allocUnsafeSlow(500)
      bytes.copy(memory, 0, from)
      return memory
    }
    const received = markOwned(copyOf(0))
    const others = copyOf(500)
    await writeRange(target, range(0, 1000), from(received, others))
    t.same(await readFile(target.path), bytes)
    t.equal(received.length, 0)
    t.equal(others.length, 500)
  }
)

t.test('readFileRange returns the CRC64 of a range, or none if the file is shorter', async (t) => {
  const target = await createTarget(t)
  const large = bytesOf(700_001)
  await target.handle.write(large)
  t.same(await readFileRange(target, range(1, 700_000), unaborted), O.some(await crc64(large.subarray(1))))
  t.same(await readFileRange(target, range(1, 700_001), unaborted), O.none)
  await t.rejects(readFileRange(target, range(1, 700_000), AbortSignal.abort(new Error('given up'))), {
    message: 'given up'
  })
})

interface RecordingFile extends PartialFile {
  readonly added: Map<number, bigint>
}

const partialFileOf = (
  handle: FileHandle,
  path: string,
  recorded: ReadonlyMap<number, bigint>
): RecordingFile => {
  const added = new Map<number, bigint>()
  return {
    handle,
    path,
    recorded,
    added,
    add: async (number, sum) => void added.set(number, sum),
    flush: () => Promise.resolve(),
    isWorthKeeping: () => true,
    close: () => Promise.resolve()
  }
}

t.test('fillRanges fetches only ranges that are not recorded or whose bytes differ', async (t) => {
  const { handle, path } = await createTarget(t)
  const plan = [...unchanged(1000).ranges(130)]
  const sums = new Map<number, bigint>()
  for (const { number, first, last } of plan) sums.set(number, await crc64(bytes.subarray(first, last + 1)))
  await handle.write(bytes)
  await handle.write('damage', 270)
  await handle.truncate(900)
  // Part 2 is not recorded, 3 is damaged, 5 is recorded with a wrong CRC64, and the file ends in 7.
  const partial = partialFileOf(
    handle,
    path,
    new Map([...sums].flatMap(([n, sum]) => (n === 2 ? [] : [[n, n === 5 ? sum ^ 1n : sum] as const])))
  )
  const skipped: Array<number> = []
  const fetched: Array<number> = []
  const { runs, resumed } = await fillRanges({
    context,
    partial,
    concurrency: 3,
    controller: new AbortController(),
    fetch: ({ number, first, last }) => {
      fetched.push(number)
      return splitBytes(bytes.subarray(first, last + 1), 50)
    },
    onSkipped: ({ number }) => skipped.push(number)
  })(plan)
  t.same(fetched.sort(), [2, 3, 5, 7, 8])
  t.same(skipped.sort(), [1, 4, 6])
  t.equal(resumed, 3 * 130)
  t.same([...partial.added.keys()].sort(), [2, 3, 5, 7, 8])
  t.ok([...partial.added].every(([number, sum]) => sums.get(number) === sum))
  t.equal(combineAllCrc64(runs).crc64, await crc64(bytes))
  t.same(await readFile(path), bytes)
})

t.test('fillRanges stops all ranges if one fails, and keeps recorded ranges', async (t) => {
  const { handle, path } = await createTarget(t)
  const partial = partialFileOf(handle, path, new Map())
  let aborted = 0
  const failure = new CosException({
    _tag: 'TransportError',
    context,
    host: '',
    code: 'ECONNRESET',
    cause: 'x'
  })
  await t.rejects(
    fillRanges({
      context,
      partial,
      concurrency: 4,
      controller: new AbortController(),
      fetch: ({ number, size }, signal) => {
        if (number === 1) return from(Buffer.alloc(size))
        if (number === 4) return yieldThenFail(failure)
        return (async function* () {
          await setTimeout(10_000, undefined, { signal }).catch((thrown: unknown) => {
            aborted += 1
            throw thrown
          })
          yield Buffer.alloc(size)
        })()
      },
      onSkipped: () => undefined
    })(unchanged(1000).ranges(100)),
    failure
  )
  t.same([...partial.added.keys()], [1])
  t.equal(aborted, 2)
})

t.test(
  'fillRanges fetches further while the disk takes ranges, at most as many as the concurrency',
  async (t) => {
    const { handle, path } = await createTarget(t)
    const file = partialFileOf(handle, path, new Map())
    const waiting: Array<() => void> = []
    const fetched: Array<number> = []
    let isFilled = false
    const filled = fillRanges({
      context,
      partial: { ...file, flush: () => new Promise((resolve) => waiting.push(resolve)) },
      concurrency: 2,
      controller: new AbortController(),
      fetch: ({ number, first, last }) => {
        fetched.push(number)
        return from(bytes.subarray(first, last + 1))
      },
      onSkipped: () => undefined
    })(unchanged(1000).ranges(100)).finally(() => {
      isFilled = true
    })
    // Two are being flushed, and two that are recorded wait for them.
    await waitFor(() => file.added.size === 4)
    await setTimeout(20)
    t.same(fetched, [1, 2, 3, 4])
    t.equal(waiting.length, 2)
    waiting.shift()?.()
    await waitFor(() => fetched.length === 5)
    for (let count = 2; count <= 10; count += 1) {
      await waitFor(() => waiting.length > 0)
      t.notOk(isFilled)
      waiting.shift()?.()
    }
    t.equal((await filled).runs.length, 10)
    t.equal(file.added.size, 10)
  }
)

t.test('fillRanges ends also if its concurrency is 0 at times', async (t) => {
  const { handle, path } = await createTarget(t)
  const { runs } = await fillRanges({
    context,
    partial: partialFileOf(handle, path, new Map()),
    concurrency: () => 0,
    controller: new AbortController(),
    fetch: ({ first, last }) => from(bytes.subarray(first, last + 1)),
    onSkipped: () => undefined
  })(unchanged(1000).ranges(300))
  t.equal(runs.length, 4)
})

t.test('fillRanges counts ranges that share a flush', async (t) => {
  const { handle, path } = await createTarget(t)
  const file = partialFileOf(handle, path, new Map())
  let finish: () => void = () => undefined
  const shared = new Promise<void>((resolve) => {
    finish = resolve
  })
  const filled = fillRanges({
    context,
    partial: { ...file, flush: () => shared },
    concurrency: 2,
    controller: new AbortController(),
    fetch: ({ first, last }) => from(bytes.subarray(first, last + 1)),
    onSkipped: () => undefined
  })(unchanged(1000).ranges(100))
  await waitFor(() => file.added.size === 4)
  await setTimeout(20)
  t.equal(file.added.size, 4)
  finish()
  t.equal((await filled).runs.length, 10)
})

t.test('fillRanges stops all ranges if the disk fails, and waits for the other flushes', async (t) => {
  const { handle, path } = await createTarget(t)
  const failure = new Error('no space')
  let flushes = 0
  let isFlushed = false
  let fetched = 0
  await t.rejects(
    fillRanges({
      context,
      partial: {
        ...partialFileOf(handle, path, new Map()),
        flush: async () => {
          flushes += 1
          if (flushes === 2) throw failure
          await setTimeout(20)
          isFlushed = true
        }
      },
      concurrency: 2,
      controller: new AbortController(),
      fetch: ({ number, first, last }, signal) => {
        fetched += 1
        if (number <= 2) return from(bytes.subarray(first, last + 1))
        return (async function* (): AsyncGenerator<Uint8Array> {
          await setTimeout(10_000, undefined, { signal })
          yield bytes.subarray(first, last + 1)
        })()
      },
      onSkipped: () => undefined
    })(unchanged(1000).ranges(100)),
    failure
  )
  t.ok(isFlushed)
  t.ok(fetched <= 4)
})
