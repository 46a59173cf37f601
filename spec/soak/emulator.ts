/**
 * The emulator's memory under a mixed load: puts, reads, deletions and listings of 200 keys by 8 workers. The
 * resident memory of its process stays flat. Linux only. `node emulator.js SECONDS SEED`
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import * as E from 'fp-ts/lib/Either.js'
import { exampleBucket, exampleCredentials } from '../../lib/emulator/index.js'
import { createClient, deleteObject, getObject, listObjects, putObject, run, send } from '../../lib/index.js'
import { seededRandom } from '../../lib/testing/index.js'

const seconds = Number(process.argv[2] ?? 600)
const random = seededRandom(Number(process.argv[3] ?? 1))
const rounds = 10
const workers = 8
const keys = 200
const maxBytes = 256 * 1024
const MiB = 1024 * 1024

const right = <A>(either: E.Either<unknown, A>): A => {
  if (E.isLeft(either)) throw new Error('a Left', { cause: either.left })
  return either.right
}

const child = spawn(process.execPath, [join(import.meta.dirname, '../../lib/emulator/cli.js')], {
  stdio: ['ignore', 'pipe', 'inherit']
})
const [line] = (await once(child.stdout, 'data')) as [Buffer]
const client = right(
  createClient({
    region: 'ap-guangzhou',
    scheme: 'http',
    address: /127\.0\.0\.1:\d+/.exec(String(line))?.[0] ?? '',
    credentials: exampleCredentials
  })
)
const residentMemory = (): number =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${String(child.pid)}/status`, 'utf8'))?.[1] ?? NaN) / 1024

const draw = (limit: number): number => Math.floor(random() * limit)
const bytes = Buffer.alloc(maxBytes, 'x')
let requests = 0
let received = 0

const step = async (): Promise<void> => {
  const at = { bucket: exampleBucket, key: `folder/${String(draw(keys))}` }
  const kind = draw(10)
  requests += 1
  if (kind < 4)
    right(await run(client)(send(putObject({ ...at, body: bytes.subarray(0, draw(maxBytes)) })))())
  else if (kind < 6) right(await run(client)(send(deleteObject(at)))())
  else if (kind < 7)
    right(await run(client)(send(listObjects({ bucket: exampleBucket, prefix: 'folder/' })))())
  else {
    const got = await run(client)(send(getObject(at)))()
    // The key may be deleted.
    if (E.isRight(got)) for await (const chunk of got.right.body) received += (chunk as Buffer).length
  }
}

// All keys at once, so that the rounds do not fill the store.
for (let key = 0; key < keys; key += 1) {
  const body = bytes.subarray(0, draw(maxBytes))
  right(await run(client)(send(putObject({ bucket: exampleBucket, key: `folder/${String(key)}`, body })))())
}
const samples: Array<number> = []
const start = performance.now()
for (let round = 1; round <= rounds; round += 1) {
  const until = start + (seconds * 1000 * round) / rounds
  const work = async (): Promise<void> => {
    while (performance.now() < until) await step()
  }
  await Promise.all(Array.from({ length: workers }, work))
  samples.push(residentMemory())
  const elapsed = ((performance.now() - start) / 1000).toFixed(0)
  console.log(
    `${elapsed} s: ${String(requests)} requests, ${(samples.at(-1) ?? NaN).toFixed(0)} MiB resident`
  )
}
console.log(`${(received / MiB).toFixed(0)} MiB were read`)
// As in soak.ts: the smallest of the last four rounds, less the largest of rounds 2 to 4.
const growth = Math.min(...samples.slice(-4)) - Math.max(...samples.slice(1, 4))
console.log(
  `growth: ${growth.toFixed(0)} MiB; the objects have at most ${String((keys * maxBytes) / MiB)} MiB`
)
if (!(growth < 16)) process.exitCode = 1
await client.close()
const closed = once(child, 'close')
child.kill()
await closed
