/** The memory of encrypted transfers, measured over real sockets: that of the plain ones and a few segments. */
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { Worker } from 'node:worker_threads'
import t, { type Test } from 'tap'
import { exampleCredentials } from '../../../lib/emulator/index.js'
import { encrypted } from '../../../lib/transfers/encrypted/encrypted.js'
import { compiledLibrary } from '../../support/child-processes.js'
import { aes, at } from '../../support/encryption.js'
import { createScale } from '../../support/gc.js'
import { isLongForm } from '../../support/long-form.js'
import { clientOf, right } from '../../support/server.js'

const KiB = 1024
const MiB = 1024 * KiB
// Each ceiling is below the size: a transfer that holds the whole object is found in the short form too.
const size = (isLongForm ? 64 : 16) * MiB
const partSize = (isLongForm ? 2 : 1) * MiB
const concurrency = isLongForm ? 4 : 2
/** In flight for a file. */
const ranges = isLongForm ? 8 : 3

// In a separate thread, whose buffers are not counted with ours.
const emulator = (lib: string, dir: string): string => `
  const { parentPort } = require('node:worker_threads')
  import(${JSON.stringify(pathToFileURL(join(lib, 'emulator/index.js')).href)})
    .then(({ startEmulator }) => startEmulator(${JSON.stringify({ dir })})())
    .then((started) => parentPort.postMessage(started.right.address))
`

const slab = Buffer.alloc(64 * KiB, 'cospipe')

async function* chunks(): AsyncGenerator<Uint8Array, void, undefined> {
  for (let sent = 0; sent < size; sent += slab.length) yield slab
}

/** Compares the most bytes of buffers during a run with a ceiling, in MiB. */
const isBelow = async (
  t: Test,
  name: string,
  ceiling: number,
  run: (weigh: () => Promise<void>) => Promise<void>
): Promise<void> => {
  const { weigh, most } = await createScale(ceiling * MiB)
  await run(weigh)
  t.ok(most() < ceiling * MiB, `${name}: ${(most() / MiB).toFixed(1)} of ${String(ceiling)} MiB`)
}

t.test('encrypted transfers stay below the ceiling of the plain ones, for a slow reader too', async (t) => {
  const dir = t.testdir({})
  const worker = new Worker(emulator(compiledLibrary, join(dir, 'cos')), { eval: true, execArgv: [] })
  t.teardown(() => worker.terminate())
  const [address] = (await once(worker, 'message')) as [string]
  const { secretId, secretKey } = exampleCredentials
  const client = clientOf(t, address)({ credentials: { secretId, secretKey } })
  const createLimited = (memoryLimit: number) =>
    clientOf(t, address)({ credentials: { secretId, secretKey }, memoryLimit })
  for (const format of isLongForm ? (['sealed', 'python'] as const) : (['sealed'] as const)) {
    const vault = encrypted(aes, { format })
    const upload = ((concurrency + 1) * partSize) / MiB + 8
    await isBelow(t, `${format}, upload`, upload, async (weigh) => {
      async function* source(): AsyncGenerator<Uint8Array, void, undefined> {
        let read = 0
        for await (const chunk of chunks()) {
          yield chunk
          read += chunk.length
          if (read % (8 * MiB) === 0) await weigh()
        }
      }
      right(await vault.uploadStream({ ...at, partSize, concurrency })(source())(client)())
    })

    const ceiling = (concurrency * partSize) / MiB + 8
    await isBelow(t, `${format}, stream`, ceiling, async (weigh) => {
      const { body } = right(await vault.downloadStream({ ...at, partSize, concurrency })(client)())
      let seen = 0
      for await (const chunk of body as AsyncIterable<Uint8Array>) {
        const isNewPart = Math.floor(seen / (8 * MiB)) < Math.floor((seen + chunk.length) / (8 * MiB))
        seen += chunk.length
        if (!isNewPart) continue
        // The ranges ahead are full then.
        await setTimeout(50)
        await weigh()
      }
      t.equal(seen, size)
    })

    const file = join(dir, `${format}.bin`)
    // Below 1 MiB a range, and as much for the socket.
    await isBelow(t, `${format}, file of ${String(ranges)} ranges`, 2 * ranges + 8, async (weigh) => {
      const input = { ...at, file, threshold: 0, partSize: 3 * MiB, concurrency: ranges }
      const running = vault.downloadFile(input)(client)()
      for (let result; result === undefined;) {
        result = await Promise.race([running, setTimeout(50, undefined)])
        await weigh()
      }
      right(await running)
    })

    // In parts that fit into the memory for them, and in parts that do not.
    for (const limit of isLongForm ? [undefined, 2 * MiB] : [undefined]) {
      const uploading = limit === undefined ? client : createLimited(limit)
      const most = limit === undefined ? ((ranges + 1) * partSize) / MiB + 8 : ranges + 8
      await isBelow(t, `${format}, upload of a file`, most, async (weigh) => {
        const input = { ...at, file, threshold: 0, partSize, concurrency: ranges, checkpoint: dir }
        const running = vault.uploadFile(input)(uploading)()
        for (let result; result === undefined;) {
          result = await Promise.race([running, setTimeout(50, undefined)])
          await weigh()
        }
        right(await running)
      })
    }
  }
})
