import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { setImmediate, setTimeout } from 'node:timers/promises'
import fc from 'fast-check'
import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import t from 'tap'
import { crc64 } from '../../lib/core/crc64.js'
import { CosException, type CosError } from '../../lib/core/error.js'
import { cutParts, type CutPartsOptions, type Part } from '../../lib/stages/cut-parts.js'
import { blockSize, createMemoryBudget } from '../../lib/stages/memory-budget.js'
import { ofOneSize } from '../../lib/stages/part-size.js'
import { bytesOf, splitBytes } from '../support/bytes.js'
import { yieldThenFail, from } from '../support/iterables.js'

const context = {
  operation: 'uploadStream',
  bucket: 'examplebucket-1250000000',
  key: O.some('a'),
  attempts: 0
}
const MiB = 1024 * 1024

/** Parts of some size, with memory for a few of them. */
const options = (partSize: number, more: Partial<CutPartsOptions> = {}): CutPartsOptions => ({
  sizes: ofOneSize(partSize),
  budget: createMemoryBudget({ limit: 8 * MiB }),
  context,
  ...more
})

interface Copy extends Pick<Part, 'number' | 'offset' | 'size' | 'last'> {
  readonly bytes: Buffer
}

/** Copies of the parts, each released before the next is cut: a block that is used too long is found. */
const copies = async (parts: AsyncIterable<Part>): Promise<Array<Copy>> => {
  const out: Array<Copy> = []
  for await (const { number, offset, size, last, chunks, release } of parts) {
    out.push({ number, offset, size, last, bytes: Buffer.concat(chunks) })
    release()
  }
  return out
}

/** The expected parts of these bytes. */
const expectedParts = (bytes: Buffer, partSize: number): Array<Copy> =>
  Array.from({ length: Math.max(1, Math.ceil(bytes.length / partSize)) }, (_, n) => {
    const part = bytes.subarray(n * partSize, (n + 1) * partSize)
    const last = (n + 1) * partSize >= bytes.length
    return { number: n + 1, offset: n * partSize, size: part.length, last, bytes: part }
  })

const reasonOf = async (parts: AsyncIterable<Part>): Promise<CosError> => {
  try {
    await copies(parts)
  } catch (thrown) {
    if (thrown instanceof CosException) return thrown.error
    throw thrown
  }
  throw new Error('no failure')
}

// -- known results --
t.test('the parts have the same bytes for any chunks', async (t) => {
  const bytes = bytesOf(3 * MiB + 12_345)
  for (const [name, chunk] of [
    ['odd chunks', 7919],
    ['1 KiB views of a slab', 1024],
    ['64 KiB', 65536],
    ['one chunk', bytes.length]
  ] as const) {
    t.same(await copies(cutParts(options(MiB))(splitBytes(bytes, chunk))), expectedParts(bytes, MiB), name)
  }
  const few = bytes.subarray(0, 10_000)
  t.same(await copies(cutParts(options(999))(splitBytes(few, 1))), expectedParts(few, 999), 'single bytes')
})

t.test('any bytes in any chunks are cut at any part size without change of bytes or order', async () => {
  const chunks = fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 12 })
  await fc.assert(
    fc.asyncProperty(chunks, fc.integer({ min: 1, max: 60 }), async (chunks, partSize) => {
      const bytes = Buffer.concat(chunks)
      const cut = await copies(cutParts(options(partSize))(from(...chunks)))
      const wanted = expectedParts(bytes, partSize)
      return (
        cut.length === wanted.length &&
        cut.every(
          (part, n) =>
            part.bytes.equals(wanted[n]!.bytes) &&
            part.number === n + 1 &&
            part.offset === wanted[n]!.offset &&
            part.size === part.bytes.length &&
            part.last === wanted[n]!.last
        )
      )
    })
  )
})

t.test('parts have the sizes of their schedule', async (t) => {
  const sizes = [
    { from: 1, size: 3 },
    { from: 3, size: 5 }
  ] as const
  const parts = await copies(cutParts(options(1, { sizes }))(splitBytes(Buffer.from('abcdefghijklm'), 4)))
  t.same(
    parts.map(({ bytes }) => bytes.toString()),
    ['abc', 'def', 'ghijk', 'lm']
  )
})

t.test('a source without bytes yields one empty part', async (t) => {
  const empty = [{ number: 1, offset: 0, size: 0, last: true, bytes: Buffer.alloc(0) }]
  t.same(await copies(cutParts(options(MiB))(from())), empty)
  t.same(await copies(cutParts(options(MiB))(from(Buffer.alloc(0), new Uint8Array()))), empty)
})

t.test('bytes that end at the end of a part yield no empty part', async (t) => {
  const parts = await copies(cutParts(options(4))(from(Buffer.from('abcdefgh'))))
  t.same(
    parts.map(({ bytes, last }) => [bytes.toString(), last]),
    [
      ['abcd', false],
      ['efgh', true]
    ]
  )
})

