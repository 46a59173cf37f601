/** Downloads that are killed at random moments, and the runs that resume them. */
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import t, { type Test } from 'tap'
import type { Client } from '../../../lib/client/client.js'
import * as In from '../../../lib/core/input.js'
import { aesKey } from '../../../lib/encryption/aes-key.js'
import { readRecords } from '../../../lib/files/journal-records.js'
import { send } from '../../../lib/client/send.js'
import { putObject } from '../../../lib/operations/put-object.js'
import type { DownloadFileInput } from '../../../lib/transfers/download/download-file.js'
import { encrypted } from '../../../lib/transfers/encrypted/encrypted.js'
import { bytesOf } from '../../support/bytes.js'
import { startChild, type Child } from '../../support/child-processes.js'
import { waitFor } from '../../support/wait-for.js'
import { bucket, startCos, type Cos } from '../../support/cos.js'
import { right } from '../../support/server.js'

// 3 in `npm test`; 100 in `npm run test:crash`.
const deaths = Number(process.env['CRASH_RUNS'] ?? 1)
const seed = Number(process.env['SEED'] ?? 20240501)
/** Numbers from 0 to 1 that depend only on the seed. */
const random = bytesOf(deaths * 48, seed)
let taken = 0
const chance = (): number => random.readUInt16LE((taken += 2)) / 65_536

const partSize = 128 * 1024
const concurrency = 4
const at = { bucket, key: 'down/killed.bin' }
const bytes = bytesOf(4 * 1024 * 1024 + 13)

// -- the objects --
/** An object as it is stored. */
interface StoredObject {
  readonly name: string
  readonly put: (client: Client) => Promise<unknown>
  /** For the functions of `encrypted`. */
  readonly encrypted?: { readonly secret: string }
  /** Bytes of a range that COS stores. */
  readonly sizeOf: (number: number) => number
}

const ranges = Math.ceil(bytes.length / partSize)
const plainSizeOf = (number: number): number => Math.min(partSize, bytes.length - (number - 1) * partSize)

const unencrypted: StoredObject = {
  name: 'downloads',
  put: (client) => send(putObject({ ...at, body: bytes }))(client)(),
  sizeOf: plainSizeOf
}

const secret = Buffer.alloc(32, 7).toString('base64')

/** Two segments a range; the first range has the header too. */
const sealed: StoredObject = {
  name: 'downloads of a sealed object',
  put: (client) => encrypted(right(aesKey(secret))).putObject({ ...at, body: bytes })(client)(),
  encrypted: { secret },
  sizeOf: (number) =>
    plainSizeOf(number) + 16 * Math.ceil(plainSizeOf(number) / 65_536) + (number === 1 ? 1024 : 0)
}

interface Scene extends Cos {
  readonly stored: StoredObject
  /** Resolves after this many more ranges have been requested. */
  readonly requested: (ranges: number) => Promise<void>
  /** A new folder with an old file in it. */
  readonly folder: (name: string) => Promise<Target>
}

interface Target {
  readonly dir: string
  readonly input: DownloadFileInput
}

const createScene = async (t: Test, stored: StoredObject): Promise<Scene> => {
  let count = 0
  let waiting: ReadonlyArray<{ readonly until: number; readonly go: () => void }> = []
  const cos = await startCos(t, {
    // Slow enough to be killed during the download.
    fault: ({ operation }) => {
      if (operation !== 'GetObject') return undefined
      count += 1
      for (const { until, go } of waiting) if (count >= until) go()
      return { dribble: { size: 32 * 1024, pause: 4 } }
    }
  })
  const client = cos.client()
  await stored.put(client)
  await client.close()
  const top = t.testdir({ files: {} })
  return {
    ...cos,
    stored,
    requested: (ranges) =>
      ranges === 0
        ? Promise.resolve()
        : new Promise((go) => {
            waiting = [{ until: count + ranges, go }]
          }),
    folder: async (name) => {
      const dir = join(top, 'files', name)
      await mkdir(dir)
      await writeFile(join(dir, 'a.bin'), 'old')
      return { dir, input: { ...at, file: join(dir, 'a.bin'), threshold: 0, partSize, concurrency } }
    }
  }
}

