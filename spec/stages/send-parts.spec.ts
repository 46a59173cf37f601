import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { setTimeout } from 'node:timers/promises'
import { pipe } from 'fp-ts/lib/function.js'
import * as O from 'fp-ts/lib/Option.js'
import * as TE from 'fp-ts/lib/TaskEither.js'
import t from 'tap'
import { Agent, request } from 'undici'
import { combineAllCrc64, crc64 } from '../../lib/core/crc64.js'
import { CosException, fromUnknown } from '../../lib/core/error.js'
import { cutParts } from '../../lib/stages/cut-parts.js'
import { hashParts, type HashedPart } from '../../lib/stages/hash-parts.js'
import { createMemoryBudget, inBlocks } from '../../lib/stages/memory-budget.js'
import { ofOneSize } from '../../lib/stages/part-size.js'
import { sendParts, type SentPart, type Upload } from '../../lib/stages/send-parts.js'
import { bytesOf, splitBytes } from '../support/bytes.js'
import { listen } from '../support/listen.js'
import { becomesTrue, waitFor } from '../support/wait-for.js'
import { yieldThenFail, from, toArray } from '../support/iterables.js'

const context = {
  operation: 'uploadStream',
  bucket: 'examplebucket-1250000000',
  key: O.some('a'),
  attempts: 0
}
const MiB = 1024 * 1024

interface Teardown {
  readonly teardown: (clean: () => unknown) => unknown
}

/** A server that takes parts, and a call that sends one there. */
const startPartServer = async (
  t: Teardown,
  respond: (number: number, response: ServerResponse, request: IncomingMessage) => unknown
) => {
  const taken = new Map<number, Buffer>()
  const at = { open: 0, most: 0, aborted: 0 }
  const server = createServer((request, response) => {
    const number = Number(request.url?.slice(1))
    at.most = Math.max(at.most, (at.open += 1))
    response.on('close', () => {
      at.open -= 1
      if (!response.writableFinished) at.aborted += 1
    })
    request.on('error', () => {})
    const read = async () => {
      const body = Buffer.concat(await toArray<Buffer>(request))
      taken.set(number, body)
      response.setHeader('etag', `"${createHash('md5').update(body).digest('hex')}"`)
      await respond(number, response, request)
    }
    read().catch(() => {})
  })
  const { address } = await listen(t, server)
  const origin = `http://${address}`
  const dispatcher = new Agent()
  t.teardown(() => dispatcher.destroy())
  const upload: Upload<{ readonly etag: string }> = (part, signal) =>
    TE.tryCatch(async () => {
      const body = Readable.from(part.chunks, { objectMode: false })
      const headers = { 'content-length': String(part.size) }
      const path = `${origin}/${String(part.number)}`
      const response = await request(path, { method: 'PUT', dispatcher, signal, body, headers })
      await response.body.dump()
      if (response.statusCode !== 200) throw new Error(String(response.statusCode))
      return { etag: String(response.headers['etag']) }
    }, fromUnknown(context))
  return { taken, at, upload }
}

const parts = (bytes: Buffer, partSize = MiB, controller = new AbortController()) => {
  const budget = createMemoryBudget({ limit: 32 * inBlocks(partSize) })
  const cut = cutParts({ sizes: ofOneSize(partSize), budget, context, signal: controller.signal })
  return { budget, controller, hashed: pipe(splitBytes(bytes, 64 * 1024), cut, hashParts()) }
}

// -- known results --
t.test('each part arrives unchanged, and the combined checksums are that of the whole', async (t) => {
  const { taken, upload } = await startPartServer(t, (_, response) => response.end())
  const bytes = bytesOf(6 * MiB + 4321)
  const { budget, hashed } = parts(bytes)
  const sent = await toArray(pipe(hashed, sendParts({ concurrency: 3, ordered: true }, upload)))
  t.same(
    sent.map(({ number, offset, size }) => [number, offset, size]),
    [0, 1, 2, 3, 4, 5, 6].map((n) => [n + 1, n * MiB, n === 6 ? 4321 : MiB])
  )
  for (const { number, offset, size, response } of sent) {
    const part = bytes.subarray(offset, offset + size)
    t.ok(taken.get(number)?.equals(part), `part ${String(number)}`)
    t.equal(response.etag, `"${createHash('md5').update(part).digest('hex')}"`)
  }
  t.same(combineAllCrc64(sent), { crc64: await crc64(bytes), size: bytes.length })
  t.equal(budget.granted(), 0)
})

t.test('results have the order of their completion, or that of their numbers if ordered', async (t) => {
  const first: Array<ServerResponse> = []
  const { upload } = await startPartServer(t, (number, response) => {
    if (number === 1) first.push(response)
    else response.end()
  })
  const numbers = async (ordered: boolean) => {
    const { budget, hashed } = parts(bytesOf(3000), 1000)
    const sent = toArray(pipe(hashed, sendParts({ concurrency: 3, ordered }, upload)))
    // Until the others have been acknowledged.
    await waitFor(() => first.length > 0 && budget.granted() === 256 * 1024)
    first.pop()?.end()
    return (await sent).map(({ number }) => number)
  }
  t.equal((await numbers(false)).at(-1), 1)
  t.same(await numbers(true), [1, 2, 3])
})

