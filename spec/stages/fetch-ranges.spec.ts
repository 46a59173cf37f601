import { createServer, type ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { setTimeout } from 'node:timers/promises'
import { pipe } from 'fp-ts/lib/function.js'
import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import t from 'tap'
import { Agent, request } from 'undici'
import { crc64, type Crc64Run } from '../../lib/core/crc64.js'
import { CosException } from '../../lib/core/error.js'
import { fetchRanges, type FetchRange, type FetchRangesOptions } from '../../lib/stages/fetch-ranges.js'
import { createMemoryBudget, inBlocks } from '../../lib/stages/memory-budget.js'
import { planRanges, type PartRange } from '../../lib/stages/plan-ranges.js'
import { bytesOf } from '../support/bytes.js'
import { listen } from '../support/listen.js'
import { waitFor } from '../support/wait-for.js'
import { from, toArray } from '../support/iterables.js'

const context = {
  operation: 'downloadStream',
  bucket: 'examplebucket-1250000000',
  key: O.some('a'),
  attempts: 0
}
const MiB = 1024 * 1024

interface Teardown {
  readonly teardown: (clean: () => unknown) => unknown
}

type Respond = (bytes: Buffer, response: ServerResponse, first: number) => unknown
const whole: Respond = (bytes, response) => response.end(bytes)

/** A server of ranges of the bytes, and a call that requests one; `most` were in flight at the same time. */
const startRangeServer = async (t: Teardown, bytes: Buffer, respond: Respond = whole) => {
  const at = { open: 0, most: 0, requested: [] as Array<number> }
  const server = createServer((request, response) => {
    const [first = 0, last = 0] = (request.headers.range?.slice(6) ?? '').split('-').map(Number)
    at.requested.push(first)
    at.open += 1
    response.on('close', () => (at.open -= 1))
    response.writeHead(206)
    respond(bytes.subarray(first, last + 1), response, first)
  })
  const { address } = await listen(t, server)
  const origin = `http://${address}`
  const dispatcher = new Agent()
  t.teardown(() => dispatcher.destroy())
  let reading = 0
  const fetchRange: FetchRange = async function* ({ first, last }, signal) {
    const headers = { range: `bytes=${String(first)}-${String(last)}` }
    at.most = Math.max(at.most, (reading += 1))
    try {
      yield* (await request(origin, { dispatcher, signal, headers })).body as AsyncIterable<Uint8Array>
    } finally {
      reading -= 1
    }
  }
  return { at, fetchRange }
}

const roomFor = (concurrency: number, partSize: number): FetchRangesOptions => {
  const limit = concurrency * inBlocks(partSize)
  return { concurrency, budget: createMemoryBudget({ limit, ahead: limit }), context }
}

const read = async (source: AsyncIterable<Uint8Array>): Promise<Buffer> =>
  Buffer.concat(await toArray(source))

const failureOf = async (source: AsyncIterable<Uint8Array>): Promise<unknown> =>
  read(source).then(
    () => 'none',
    (error: unknown) => error
  )

// -- known results --
t.test('bytes are yielded in order if they arrive in another', async (t) => {
  const bytes = bytesOf(10 * 1000 + 77)
  // Responses arrive in reverse order: four at a time, the last range first.
  let waiting: ReadonlyArray<() => unknown> = []
  const { at, fetchRange } = await startRangeServer(t, bytes, async (range, response, first) => {
    waiting = [() => response.end(range), ...waiting]
    if (waiting.length < 4 && first < 10_000) return
    const responders = waiting
    waiting = []
    for (const respond of responders) {
      respond()
      await setTimeout(1)
    }
  })
  const options = roomFor(4, 1000)
  const got = await read(
    pipe(planRanges({ to: bytes.length, partSize: 1000 }), fetchRanges(options, fetchRange))
  )
  t.ok(got.equals(bytes))
  t.equal(at.most, 4)
  t.equal(options.budget.granted(), 0)
})

t.test('the bytes are the same with any concurrency, with little memory and with none', async (t) => {
  const bytes = bytesOf(3 * MiB + 5)
  const { at, fetchRange } = await startRangeServer(t, bytes)
  const plan = (partSize: number) => planRanges({ to: bytes.length, partSize })
  for (const window of [1, 2, 7, 100, 0]) {
    t.ok((await read(pipe(plan(300_000), fetchRanges(roomFor(window, 300_000), fetchRange)))).equals(bytes))
  }
  for (const limit of [0, inBlocks(300_000), 3 * inBlocks(300_000)]) {
    at.most = 0
    const budget = createMemoryBudget({ limit, ahead: limit })
    const options = { concurrency: 8, budget, context }
    t.ok((await read(pipe(plan(300_000), fetchRanges(options, fetchRange)))).equals(bytes))
    t.ok(at.most <= Math.max(1, limit / inBlocks(300_000)) + 1, `${String(at.most)} open`)
    t.equal(budget.granted(), 0)
  }
})

t.test('the CRC64 of each range is reported in order, before the last chunk of the range', async (t) => {
  const bytes = bytesOf(3 * 1000 + 77)
  const { fetchRange } = await startRangeServer(t, bytes)
  const cuts = [
    bytes.subarray(0, 1000),
    bytes.subarray(1000, 2000),
    bytes.subarray(2000, 3000),
    bytes.subarray(3000)
  ]
  const expected = await Promise.all(cuts.map(async (cut) => ({ crc64: await crc64(cut), size: cut.length })))
  for (const window of [1, 3, 0]) {
    const runs: Array<Crc64Run> = []
    let left = bytes.length
    for await (const chunk of pipe(
      planRanges({ to: bytes.length, partSize: 1000 }),
      fetchRanges({ ...roomFor(window, 1000), onRange: (run) => runs.push(run) }, fetchRange)
    )) {
      left -= chunk.length
      if (left === 0) t.same(runs, expected, `window of ${String(window)}`)
    }
    t.equal(left, 0)
  }
})

t.test('a part of an object and an empty range are fetched', async (t) => {
  const bytes = bytesOf(5000)
  const { at, fetchRange } = await startRangeServer(t, bytes)
  const stretch = pipe(
    planRanges({ from: 1234, to: 4321, partSize: 1000 }),
    fetchRanges(roomFor(2, 1000), fetchRange)
  )
  t.ok((await read(stretch)).equals(bytes.subarray(1234, 4321)))
  at.requested = []
  t.same(await toArray(pipe(planRanges({ to: 0, partSize: 1 }), fetchRanges(roomFor(2, 1), fetchRange))), [])
  t.same(at.requested, [])
})

t.test('the reader may keep each chunk, and no chunk is empty', async (t) => {
  const bytes = bytesOf(4 * MiB)
  const { fetchRange } = await startRangeServer(t, bytes)
  const source = pipe(
    planRanges({ to: bytes.length, partSize: MiB }),
    fetchRanges(roomFor(2, MiB), fetchRange)
  )
  const chunks: Array<readonly [Uint8Array, Buffer]> = []
  for await (const chunk of source) {
    chunks.push([chunk, Buffer.from(chunk)])
    await setTimeout(1)
  }
  t.ok(chunks.every(([kept, then]) => then.equals(kept) && kept.length > 0))
  t.ok(Buffer.concat(chunks.map(([kept]) => kept)).equals(bytes))
})

t.test('chunks of single bytes pass', async (t) => {
  const bytes = bytesOf(3000)
  const single: FetchRange = async function* ({ first, last }) {
    for (let at = first; at <= last; at += 1) {
      yield bytes.subarray(at, at + 1)
      yield new Uint8Array()
    }
  }
  t.ok(
    (await read(pipe(planRanges({ to: 3000, partSize: 700 }), fetchRanges(roomFor(3, 700), single)))).equals(
      bytes
    )
  )
})

// -- the reader --
t.test('a paused reader pauses the server: at most concurrency ranges are requested and held', async (t) => {
  const bytes = bytesOf(16 * MiB)
  const { at, fetchRange } = await startRangeServer(t, bytes)
  const options = roomFor(4, MiB)
  const source = pipe(planRanges({ to: bytes.length, partSize: MiB }), fetchRanges(options, fetchRange))
  const first = await source.next()
  await waitFor(() => at.requested.length === 4)
  await setTimeout(30)
  // A block that is taken whole makes room, but for no other range of this size.
  t.same(
    at.requested.toSorted((a, b) => a - b),
    [0, MiB, 2 * MiB, 3 * MiB]
  )
  t.ok(options.budget.granted() <= 4 * MiB)
  const rest = await read(source)
  t.ok(Buffer.concat([first.value ?? Buffer.alloc(0), rest]).equals(bytes), 'and it resumes where it stopped')
  t.equal(at.most, 4)
})

t.test('without memory a paused reader pauses the server within a range', async (t) => {
  const bytes = Buffer.alloc(64 * MiB)
  let left = 0
  const { at, fetchRange } = await startRangeServer(t, bytes, (range, response) => {
    const chunks = function* () {
      for (let from = 0; from < range.length; from += 65536) {
        left += 65536
        yield range.subarray(from, from + 65536)
      }
    }
    Readable.from(chunks(), { highWaterMark: 1 }).pipe(response)
  })
  const options = { concurrency: 4, budget: createMemoryBudget({ limit: 0 }), context }
  const source = fetchRanges(options, fetchRange)(planRanges({ to: bytes.length, partSize: 64 * MiB }))
  await source.next()
  await setTimeout(100)
  t.ok(left < 16 * MiB, `${String(left)} bytes left the server, into buffers of sockets`)
  await source.return()
  await waitFor(() => at.open === 0)
})

t.test('a reader that stops early closes all connections at once', async (t) => {
  const { at, fetchRange } = await startRangeServer(t, bytesOf(8000), (bytes, response) =>
    response.write(bytes.subarray(0, 10))
  )
  const options = roomFor(4, 1000)
  const source = pipe(planRanges({ to: 8000, partSize: 1000 }), fetchRanges(options, fetchRange))
  t.equal((await source.next()).value?.length, 10)
  const stalled = source.next()
  await waitFor(() => at.open === 4)
  await source.return()
  t.same(await stalled, { done: true, value: undefined })
  t.equal(options.budget.granted(), 0)
  await waitFor(() => at.open === 0)
})

t.test('destroying a Node stream of the ranges closes all connections', async (t) => {
  const { at, fetchRange } = await startRangeServer(t, bytesOf(8000), (bytes, response) =>
    response.write(bytes.subarray(0, 10))
  )
  const options = roomFor(4, 1000)
  const readable = Readable.from(
    pipe(planRanges({ to: 8000, partSize: 1000 }), fetchRanges(options, fetchRange))
  )
  readable.on('data', () => {})
  await waitFor(() => at.open === 4)
  readable.destroy()
  await waitFor(() => at.open === 0)
  t.equal(options.budget.granted(), 0)
})

t.test('a fetch that ignores its signal is not waited for', async (t) => {
  const deaf: FetchRange = async function* () {
    await new Promise(() => {})
    yield Buffer.alloc(1)
  }
  const controller = new AbortController()
  const source = pipe(
    planRanges({ to: 10, partSize: 5 }),
    fetchRanges({ ...roomFor(2, 5), controller }, deaf)
  )
  const reading = read(source)
  await setTimeout(5)
  controller.abort(new Error('enough'))
  await t.rejects(reading, { message: 'enough' })
})

// -- failures --
t.test('the failure of a range is thrown at its turn, and closes the other connections', async (t) => {
  const bytes = bytesOf(6000)
  let broken = false
  const { at, fetchRange } = await startRangeServer(t, bytes, (range, response, first) => {
    if (first === 2000) response.destroy()
    else if (first > 2000) response.write(range.subarray(0, 1))
    else waitFor(() => broken).then(() => response.end(range), t.fail)
  })
  const fetchThenBreak: FetchRange = async function* (range, signal) {
    try {
      yield* fetchRange(range, signal)
    } catch (thrown) {
      broken = true
      throw thrown
    }
  }
  const options = roomFor(4, 1000)
  const chunks: Array<Uint8Array> = []
  const source = pipe(planRanges({ to: 6000, partSize: 1000 }), fetchRanges(options, fetchThenBreak))
  const reading = async () => {
    for await (const chunk of source) chunks.push(chunk)
  }
  await t.rejects(reading(), { code: 'UND_ERR_SOCKET' })
  t.ok(Buffer.concat(chunks).equals(bytes.subarray(0, 2000)), 'all before it came out')
  t.equal(options.budget.granted(), 0)
  await waitFor(() => at.open === 0)
  t.same(
    at.requested.filter((first) => first > 3000),
    [],
    'and nothing past it was requested'
  )
})

t.test('a failure aborts the controller; a successful run does not', async (t) => {
  const error = new Error('disk')
  const controller = new AbortController()
  const fetchBroken: FetchRange = () => {
    throw error
  }
  for (const window of [0, 3]) {
    await t.rejects(
      pipeline(
        fetchRanges({ ...roomFor(window, 1), controller }, fetchBroken)(planRanges({ to: 3, partSize: 1 })),
        toArray
      ),
      error
    )
  }
  t.equal(controller.signal.reason, error)
  const other = new AbortController()
  const fine: FetchRange = () => from(Buffer.alloc(1))
  await read(fetchRanges({ ...roomFor(2, 1), controller: other }, fine)(planRanges({ to: 3, partSize: 1 })))
  t.equal(other.signal.aborted, false)
})

t.test('a range of another size is an IntegrityError with its number and both sizes', async (t) => {
  for (const window of [0, 3]) {
    for (const [given, got] of [
      [999, '999'],
      [1001, '1001'],
      [0, '0']
    ] as const) {
      const fetchRange: FetchRange = ({ number }: PartRange) =>
        from(Buffer.alloc(number === 2 ? given : 1000))
      const options = roomFor(window, 1000)
      const failure = await failureOf(
        fetchRanges(options, fetchRange)(planRanges({ to: 3000, partSize: 1000 }))
      )
      t.ok(failure instanceof CosException)
      t.match(failure, {
        error: { _tag: 'IntegrityError', check: 'size', part: O.some(2), expected: '1000', got, context }
      })
      t.equal(options.budget.granted(), 0)
    }
  }
})

t.test('an abort of the controller ends the run, also if bytes have already arrived', async (t) => {
  const { at, fetchRange } = await startRangeServer(t, bytesOf(8000), (bytes, response, first) =>
    first === 0 ? response.end(bytes) : response.write(bytes.subarray(0, 1))
  )
  const controller = new AbortController()
  const options = { ...roomFor(3, 1000), controller }
  const source = pipe(planRanges({ to: 8000, partSize: 1000 }), fetchRanges(options, fetchRange))
  await source.next()
  await waitFor(() => at.open >= 2)
  controller.abort(new Error('enough'))
  await t.rejects(read(source), { message: 'enough' })
  await waitFor(() => at.open === 0)
  t.equal(options.budget.granted(), 0)
})

// -- sharing --
t.test('downloads that share memory with stalled readers continue, one range at a time', async (t) => {
  const bytes = bytesOf(2 * MiB)
  const { fetchRange } = await startRangeServer(t, bytes)
  const limit = 2 * inBlocks(256 * 1024)
  const options = { concurrency: 4, budget: createMemoryBudget({ limit, ahead: limit }), context }
  const plan = planRanges({ to: bytes.length, partSize: 256 * 1024 })
  const stalled = fetchRanges(options, fetchRange)(plan)
  await stalled.next()
  await waitFor(() => options.budget.granted() > 0)
  t.ok((await read(fetchRanges(options, fetchRange)(plan))).equals(bytes))
  await stalled.return()
  t.equal(options.budget.granted(), 0)
})

t.test('an upload that reads from a download of the same client does not deadlock', async (t) => {
  const bytes = bytesOf(2 * MiB)
  const { fetchRange } = await startRangeServer(t, bytes)
  const partSize = 256 * 1024
  const budget = createMemoryBudget({ limit: 4 * partSize, ahead: 2 * partSize })
  const options = { concurrency: 8, budget, context }
  const source = fetchRanges(options, fetchRange)(planRanges({ to: bytes.length, partSize }))
  const out: Array<Buffer> = []
  for await (const chunk of source) {
    // As in cutParts: memory is taken when the bytes are there.
    const memory = budget.reserve(2 * partSize)
    if (E.isLeft(memory)) return t.fail(memory.left._tag)
    for (let n = 0; n < 2; n += 1) t.ok(E.isRight(await memory.right.take()()))
    out.push(Buffer.from(chunk))
    memory.right.release()
  }
  t.ok(Buffer.concat(out).equals(bytes))
  return undefined
})
