/** The memory of transfers, measured over real sockets: the documented ceilings, with fewer bytes in all. */
import { once } from 'node:events'
import { Readable } from 'node:stream'
import { setTimeout } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { pipe } from 'fp-ts/lib/function.js'
import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import * as TE from 'fp-ts/lib/TaskEither.js'
import t from 'tap'
import { Agent, request } from 'undici'
import { combineAllCrc64 } from '../../lib/core/crc64.js'
import { fromUnknown } from '../../lib/core/error.js'
import { cutParts } from '../../lib/stages/cut-parts.js'
import { fetchRanges, type FetchRange } from '../../lib/stages/fetch-ranges.js'
import { hashParts } from '../../lib/stages/hash-parts.js'
import { createMemoryBudget, inBlocks } from '../../lib/stages/memory-budget.js'
import { ofOneSize } from '../../lib/stages/part-size.js'
import { planRanges } from '../../lib/stages/plan-ranges.js'
import { sendParts, type Upload } from '../../lib/stages/send-parts.js'
import { waitFor } from '../support/wait-for.js'
import { collectGarbage, createScale } from '../support/gc.js'
import { isLongForm } from '../support/long-form.js'

const context = {
  operation: 'uploadStream',
  bucket: 'examplebucket-1250000000',
  key: O.some('a'),
  attempts: 0
}
const KiB = 1024
const MiB = 1024 * KiB

// In a separate thread, whose buffers are not counted with ours. It takes 20 ms to think, so that parts pile up.
const server = `
  const { createServer } = require('node:http')
  const { parentPort } = require('node:worker_threads')
  const slab = Buffer.alloc(1024 * 1024)
  const give = (response, left) => {
    while (left > 0 && response.write(slab.subarray(0, Math.min(left, slab.length)))) left -= slab.length
    if (left > 0) response.once('drain', () => give(response, left - slab.length))
    else response.end()
  }
  createServer((request, response) => {
    const [first, last] = (request.headers.range ?? 'bytes=0-').slice(6).split('-').map(Number)
    request.resume().on('end', () => setTimeout(() => give(response, last - first + 1 || 0), 20))
  }).listen(0, '127.0.0.1', function () { parentPort.postMessage(this.address().port) })
`

interface Teardown {
  readonly teardown: (clean: () => unknown) => unknown
}

const startServer = async (t: Teardown): Promise<{ readonly origin: string; readonly dispatcher: Agent }> => {
  const worker = new Worker(server, { eval: true, execArgv: [] })
  const dispatcher = new Agent()
  t.teardown(async () => {
    await dispatcher.destroy()
    await worker.terminate()
  })
  const [port] = (await once(worker, 'message')) as [number]
  return { origin: `http://127.0.0.1:${String(port)}`, dispatcher }
}

const slab = Buffer.alloc(64 * KiB, 7)
const whole = Buffer.alloc(32 * MiB, 7)

async function* singleBytes(): AsyncGenerator<Uint8Array, void, undefined> {
  for (let n = 0; n < 40 * KiB; n += 1) yield slab.subarray(n % slab.length, (n % slab.length) + 1)
}
async function* views(): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const own of slabs()) {
    for (let at = 0; at < own.length; at += KiB) yield own.subarray(at, at + KiB)
  }
}
async function* slabs(): AsyncGenerator<Uint8Array, void, undefined> {
  for (let n = 0; n < 5 * 16; n += 1) yield Buffer.allocUnsafeSlow(64 * KiB).fill(7)
}
async function* oneChunk(): AsyncGenerator<Uint8Array, void, undefined> {
  yield whole
}

const concurrency = 4

// Beyond the five parts: for sockets, and for what a source has made and not yet dropped.
const slack = MiB

