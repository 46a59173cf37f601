/** `concurrency: 'auto'`, over the emulator. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import t from 'tap'
import { capacity } from '../../../lib/emulator/index.js'
import * as Cos from '../../../lib/index.js'
import { createRequestPool } from '../../../lib/client/request-pool.js'
import { mostInMemory } from '../../../lib/transfers/shared/concurrency.js'
import { bytesOf } from '../../support/bytes.js'
import { bucket, startCos } from '../../support/cos.js'
import { toArray } from '../../support/iterables.js'
import { left, right } from '../../support/server.js'
import { waitFor } from '../../support/wait-for.js'

const MiB = 1024 * 1024
const retry = { base: 1, random: () => 1, attempts: 10 }

const small = Array.from({ length: 12 }, (_, n) => ({ bucket, key: `from/${String(n)}`, size: 1 }))

/** An emulator that serves `limit` requests at the same time, each in some 10 ms. */
const startBusy = async (t: Parameters<typeof startCos>[0], limit: number) => {
  const refuse = capacity([{ limit }])
  const cos = await startCos(t, {
    seed: [{ bucket, key: 'source', size: 5 * MiB }, ...small],
    fault: (request) => refuse(request) ?? { delay: 10 }
  })
  const countRefusals = () => cos.emulator.requests().filter(({ status }) => status === 503).length
  return { cos, refused: countRefusals }
}

const copyAll = async (client: Cos.Client, prefix: string): Promise<number> => {
  const copySource = { bucket, region: 'ap-guangzhou', prefix: 'from/' }
  const copies = Cos.copyPrefix({ bucket, prefix, copySource, concurrency: 'auto' })(client)
  return (await toArray(copies)).filter(({ _tag }) => _tag === 'Copied').length
}
const copySource = { bucket, region: 'ap-guangzhou', key: 'source' }
const copyTo = (key: string) =>
  Cos.copy({ bucket, key, copySource, threshold: 0, partSize: MiB, concurrency: 'auto' })

t.test('a refusal lowers the limit of the client, and the refused requests are sent again', async (t) => {
  const { cos, refused } = await startBusy(t, 2)
  const client = cos.client({ retry })
  t.equal(await copyAll(client, 'a/'), 12)
  t.ok(refused() > 0)
  t.ok(client.pool.limit() < 12, `a limit of ${String(client.pool.limit())}`)
})

t.test('parallel transfers of each kind share a capacity of 3', async (t) => {
  const { cos } = await startBusy(t, 3)
  const client = cos.client({ retry })
  const directory = t.testdir({ in: { a: 'A', b: 'B', c: 'C' }, out: {} })
  const bytes = bytesOf(2 * MiB, 1)
  writeFileSync(join(directory, 'file'), bytes)
  const auto = { bucket, partSize: MiB, concurrency: 'auto' } as const
  await Promise.all([
    Cos.uploadStream({ ...auto, key: 'stream' })(Readable.from([bytes]))(client)().then(right),
    Cos.uploadFile({ ...auto, key: 'file', file: join(directory, 'file'), threshold: 0 })(client)().then(
      right
    ),
    toArray(Cos.uploadDirectory({ ...auto, prefix: 'up/', directory: join(directory, 'in') })(client)),
    copyTo('copy')(client)().then(right)
  ])
  const { body } = right(await Cos.downloadStream({ ...auto, key: 'stream' })(client)())
  t.ok((await buffer(body)).equals(bytes))
  const file = join(directory, 'down')
  right(await Cos.downloadFile({ ...auto, key: 'file', file, threshold: 0 })(client)())
  t.ok(readFileSync(file).equals(bytes))
  mkdirSync(join(directory, 'tree'))
  const down = { bucket, prefix: 'up/', directory: join(directory, 'tree'), concurrency: 'auto' } as const
  t.equal((await toArray(Cos.downloadDirectory(down)(client))).length, 3)
  t.equal(readFileSync(join(directory, 'tree', 'b'), 'utf8'), 'B')
})

t.test('a download that feeds an upload ends, with one request at a time', async (t) => {
  const { cos } = await startBusy(t, 100)
  const made = cos.client({ retry, memoryLimit: 4 * MiB })
  const client = { ...made, pool: createRequestPool(made.runtime, 1) }
  const auto = { bucket, partSize: MiB, concurrency: 'auto' } as const
  // Its ranges do not fit into the memory, so its connection waits for the upload.
  const { body } = right(await Cos.downloadStream({ ...auto, key: 'source', partSize: 8 * MiB })(client)())
  t.equal(right(await Cos.uploadStream({ ...auto, key: 'again' })(body)(client)()).size, 5 * MiB)
})

t.test('an abort ends transfers whose requests wait for their turn', async (t) => {
  const { cos } = await startBusy(t, 1)
  const client = cos.client({ retry })
  const controller = new AbortController()
  const running = [1, 2, 3].map((n) => Cos.withSignal(controller.signal)(copyTo(String(n)))(client)())
  await waitFor(() => cos.count('UploadPartCopy') > 2)
  controller.abort()
  for (const result of await Promise.all(running)) t.match(left(result), { _tag: 'Aborted' })
  t.match(right(await copyTo('after')(client)()), { parts: 5 }, 'and the pool serves others')
})

t.test("a transfer refuses a concurrency that is neither a number from 1 to 1,000 nor 'auto'", async (t) => {
  const client = (await startBusy(t, 1)).cos.client()
  for (const concurrency of [0, 1001, 1.5, 'Auto'])
    t.match(
      left(
        // @ts-expect-error -- neither a number nor 'auto'
        await Cos.copy({ bucket, key: 'k', copySource, concurrency })(client)()
      ),
      { _tag: 'InvalidInput', field: 'concurrency', message: /an integer from 1 to 1,000, or 'auto'/ }
    )
})

t.test(
  "with 'auto', parts in memory are at most 256 MiB, and at least one besides the one being filled",
  (t) => {
    t.equal(mostInMemory('auto', 8 * MiB, 1), 31)
    t.equal(mostInMemory('auto', 8 * MiB, 0), 32)
    t.equal(mostInMemory('auto', MiB, 0), 64)
    t.equal(mostInMemory('auto', 1024 * MiB, 1), 1)
    t.equal(mostInMemory(7, 1024 * MiB, 1), 7)
    t.end()
  }
)