t.test('concurrency parts are in flight, and one more is held', async (t) => {
  const held: Array<ServerResponse> = []
  const { at, upload } = await startPartServer(t, (_, response) => held.push(response))
  const { budget, hashed } = parts(bytesOf(8 * MiB))
  const sending3 = pipe(hashed, sendParts({ concurrency: 3 }, upload))
  const first = sending3.next()
  await waitFor(() => held.length >= 3)
  await setTimeout(20)
  t.equal(at.most, 3)
  t.equal(budget.granted(), 4 * MiB)
  held[0]?.end()
  await first
  await waitFor(() => held.length >= 4)
  t.equal(at.most, 3)
  t.equal(budget.granted(), 4 * MiB, 'what was acknowledged is held no more')
  await sending3.return()
  t.ok(await becomesTrue(() => budget.granted() === 0))
})

// -- the reader --
t.test('a paused reader pauses the source', async (t) => {
  const { taken, upload } = await startPartServer(t, (_, response) => response.end())
  const { budget, hashed } = parts(bytesOf(20 * 1000), 1000)
  const running = pipe(hashed, sendParts({ concurrency: 2 }, upload))
  await running.next()
  await waitFor(() => taken.size >= 3 && budget.granted() <= 256 * 1024)
  await setTimeout(20)
  t.equal(taken.size, 3, 'the one it took, and two that wait to be taken')
  t.equal(budget.granted(), 256 * 1024, 'and only the part ahead is in memory')
  await running.return()
  t.ok(await becomesTrue(() => budget.granted() === 0))
})

t.test('a reader that stops early closes all connections and releases all memory', async (t) => {
  const { at, taken, upload } = await startPartServer(t, () => {})
  const { budget, hashed, controller } = parts(bytesOf(8 * MiB))
  const running = pipe(hashed, sendParts({ concurrency: 3, controller }, upload))
  const read = running.next()
  await waitFor(() => taken.size >= 3)
  await running.return()
  t.same(await read, { done: true, value: undefined })
  t.ok(await becomesTrue(() => budget.granted() === 0))
  await waitFor(() => at.aborted >= 3)
  t.equal(at.open, 0)
})

// -- failures --
t.test('a failed part aborts the others, and the error is a CosException', async (t) => {
  const { at, taken, upload } = await startPartServer(t, (number, response) => {
    if (number !== 2) return
    response.statusCode = 500
    response.end()
  })
  const { budget, hashed, controller } = parts(bytesOf(8 * MiB))
  const failure = await toArray(pipe(hashed, sendParts({ concurrency: 3, controller }, upload))).catch(
    (e: unknown) => e
  )
  t.ok(failure instanceof CosException)
  t.match(failure, { error: { _tag: 'TransportError', context, cause: { message: '500' } } })
  t.equal(controller.signal.reason, failure)
  t.ok(taken.size <= 3)
  t.ok(await becomesTrue(() => budget.granted() === 0))
  await waitFor(() => at.open === 0)
})

t.test('a failure is thrown at once if the source stalls, and the source is closed', async (t) => {
  const { upload } = await startPartServer(t, (_, response) => {
    response.statusCode = 403
    response.end()
  })
  const controller = new AbortController()
  const stalled = new Readable({ read() {} })
  stalled.push(bytesOf(1500))
  const budget = createMemoryBudget({ limit: 8 * MiB })
  const cut = cutParts({ sizes: ofOneSize(1000), budget, context, signal: controller.signal })
  const running = pipe(stalled, cut, hashParts(), sendParts({ concurrency: 2, controller }, upload))
  await t.rejects(toArray(running), CosException)
  t.equal(stalled.destroyed, true)
  t.ok(await becomesTrue(() => budget.granted() === 0))
})

t.test('an error of the source fails the pipeline and closes all connections', async (t) => {
  const { at, upload } = await startPartServer(t, () => {})
  const error = new Error('disk')
  const controller = new AbortController()
  const budget = createMemoryBudget({ limit: 8 * MiB })
  const cut = cutParts({ sizes: ofOneSize(1000), budget, context, signal: controller.signal })
  const source = yieldThenFail(error, Buffer.alloc(1500))
  await t.rejects(
    pipeline(source, cut, hashParts(), sendParts({ concurrency: 2, controller }, upload), toArray),
    error
  )
  t.ok(await becomesTrue(() => budget.granted() === 0))
  await waitFor(() => at.open === 0)
})

t.test('the memory of a part is released in every case, even if its call throws', async (t) => {
  const released: Array<number> = []
  const part = (number: number): HashedPart => ({
    number,
    offset: 0,
    size: 0,
    chunks: [],
    last: false,
    crc64: 0n,
    md5: O.none,
    release: () => released.push(number)
  })
  const sendBroken = (): TE.TaskEither<never, never> => () => Promise.reject(new Error('a bug'))
  const run: Promise<Array<SentPart<never>>> = toArray(
    pipe(from(part(1), part(2), part(3)), sendParts({ concurrency: 1 }, sendBroken))
  )
  await t.rejects(run, { message: 'a bug' })
  t.same(released, [1, 2])
})
