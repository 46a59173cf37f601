/** Directory transfers that are killed at random moments, and the runs that resume them. */
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import type * as E from 'fp-ts/lib/Either.js'
import t from 'tap'
import type { CosError } from '../../../lib/core/error.js'
import type { Client } from '../../../lib/client/client.js'
import { send } from '../../../lib/client/send.js'
import type { Fault, FaultInput } from '../../../lib/emulator/index.js'
import { listMultipartUploads } from '../../../lib/operations/list-multipart-uploads.js'
import { putObject } from '../../../lib/operations/put-object.js'
import { downloadDirectory } from '../../../lib/transfers/directory/download-directory.js'
import { collect } from '../../../lib/transfers/shared/effect-stream.js'
import { bytesOf } from '../../support/bytes.js'
import { startChild, type Step } from '../../support/child-processes.js'
import { waitFor } from '../../support/wait-for.js'
import { bucket, startCos } from '../../support/cos.js'
import { right } from '../../support/server.js'

// One in each direction in `npm test`; 100 in `npm run test:crash`.
const deaths = Number(process.env['CRASH_RUNS'] ?? 1)
const seed = Number(process.env['SEED'] ?? 20240501)
/** Numbers from 0 to 1 that depend only on the seed. */
const random = bytesOf(deaths * 16, seed)
let taken = 0
const chance = (): number => random.readUInt16LE((taken += 2)) / 65_536

const concurrency = 4
// Nested folders, an empty file, and one file that is transferred in parts.
const files = new Map(
  Array.from({ length: 60 }, (_, n) => [
    `${['', 'a/', 'b/c/'][n % 3] ?? ''}f${String(n)}`,
    bytesOf(n === 7 ? 1_500_000 : n * 97, n)
  ])
)
const options = { bucket, concurrency, threshold: 1024 * 1024, partSize: 1024 * 1024 }

const grow = async (dir: string): Promise<void> => {
  for (const [path, bytes] of files) {
    await mkdir(dirname(join(dir, path)), { recursive: true })
    await writeFile(join(dir, path), bytes)
  }
}

/** Paths of all files in a directory, and whether each has the expected bytes. */
const compareFiles = async (dir: string): Promise<Readonly<Record<string, boolean>>> => {
  const found = await readdir(dir, { recursive: true, withFileTypes: true })
  const paths = found
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name))
  const compared = paths.map(async (path) => {
    const name = path.slice(dir.length + 1)
    return [name, files.get(name)?.equals(await readFile(path)) ?? false] as const
  })
  return Object.fromEntries(await Promise.all(compared))
}
const whole = Object.fromEntries([...files.keys()].map((path) => [path, true]))

interface Entry {
  readonly _tag: string
}

const ways = [
  { way: 'up', call: 'uploadDirectory', moved: 'Uploaded' },
  { way: 'down', call: 'downloadDirectory', moved: 'Downloaded' }
] as const

for (const { way, call, moved } of ways) {
  t.test(
    `a directory ${way} is killed ${String(deaths)} times and resumed (seed ${String(seed)})`,
    async (t) => {
      t.setTimeout(60_000 + deaths * 10_000)
      let count = 0
      let until = { count: Number.POSITIVE_INFINITY, go: (): void => undefined }
      const fault = ({ operation }: FaultInput): Fault | undefined => {
        if (!/^(?:PutObject|GetObject|UploadPart)$/.test(operation)) return undefined
        count += 1
        if (count >= until.count) until.go()
        // Slow enough to be killed during the transfer.
        return { delay: 5 }
      }
      const cos = await startCos(t, { fault })
      // Closed at once, so that open connections belong to a child process.
      const ask = async <A>(effect: (client: Client) => () => Promise<E.Either<CosError, A>>): Promise<A> => {
        const client = cos.client()
        const done = right(await effect(client)())
        await client.close()
        return done
      }
      const top = t.testdir({ files: {} })
      if (way === 'up') await grow(join(top, 'files'))
      else for (const [key, body] of files) await ask(send(putObject({ bucket, key, body })))

      for (let death = 1; death <= deaths; death += 1) {
        const prefix = way === 'up' ? `${String(death)}/` : ''
        const directory = way === 'up' ? join(top, 'files') : join(top, String(death))
        const steps: ReadonlyArray<Step> = [{ call, input: { ...options, prefix, directory } }]
        const victim = await startChild(cos.emulator, steps)
        // Counted in requests: with a clock, the load of the machine would choose the moment.
        const after = 1 + Math.floor(chance() * files.size)
        const pause = chance() * 20
        const reached = new Promise<void>((go) => {
          until = { count: count + after, go }
        })
        victim.start()
        await Promise.race([reached, victim.results])
        await setTimeout(pause)
        await victim.kill()
        await waitFor(() => cos.emulator.openConnections() === 0)

        const hasParts = cos.emulator
          .requests()
          .some(
            ({ operation, status, key }) =>
              operation === 'UploadPart' && status === 200 && key.startsWith(prefix)
          )
        const words = `kill ${String(death)}, ${pause.toFixed(1)} ms after request ${String(after)}`
        const next = await startChild(cos.emulator, steps)
        next.start()
        const [entries] = (await next.results) as ReadonlyArray<ReadonlyArray<Entry>>
        const tags = (entries ?? []).map(({ _tag }) => _tag)
        t.ok(
          tags.every((tag) => tag === moved || tag === 'Skipped'),
          `${words}: ${[...new Set(tags)].join()}`
        )
        t.equal(tags.length, files.size)
        // Each request before the kill was for one file; files in progress are transferred again.
        const again = tags.filter((tag) => tag === moved).length
        t.ok(
          again <= files.size - after + 2 * concurrency + 2,
          `the next run transferred ${String(again)} files`
        )

        const there = way === 'up' ? join(top, `back-${String(death)}`) : directory
        if (way === 'up') {
          await ask(collect(downloadDirectory({ ...options, prefix, directory: there })))
          const left = await ask(send(listMultipartUploads({ bucket, prefix })))
          // An upload killed before its checkpoint was written has no parts, and its id is not known here.
          t.ok(left.uploads.length <= (hasParts ? 0 : 1), 'no orphan')
        }
        t.same(await compareFiles(there), whole, 'all files are complete, and there are no others')
        await rm(there, { recursive: true })
      }
    }
  )
}
