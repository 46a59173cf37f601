/**
 * Mixed transfers under random faults. Between rounds, when nothing runs, the heap, the handles and the open files of the
 * process are counted: all stay flat. `node --expose-gc soak.js SECONDS`
 */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { setTimeout } from 'node:timers/promises'
import * as E from 'fp-ts/lib/Either.js'
import { startEmulator, type Fault } from '../../lib/emulator/index.js'
import {
  createClient,
  unlimitedRetries,
  withSignal,
  type Client,
  type ClientConfig
} from '../../lib/index.js'
import { seededRandom } from '../../lib/testing/index.js'
import { isExact, prepare, ways } from '../faults/transfers.js'

const seconds = Number(process.argv[2] ?? 1800)
const rounds = 10
const workers = 3
const random = seededRandom(Number(process.argv[3] ?? 1))
const MiB = 1024 * 1024

const right = <A>(either: E.Either<unknown, A>): A => {
  if (E.isLeft(either)) throw new Error('a Left', { cause: either.left })
  return either.right
}

const drawFault = (): Fault | undefined => {
  const kind = Math.floor(random() * 20)
  const reset = random() < 0.5
  if (kind === 0) return { cut: { at: 'request', after: Math.floor(random() * MiB) }, reset }
  if (kind === 1) return { cut: { at: 'head', after: Math.floor(random() * 100) }, reset }
  if (kind === 2) return { cut: { at: 'body', after: Math.floor(random() * MiB) }, reset }
  if (kind === 3) return { response: { status: 503, code: 'SlowDown' } }
  if (kind === 4) return { response: { status: 403, code: 'AccessDenied', when: 'early' } }
  return kind === 5 ? { stall: { after: 10, pause: 300 } } : undefined
}

interface Sample {
  /** In MiB, after a garbage collection. */
  readonly heap: number
  readonly handles: number
  readonly descriptors: number
}

const countDescriptors = (): number => {
  try {
    return readdirSync('/proc/self/fd').length
  } catch {
    return 0
  }
}

let isFaulty = false
const emulator = right(
  await startEmulator({ keepRequests: 10, fault: () => (isFaulty ? drawFault() : undefined) })()
)
const makeClient = (config: Partial<ClientConfig>): Client =>
  right(
    createClient({
      region: 'ap-guangzhou',
      scheme: 'http',
      address: emulator.address,
      credentials: emulator.credentials,
      ...config
    })
  )
const clean = makeClient({})
const root = mkdtempSync(join(tmpdir(), 'cospipe-soak-'))
const outcomes = new Map<string, number>()
const problems: Array<string> = []

const transfer = async (client: Client, worker: number): Promise<void> => {
  const index = Math.floor(random() * ways.length)
  const way = ways[index]!
  const cell = {
    key: `${String(worker)}-${String(index)}`,
    directory: join(root, `${String(worker)}-${String(index)}`)
  }
  const controller = new AbortController()
  const timer = random() < 0.1 ? setTimeout(random() * 50).then(() => controller.abort()) : undefined
  const result = await way.run(withSignal(controller.signal)((each) => each)(client), cell)
  await timer
  const outcome = E.isRight(result) ? 'exact' : result.left._tag
  outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1)
  if (E.isRight(result) && way.direction === 'down' && !(await isExact(clean, way, cell, result.right)))
    problems.push(`${way.name}: other bytes, and no error`)
}

const runRound = async (until: number): Promise<void> => {
  const client = makeClient({
    timeouts: { headers: 200, idle: 200 },
    retry: { base: 1, budget: unlimitedRetries },
    memoryLimit: 16 * MiB
  })
  isFaulty = true
  await Promise.all(
    Array.from({ length: workers }, async (_, worker) => {
      while (performance.now() < until) await transfer(client, worker)
    })
  )
  isFaulty = false
  await client.close()
}

const takeSample = async (): Promise<Sample> => {
  for (let turn = 0; turn < 3; turn += 1) {
    await setTimeout(150)
    globalThis.gc?.()
  }
  return {
    heap: process.memoryUsage().heapUsed / MiB,
    handles: process.getActiveResourcesInfo().length,
    descriptors: countDescriptors()
  }
}

for (let worker = 0; worker < workers; worker += 1)
  for (const [index, way] of ways.entries()) {
    const name = `${String(worker)}-${String(index)}`
    await prepare(clean, way, { key: name, directory: join(root, name) })
  }
const samples: Array<Sample> = []
const start = performance.now()
for (let round = 1; round <= rounds; round += 1) {
  await runRound(start + (seconds * 1000 * round) / rounds)
  const sample = await takeSample()
  samples.push(sample)
  const { heap, handles, descriptors } = sample
  console.log(
    `${((performance.now() - start) / 1000).toFixed(0)} s: heap ${heap.toFixed(1)} MiB, ${String(handles)} handles, ${String(descriptors)} descriptors`
  )
}

/** The smallest count of the last four rounds, less the largest of rounds 2 to 4: code is compiled in the first. */
const growth = (of: (sample: Sample) => number): number =>
  Math.min(...samples.slice(-4).map(of)) - Math.max(...samples.slice(1, 4).map(of))
if (growth(({ heap }) => heap) > 2) problems.push('the heap grows')
if (growth(({ handles }) => handles) > 0) problems.push('handles are left')
if (growth(({ descriptors }) => descriptors) > 0) problems.push('descriptors are left')
console.log([...outcomes].map(([name, count]) => `${String(count)} ${name}`).join(', '))
for (const problem of problems) console.log(`problem: ${problem}`)
await clean.close()
await emulator.close()
rmSync(root, { recursive: true, force: true })
process.exitCode = problems.length === 0 ? 0 : 1
