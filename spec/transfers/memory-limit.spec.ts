/** One budget for all transfers of a client: `memoryLimit`, measured over real sockets. */
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { Worker } from 'node:worker_threads'
import * as O from 'fp-ts/lib/Option.js'
import t from 'tap'
import { exampleCredentials } from '../../lib/emulator/index.js'
import { downloadStream } from '../../lib/transfers/download/download-stream.js'
import { encrypted } from '../../lib/transfers/encrypted/encrypted.js'
import { uploadStream } from '../../lib/transfers/upload/upload-stream.js'
import { compiledLibrary } from '../support/child-processes.js'
import { bucket } from '../support/cos.js'
import { aes } from '../support/encryption.js'
import { collectGarbage, createScale } from '../support/gc.js'
import { isLongForm } from '../support/long-form.js'
import { clientOf, right } from '../support/server.js'

const KiB = 1024
const MiB = 1024 * KiB
/** Uploads, and a tenth as many downloads. Together they want more than the limit. */
const uploads = isLongForm ? 200 : 50
const limit = isLongForm ? 128 * MiB : 32 * MiB
/** Beside the budget, in bytes: what sockets and streams of 220 transfers hold. */
const mostBeside = 32 * MiB
const large = { bucket, key: 'large', size: 2 * MiB + 1 }

// In a separate thread, whose buffers are not counted with ours.
const emulator = (lib: string, dir: string): string => `
  const { parentPort } = require('node:worker_threads')
  import(${JSON.stringify(pathToFileURL(join(lib, 'emulator/index.js')).href)})
    .then(({ startEmulator }) => startEmulator(${JSON.stringify({ dir, seed: [large] })})())
    .then((started) => parentPort.postMessage(started.right.address))
`

const slab = Buffer.alloc(64 * KiB, 'cospipe')

async function* chunks(size: number): AsyncGenerator<Uint8Array, void, undefined> {
  for (let left = size; left > 0; left -= slab.length) yield slab.subarray(0, Math.min(left, slab.length))
}

/** The address of an emulator in another thread. */
const startThread = async (t: {
  readonly teardown: (clean: () => unknown) => unknown
  readonly testdir: (fixture: Record<string, string>) => string
}): Promise<string> => {
  const worker = new Worker(emulator(compiledLibrary, join(t.testdir({}), 'cos')), {
    eval: true,
    execArgv: []
  })
  t.teardown(() => worker.terminate())
  const [address] = (await once(worker, 'message')) as [string]
  return address
}

t.test('many parallel uploads and downloads together stay below the limit, and all end', async (t) => {
  const address = await startThread(t)
  const { secretId, secretKey } = exampleCredentials
  const client = clientOf(t, address)({ credentials: { secretId, secretKey }, memoryLimit: limit })
  const budget = O.toUndefined(client.memory)
  if (budget === undefined) throw new Error('the client has no budget')

  await collectGarbage()
  const before = process.memoryUsage().arrayBuffers
  const most = { granted: 0, buffers: 0 }
  const buffers = (): number => process.memoryUsage().arrayBuffers - before
  // Buffers that were dropped are not held: above the limit they are collected first.
  const look = async (): Promise<void> => {
    most.granted = Math.max(most.granted, budget.granted())
    if (buffers() > limit + mostBeside) await collectGarbage()
    most.buffers = Math.max(most.buffers, buffers())
  }
  const watching = setInterval(() => void look(), 2)
  t.teardown(() => {
    clearInterval(watching)
  })

  const up = async (at: number): Promise<string> => {
    const to = { bucket, key: `up/${String(at)}`, partSize: MiB }
    return right(await uploadStream(to)(chunks(MiB + 1 + at))(client)()).integrity._tag
  }
  const down = async (at: number): Promise<string> => {
    const from = { bucket, key: large.key, partSize: MiB }
    const { body, verified } = right(await downloadStream(from)(client)())
    // Every second download is read only when the uploads have long waited for memory, of which it holds its ranges ahead.
    await setTimeout(at % 2 === 0 ? 0 : 500)
    for await (const _ of body) await look()
    return right(await verified())._tag
  }
  const outcomes = await Promise.all([
    ...Array.from({ length: uploads / 10 }, (_, at) => down(at)),
    ...Array.from({ length: uploads }, (_, at) => up(at))
  ])
  t.same(new Set(outcomes), new Set(['Verified']))
  t.equal(most.granted, limit, 'all of it was used, and no more')
  t.equal(budget.granted(), 0, 'and given back')
  const beside = (most.buffers - limit) / MiB
  t.comment(`${beside.toFixed(1)} MiB of buffers beside the budget`)
  t.ok(beside * MiB <= mostBeside, `${beside.toFixed(1)} MiB of buffers beside the budget`)
})

t.test(
  'an encrypted upload holds five parts for four in flight, and two segments for each of them',
  async (t) => {
    const { secretId, secretKey } = exampleCredentials
    const client = clientOf(t, await startThread(t))({ credentials: { secretId, secretKey } })
    const partSize = 2 * MiB
    const concurrency = 4
    // Half of what the docs allow for sockets: a ciphertext of each part in memory would be 8 MiB more.
    const ceiling = (concurrency + 1) * partSize + concurrency * 128 * KiB + 4 * MiB
    for (const format of isLongForm ? (['sealed', 'python'] as const) : (['sealed'] as const)) {
      const { weigh, most } = await createScale(ceiling)
      const source = async function* () {
        for await (const chunk of chunks(18 * MiB)) {
          yield chunk
          await weigh()
        }
      }
      const to = { bucket, key: format, partSize, concurrency }
      right(await encrypted(aes, { format }).uploadStream(to)(source())(client)())
      t.comment(`${format}: ${(most() / MiB).toFixed(1)} of ${(ceiling / MiB).toFixed(1)} MiB`)
      t.ok(most() <= ceiling, `${format}: ${(most() / MiB).toFixed(1)} of ${(ceiling / MiB).toFixed(1)} MiB`)
      t.ok(most() >= concurrency * partSize, 'and something was weighed')
    }
  }
)