for (const [shape, source, total, partSize] of [
  ['single bytes', singleBytes, 40 * KiB, 4 * KiB],
  ['1 KiB views of 64 KiB slabs', views, 5 * MiB, 512 * KiB],
  ['64 KiB', slabs, 5 * MiB, 512 * KiB],
  ['32 MiB', oneChunk, 32 * MiB, 4 * MiB]
] as const) {
  t.test(
    `an upload of unknown length holds five parts for four in flight, in chunks of ${shape}`,
    async (t) => {
      const { origin, dispatcher } = await startServer(t)
      const ceiling = (concurrency + 1) * inBlocks(partSize) + slack
      const { weigh, most } = await createScale(ceiling)
      const budget = createMemoryBudget({ limit: (concurrency + 1) * inBlocks(partSize) })
      let inFlight = 0
      let together = 0
      const upload: Upload<null> = (part, signal) =>
        TE.tryCatch(async () => {
          together = Math.max(together, (inFlight += 1))
          const body = Readable.from(part.chunks, { objectMode: false })
          const headers = { 'content-length': String(part.size) }
          const response = await request(origin, { method: 'PUT', dispatcher, signal, body, headers })
          await weigh()
          await response.body.dump()
          await weigh()
          inFlight -= 1
          return null
        }, fromUnknown(context))
      const sent = []
      const cut = cutParts({ sizes: ofOneSize(partSize), budget, context })
      for await (const part of pipe(source(), cut, hashParts(), sendParts({ concurrency }, upload))) {
        sent.push(part)
        await weigh()
      }
      t.equal(combineAllCrc64(sent).size, total)
      t.ok(together <= concurrency, `${String(together)} in flight`)
      t.ok(most() <= ceiling, `${(most() / MiB).toFixed(1)} of ${(ceiling / MiB).toFixed(1)} MiB`)
      t.ok(most() >= partSize, 'and something was weighed')
    }
  )
}

const uploads = isLongForm ? 200 : 100

t.test(
  `${String(uploads)} parallel uploads with one budget all finish, and together never exceed it`,
  async (t) => {
    const partSize = 256 * KiB
    const budget = createMemoryBudget({ limit: 32 * partSize })
    let most = 0
    const upload: Upload<null> = () => async () => {
      most = Math.max(most, budget.granted())
      await setTimeout(1)
      return E.right(null)
    }
    const source = async function* () {
      for (let n = 0; n < 13; n += 1) yield slab
    }
    const whole = async (): Promise<number> => {
      const cut = cutParts({ sizes: ofOneSize(partSize), budget, context })
      const sent = []
      for await (const part of pipe(source(), cut, hashParts(), sendParts({ concurrency }, upload)))
        sent.push(part)
      return combineAllCrc64(sent).size
    }
    const sizes = await Promise.all(Array.from({ length: uploads }, whole))
    t.ok(sizes.every((size) => size === 13 * slab.length))
    t.ok(most <= budget.limit && most > budget.limit / 2, `${String(most)} of ${String(budget.limit)}`)
    t.equal(budget.granted(), 0)
  }
)

t.test('a download whose reader stalls holds at most concurrency ranges', async (t) => {
  const { origin, dispatcher } = await startServer(t)
  const window = 4
  const partSize = 4 * MiB
  const ceiling = window * partSize + 8 * MiB
  const { weigh, most } = await createScale(ceiling)
  const limit = window * inBlocks(partSize)
  const fetchRange: FetchRange = async function* ({ first, last }, signal) {
    const headers = { range: `bytes=${String(first)}-${String(last)}` }
    yield* (await request(origin, { dispatcher, signal, headers })).body as AsyncIterable<Uint8Array>
  }
  const source = pipe(
    planRanges({ to: 256 * MiB, partSize }),
    fetchRanges(
      { concurrency: window, budget: createMemoryBudget({ limit, ahead: limit }), context },
      fetchRange
    )
  )
  await source.next()
  await waitFor(async () => {
    await weigh()
    return most() >= (window - 1) * partSize
  })
  await setTimeout(200)
  await weigh()
  t.ok(most() <= ceiling, `${(most() / MiB).toFixed(1)} of ${(ceiling / MiB).toFixed(1)} MiB`)
  await source.return()
  await collectGarbage()
})