t.test('a source may reuse its buffer', async (t) => {
  const slab = Buffer.alloc(1000)
  const yieldReused = async function* () {
    for (let n = 0; n < 10; n += 1) yield slab.fill(n)
    slab.fill(255)
  }
  const parts = await copies(cutParts(options(2500))(yieldReused()))
  const wanted = Buffer.concat(Array.from({ length: 10 }, (_, n) => Buffer.alloc(1000, n)))
  t.ok(Buffer.concat(parts.map(({ bytes }) => bytes)).equals(wanted))
})

// -- the reader --
t.test('a paused reader pauses the source, and one part is held', async (t) => {
  let read = 0
  const endless = async function* () {
    for (;;) {
      read += 1
      yield Buffer.alloc(64 * 1024)
    }
  }
  const { budget, ...rest } = options(MiB)
  const parts = cutParts({ budget, ...rest })(endless())
  const { value: part } = await parts.next()
  await setTimeout(20)
  t.equal(read, 17, 'up to the first byte of the second part')
  t.equal(budget.granted(), MiB)
  part?.release()
  await parts.return()
  t.equal(budget.granted(), 0)
})

t.test('a silent source holds no memory', async (t) => {
  const silent = async function* () {
    yield Buffer.alloc(MiB)
    await new Promise(() => {})
  }
  const { budget, ...rest } = options(MiB)
  const waiting = cutParts({ budget, ...rest })(new Readable({ read() {} }))
  void waiting.next()
  const full = cutParts({ budget, ...rest })(silent())
  void full.next()
  await setTimeout(5)
  t.equal(budget.granted(), MiB, 'only the part that has bytes')
})

t.test('a reader that stops early closes the source, and must release the parts that it has', async (t) => {
  let closed = false
  const source = async function* () {
    try {
      for (;;) yield Buffer.alloc(MiB / 2)
    } finally {
      closed = true
    }
  }
  const { budget, ...rest } = options(MiB)
  const taken: Array<Part> = []
  for await (const part of cutParts({ budget, ...rest })(source())) {
    if (taken.push(part) === 2) break
  }
  t.equal(closed, true)
  t.equal(budget.granted(), 2 * MiB)
  for (const part of taken) part.release()
  for (const part of taken) part.release()
  t.equal(budget.granted(), 0)
})

// -- the source --
t.test('an error of the source fails the pipeline and releases all memory', async (t) => {
  const error = new Error('disk')
  const { budget, ...rest } = options(MiB)
  await t.rejects(
    pipeline(yieldThenFail(error, Buffer.alloc(10)), cutParts({ budget, ...rest }), copies),
    error
  )
  t.equal(budget.granted(), 0)
})

t.test('text is refused, in the first chunk and later', async (t) => {
  const { budget, ...rest } = options(MiB)
  for (const chunks of [['text'], [Buffer.from('bytes'), 'text'], [null], [[1, 2]], [new Uint16Array(4)]]) {
    const source = Readable.from(chunks.filter((chunk) => chunk !== null))
    const parts = cutParts({ budget, ...rest })(chunks[0] === null ? from(null as never) : source)
    t.match(await reasonOf(parts), { _tag: 'SourceError', context, cause: { message: /not bytes/ } })
    t.equal(budget.granted(), 0)
  }
  const foreign = Readable.from([Buffer.from('bytes')], { encoding: 'latin1' })
  t.match(await reasonOf(cutParts(options(MiB))(foreign)), { _tag: 'SourceError' })
})

t.test('a source with another length than announced is a SourceError', async (t) => {
  const bytes = Buffer.from('abcdefgh')
  for (const chunk of [1, 3, 8]) {
    const cut = (length: number, partSize: number) =>
      cutParts(options(partSize, { length }))(splitBytes(bytes, chunk))
    t.same(await copies(cut(8, 3)), expectedParts(bytes, 3))
    t.same(await copies(cut(8, 4)), expectedParts(bytes, 4))
    for (const partSize of [3, 4, 7, 8, 9]) {
      t.match(await reasonOf(cut(7, partSize)), {
        _tag: 'SourceError',
        cause: { message: /more than the expected 7 bytes/ }
      })
      t.match(await reasonOf(cut(9, partSize)), {
        _tag: 'SourceError',
        cause: { message: /ended after 8 bytes, expected 9/ }
      })
    }
  }
  t.match(await reasonOf(cutParts(options(MiB, { length: 0 }))(from(bytes))), { _tag: 'SourceError' })
  t.equal((await copies(cutParts(options(MiB, { length: 0 }))(from()))).length, 1)
})

