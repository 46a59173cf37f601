/** One budget for all that a client moves: `memoryLimit`, weighed over real sockets. */
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { Worker } from 'node:worker_threads'
import * as O from 'fp-ts/lib/Option.js'
import t from 'tap'
import { exampleCredentials } from '../../lib/emulator/index.js'
import { downloadStream } from '../../lib/transfers/download/download-stream.js'
import { uploadStream } from '../../lib/transfers/upload/upload-stream.js'
import { compiledLibrary } from '../support/child-processes.js'
import { bucket } from '../support/cos.js'
import { collectGarbage } from '../support/gc.js'
import { clientOf, right } from '../support/server.js'

const KiB = 1024
const MiB = 1024 * KiB
const limit = 128 * MiB
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

t.test('200 parallel uploads and downloads together stay below the limit, and all end', async (t) => {
  const worker = new Worker(emulator(compiledLibrary, join(t.testdir({}), 'cos')), {
    eval: true,
    execArgv: []
  })
  t.teardown(() => worker.terminate())
  const [address] = (await once(worker, 'message')) as [string]
  const { secretId, secretKey } = exampleCredentials
  const client = clientOf(t, address)({ credentials: { secretId, secretKey }, memoryLimit: limit })
  const budget = O.toUndefined(client.memory)
  if (budget === undefined) throw new Error('the client has no budget')

  await collectGarbage()
  const before = process.memoryUsage().arrayBuffers
  const most = { granted: 0, buffers: 0 }
  const look = (): void => {
    most.granted = Math.max(most.granted, budget.granted())
    most.buffers = Math.max(most.buffers, process.memoryUsage().arrayBuffers - before)
  }
  const watching = setInterval(look, 2)
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
    // Every other is read only when the uploads have long been waiting for memory, its window ahead among it.
    await setTimeout(at % 2 === 0 ? 0 : 500)
    for await (const _ of body) look()
    return right(await verified())._tag
  }
  const outcomes = await Promise.all([
    ...Array.from({ length: 20 }, (_, at) => down(at)),
    ...Array.from({ length: 200 }, (_, at) => up(at))
  ])
  t.same(new Set(outcomes), new Set(['Verified']))
  t.equal(most.granted, limit, 'all of it was used, and no more')
  t.equal(budget.granted(), 0, 'and given back')
  const beside = (most.buffers - limit) / MiB
  t.comment(`${beside.toFixed(1)} MiB of buffers beside the budget`)
  // What sockets and streams of 220 transfers hold.
  t.ok(beside < 32, `${beside.toFixed(1)} MiB of buffers beside the budget`)
})
