/** `concurrency: 'auto'` against a service whose capacity is 4, 32 and 8 requests at the same time, 10 s each. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import * as E from 'fp-ts/lib/Either.js'
import type { CapacityStep } from '../../lib/emulator/index.js'
import { exampleCredentials } from '../../lib/emulator/index.js'
import { copyPrefix, createClient, formatError, withSignal, type Client } from '../../lib/index.js'
import type { ServedRequest } from '../support/busy-cos.js'
import { spread, range, type Table } from '../support/measure.js'
import { isShort, scale } from '../support/settings.js'

const capacities = [4, 32, 8]
const stepTime = scale(10_000, 300)
const fixedTime = scale(5000, 300)
const rounds = scale(Number(process.env['ROUNDS'] ?? 3), 1)
const transfers = 5

const connect = (address: string): Client => {
  const client = createClient({
    region: 'ap-guangzhou',
    scheme: 'http',
    address,
    credentials: exampleCredentials,
    retry: { attempts: 10 }
  })
  if (E.isLeft(client)) throw new Error(formatError(client.left))
  return client.right
}

const source = { bucket: 'examplebucket-1250000000', region: 'ap-guangzhou', prefix: 'from/' }

/** Copies until the signal fires. A copy is two requests: HEAD and PUT. */
const copyUntil = async (
  client: Client,
  transfer: number,
  concurrency: number | 'auto',
  signal: AbortSignal
): Promise<void> => {
  const copies = copyPrefix({
    ...{ bucket: source.bucket, prefix: `to-${String(transfer)}/`, copySource: source, concurrency }
  })
  try {
    for await (const _copy of withSignal(signal)(copies)(client));
  } catch (thrown) {
    if (!signal.aborted) throw thrown
  }
}

/** The requests of `count` transfers that run for a time, against a new service. */
const serve = async (
  steps: ReadonlyArray<CapacityStep>,
  count: number,
  concurrency: number | 'auto',
  time: number
): Promise<ReadonlyArray<ServedRequest>> => {
  const child = fork(
    fileURLToPath(new URL('../support/busy-cos.js', import.meta.url)),
    [JSON.stringify(steps)],
    {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc']
    }
  )
  try {
    const [port] = (await once(child, 'message')) as [number]
    const client = connect(`127.0.0.1:${String(port)}`)
    const signal = AbortSignal.timeout(time)
    await Promise.all(
      Array.from({ length: count }, (_, transfer) => copyUntil(client, transfer, concurrency, signal))
    )
    await client.close()
    child.send('report')
    const [served] = (await once(child, 'message')) as [ReadonlyArray<ServedRequest>]
    return served
  } finally {
    child.kill()
  }
}

/** Requests per second that succeeded from one time to another. */
const goodput = (served: ReadonlyArray<ServedRequest>, from: number, to: number): number =>
  (served.filter(({ at, isRefused }) => !isRefused && at >= from && at < to).length * 1000) / (to - from)

/** Jain's index of the transfers' shares: 1 if all are equal. */
const fairness = (served: ReadonlyArray<ServedRequest>): number => {
  const shares = Array.from(
    { length: transfers },
    (_, transfer) => served.filter((each) => each.transfer === transfer && !each.isRefused).length
  )
  const sum = shares.reduce((a, b) => a + b, 0)
  return sum === 0 ? 0 : sum ** 2 / (transfers * shares.reduce((a, b) => a + b * b, 0))
}

interface Round {
  readonly best: ReadonlyArray<number>
  readonly steps: ReadonlyArray<number>
  readonly settled: ReadonlyArray<number>
  readonly refused: number
  readonly fairness: number
}

const measure = async (): Promise<Round> => {
  const best: Array<number> = []
  for (const capacity of capacities) {
    const served = await serve([{ limit: capacity }], 1, capacity, fixedTime)
    best.push(goodput(served, fixedTime * 0.2, fixedTime))
  }
  const steps = capacities.map((limit) => ({ limit, duration: stepTime }))
  const served = await serve(steps, transfers, 'auto', stepTime * capacities.length)
  const share = (from: number, to: number) => (_: number, index: number) =>
    goodput(served, stepTime * (index + from), stepTime * (index + to)) / (best[index] ?? 1)
  return {
    best,
    steps: capacities.map(share(0, 1)),
    settled: capacities.map(share(0.5, 1)),
    refused: served.filter(({ isRefused }) => isRefused).length / served.length,
    fairness: fairness(served)
  }
}

export const adaptive = async (): Promise<Table> => {
  const all: Array<Round> = []
  for (let round = 0; round < rounds; round += 1) all.push(await measure())
  const cell = (valueOf: (round: Round) => number, digits: number): string =>
    range(spread(all.map(valueOf)), digits)
  const rows = capacities.map((capacity, index) => [
    String(capacity),
    cell(({ best }) => best[index] ?? 0, 1),
    cell(({ steps }) => steps[index] ?? 0, 2),
    cell(({ settled }) => settled[index] ?? 0, 2)
  ])
  const refused = cell(({ refused }) => refused * 100, 2)
  const fair = cell(({ fairness }) => fairness, 3)
  return {
    title: `concurrency: 'auto', five transfers, ${isShort ? 'short' : '10 s for each capacity'}: ${refused} % of requests refused, fairness ${fair}`,
    columns: [
      'requests at the same time',
      'the best fixed number, requests/s',
      "'auto' / best, whole step",
      "'auto' / best, last half"
    ],
    rows
  }
}