t.test('no part is cut beyond the announced length', async (t) => {
  const numbers: Array<number> = []
  const parts = cutParts(options(4, { length: 8 }))(from(Buffer.alloc(8), Buffer.alloc(1)))
  const read = async () => {
    for await (const part of parts) numbers.push(part.number)
  }
  await t.rejects(read(), CosException)
  t.same(numbers, [1], 'the second is full, but it is not the last, as was promised')
})

t.test('with a length, the last part reserves only the memory that it needs', async (t) => {
  const { budget, ...rest } = options(4 * MiB, { length: 4 * MiB + 10 })
  const parts = cutParts({ budget, ...rest })(splitBytes(Buffer.alloc(4 * MiB + 10), 65536))
  ;(await parts.next()).value?.release()
  t.equal((await parts.next()).value?.size, 10)
  t.equal(budget.granted(), blockSize)
})

t.test('a stream that 10,000 parts cannot hold is an error', async (t) => {
  const reason = await reasonOf(cutParts(options(1))(from(Buffer.alloc(10_001))))
  t.match(reason, { _tag: 'SourceError', cause: { message: /more than 10000 bytes, the most that 10,000/ } })
  t.equal((await copies(cutParts(options(1))(from(Buffer.alloc(10_000))))).length, 10_000)
})

// -- memory and signals --
t.test('a part larger than the budget is an InvalidInput with the largest size', async (t) => {
  const reason = await reasonOf(cutParts(options(9 * MiB))(from(Buffer.alloc(1))))
  t.match(reason, { _tag: 'InvalidInput', field: 'memoryLimit', message: /9437184.*8388608/, context })
})

t.test('a signal ends a wait for memory and a pending read', async (t) => {
  const controller = new AbortController()
  const { budget, ...rest } = options(4 * MiB, { signal: controller.signal })
  const other = budget.reserve(8 * MiB)
  while (E.isRight(other) && budget.granted() < budget.limit) await other.right.take()()
  const waiting = copies(cutParts({ budget, ...rest })(from(Buffer.alloc(1))))
  const reading = copies(cutParts({ budget, ...rest })(new Readable({ read() {} })))
  await setImmediate()
  controller.abort(new Error('enough'))
  await t.rejects(waiting, { message: 'enough' })
  await t.rejects(reading, { message: 'enough' })
  if (E.isRight(other)) other.right.release()
  t.equal(budget.granted(), 0)
})

t.test('silent uploads keep the blocks that they filled, and others use the rest', async (t) => {
  const budget = createMemoryBudget({ limit: 16 * MiB })
  const sizes = ofOneSize(8 * MiB)
  for (let n = 0; n < 12; n += 1) {
    const never = new Readable({ read() {} })
    const source = async function* () {
      yield Buffer.alloc(1000)
      yield* never as AsyncIterable<Uint8Array>
    }
    void cutParts({ sizes, budget, context })(source()).next()
  }
  await setImmediate()
  t.ok(budget.granted() < 4 * MiB)
  t.equal((await copies(cutParts({ sizes, budget, context })(from(Buffer.alloc(1000))))).length, 1)
})

t.test('with the option crc64, each part has the CRC64 of its bytes, and without it, none', async (t) => {
  const bytes = bytesOf(3 * blockSize + 5)
  for (const partSize of [blockSize, 2 * blockSize, 100_000, bytes.length]) {
    for await (const part of cutParts(options(partSize, { crc64: true }))(splitBytes(bytes, 7919))) {
      t.equal(part.crc64, await crc64(...part.chunks), `part ${String(part.number)} of ${String(partSize)}`)
      part.release()
    }
  }
  for await (const part of cutParts(options(MiB))(from(bytes))) {
    t.equal(part.crc64, undefined)
    part.release()
  }
})

t.test(
  'if stalled uploads leave no memory for a part, cutParts fails with a Timeout of phase memory',
  async (t) => {
    const budget = createMemoryBudget({ limit: MiB, stallTimeout: 30 })
    const silent = budget.reserve(MiB)
    if (E.isRight(silent)) await silent.right.take()()
    const cut = cutParts({ sizes: ofOneSize(MiB), budget, context })
    t.match(await reasonOf(cut(from(Buffer.alloc(MiB)))), {
      _tag: 'Timeout',
      phase: 'memory',
      after: 30,
      context
    })
  }
)

t.test('a source that never waits does not block the event loop', async (t) => {
  let turns = 0
  let over = false
  const count = (): void => {
    turns += 1
    if (!over) globalThis.setImmediate(count)
  }
  count()
  const one = Buffer.alloc(1)
  const sync = async function* () {
    for (let n = 0; n < 100_000; n += 1) yield one
  }
  await copies(cutParts(options(MiB))(sync()))
  t.ok(turns >= 20, `single bytes: ${String(turns)} turns`)
  turns = 0
  await copies(cutParts(options(8 * MiB))(from(Buffer.alloc(64 * MiB))))
  t.ok(turns >= 15, `one large chunk: ${String(turns)} turns`)
  over = true
})