const child = (scene: Scene, { input }: Target): Promise<Child> =>
  startChild(scene.emulator, [{ call: 'downloadFile', input, ...In.pick('encrypted')(scene.stored) }])

/** Bytes that the journal records. */
const countRecorded = async ({ stored }: Scene, { dir }: Target): Promise<number> => {
  const journal = join(dir, 'a.bin.cospipe-download', 'journal')
  const [, ...records] = readRecords(await readFile(journal).catch(() => Buffer.alloc(0))).records
  const numbers = new Set(records.map((record) => Number((record as ReadonlyArray<unknown>)[0])))
  return [...numbers].reduce((sum, number) => sum + stored.sizeOf(number), 0)
}

/** Bytes fetched since the last call. Waits until the requests of a killed process have ended. */
const countFetches = (scene: Scene): (() => Promise<number>) => {
  let seen = 0
  return async () => {
    await waitFor(() => scene.emulator.openConnections() === 0)
    const requests = scene.emulator.requests().slice(seen)
    seen += requests.length
    return requests.reduce((sum, one) => sum + (one.operation === 'GetObject' ? one.bytesOut : 0), 0)
  }
}

const isWhole = async ({ dir }: Target): Promise<boolean> => bytes.equals(await readFile(join(dir, 'a.bin')))

const killAndResume = async (t: Test, stored: StoredObject): Promise<void> => {
  t.setTimeout(60_000 + deaths * 10_000)
  const scene = await createScene(t, stored)
  const all = Array.from({ length: ranges }, (_, n) => stored.sizeOf(n + 1))
  const total = all.reduce((sum, size) => sum + size, 0)
  const largest = Math.max(...all)
  const fetched = countFetches(scene)
  const verified = { integrity: { _tag: 'Verified' } }

  let died = 0
  const kill = async (target: Target, there: number): Promise<number> => {
    const victim = await child(scene, target)
    // Counted in requests: with a clock, the load of the machine would choose the moment.
    const last = ranges - Math.floor(there / partSize)
    // Every fourth time near the end, while it verifies, replaces and cleans up.
    const after = chance() < 0.25 ? last : Math.floor(chance() * last)
    const pause = chance() * 50
    const reached = scene.requested(after)
    victim.start()
    await Promise.race([reached, victim.results])
    await setTimeout(pause)
    await victim.kill()
    died += 1
    const [cost, now] = [await fetched(), await countRecorded(scene, target)]
    const words = `kill ${String(died)}, ${pause.toFixed(1)} ms after request ${String(after)}: `
    if (await isWhole(target)) {
      t.pass(`${words}it had just finished`)
      return 0
    }
    t.equal(
      await readFile(join(target.dir, 'a.bin'), 'utf8'),
      'old',
      `${words}${String(now)} bytes are recorded`
    )
    t.ok(now >= there, 'no recorded range is lost')
    t.ok(cost <= now - there + concurrency * largest, `${String(cost)} bytes were fetched`)
    return now
  }
  const finish = async (target: Target, there: number): Promise<void> => {
    const next = await child(scene, target)
    next.start()
    t.match(await next.results, [{ _tag: 'Right', right: { ...verified, resumed: there } }])
    t.ok(await isWhole(target), 'the file is complete')
    t.same(await readdir(target.dir), ['a.bin'], 'there are no other files')
    t.equal(await fetched(), total - there, 'only missing bytes were fetched')
  }
  for (let round = 1; died < deaths; round += 1) {
    const target = await scene.folder(String(round))
    let there = 0
    // Up to three times in a row, unless it finishes before.
    for (let times = Math.ceil(chance() * 3); times > 0 && died < deaths; times -= 1) {
      there = await kill(target, there)
      if (await isWhole(target)) break
    }
    await finish(target, there)
  }
}

for (const stored of [unencrypted, sealed])
  t.test(`${stored.name} are killed ${String(deaths)} times and resumed (seed ${String(seed)})`, (t) =>
    killAndResume(t, stored)
  )
