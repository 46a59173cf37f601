/** Measures a run: time, CPU time and peak memory. */
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { rounds } from './settings.js'

export interface Cost {
  readonly seconds: number
  /** CPU seconds of this process, user and system. */
  readonly cpu: number
  /** Peak `arrayBuffers` above the value before the run, in bytes. */
  readonly arrayBuffers: number
  /** Peak resident memory above the value before the run, in bytes. */
  readonly rss: number
}

const collect = (): void => {
  const { gc } = globalThis as { readonly gc?: () => void }
  // The first collection finds dead buffers, the second waits until they are freed.
  gc?.()
  gc?.()
}

/**
 * Samples every few milliseconds during the run.
 *
 * @param ceiling in bytes: a sample above it is repeated after a collection, because buffers that the source has dropped
 *   count until they are collected
 */
export const measured = async (work: () => Promise<unknown>, ceiling = Infinity): Promise<Cost> => {
  collect()
  const before = process.memoryUsage()
  let arrayBuffers = 0
  let rss = 0
  const sample = (): void => {
    let now = process.memoryUsage()
    if (now.arrayBuffers - before.arrayBuffers > ceiling) {
      collect()
      now = process.memoryUsage()
    }
    arrayBuffers = Math.max(arrayBuffers, now.arrayBuffers - before.arrayBuffers)
    rss = Math.max(rss, now.rss - before.rss)
  }
  const timer = setInterval(sample, 5)
  const cpuBefore = process.cpuUsage()
  const began = performance.now()
  try {
    await work()
  } finally {
    clearInterval(timer)
  }
  const seconds = (performance.now() - began) / 1000
  sample()
  const { user, system } = process.cpuUsage(cpuBefore)
  return { seconds, cpu: (user + system) / 1e6, arrayBuffers, rss }
}

export interface Running {
  /** `127.0.0.1:PORT` */
  readonly address: string
  readonly stop: () => void
}

/** Starts a server of this directory in a separate process. */
export const serverProcess = async (name: 'null-cos'): Promise<Running> => {
  const child: ChildProcess = fork(fileURLToPath(new URL(`./${name}.js`, import.meta.url)), {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc']
  })
  const [port] = (await once(child, 'message')) as [number]
  return { address: `127.0.0.1:${String(port)}`, stop: () => child.kill() }
}

export interface Spread {
  readonly min: number
  readonly median: number
  readonly max: number
}

export const spread = (values: ReadonlyArray<number>): Spread => {
  const sorted = [...values].sort((a, b) => a - b)
  return {
    min: sorted[0] ?? 0,
    median: sorted[Math.floor(sorted.length / 2)] ?? 0,
    max: sorted.at(-1) ?? 0
  }
}

export const MiB = 1024 * 1024

export interface Table {
  readonly title: string
  readonly columns: ReadonlyArray<string>
  readonly rows: ReadonlyArray<ReadonlyArray<string>>
}

const inMiB = (bytes: number): string => (bytes / MiB).toFixed(1)
export const range = ({ min, median, max }: Spread, digits = 0): string =>
  `${median.toFixed(digits)} (${min.toFixed(digits)}-${max.toFixed(digits)})`

export interface Contender {
  readonly name: string
  /** How the bytes are checked. */
  readonly integrity: string
  readonly run: () => Promise<unknown>
  /** Runs after each round, and is not measured. */
  readonly after?: (() => Promise<void>) | undefined
}

/** The work of each run: a number of units. */
export interface Amount {
  readonly count: number
  readonly unit: 'MiB' | 'object' | 'key'
}

/**
 * Runs the contenders in turn, round by round, so that other load of the machine affects all of them. The first is the
 * baseline; the others are reported as ratios of its time and of its CPU time in the same round.
 */
export const compareContenders = async (
  title: string,
  { count, unit }: Amount,
  contenders: ReadonlyArray<Contender>
): Promise<Table> => {
  const costs = new Map<string, Array<Cost>>(contenders.map(({ name }) => [name, []]))
  // The first round is a warm-up and is not counted.
  for (let round = -1; round < rounds; round += 1) {
    for (const { name, run, after } of contenders) {
      const cost = await measured(run)
      await after?.()
      if (round >= 0) costs.get(name)?.push(cost)
    }
  }
  const baseline = costs.get(contenders[0]?.name ?? '') ?? []
  return {
    title,
    columns: [
      '',
      'integrity',
      unit === 'MiB' ? 'MiB/s' : `${unit}s/s`,
      'speed / baseline',
      `CPU µs / ${unit}`,
      'CPU / baseline',
      'peak arrayBuffers, MiB',
      'peak rss, MiB'
    ],
    rows: contenders.map(({ name, integrity }) => {
      const mine = costs.get(name) ?? []
      return [
        name,
        integrity,
        range(spread(mine.map(({ seconds }) => count / seconds))),
        range(spread(mine.map(({ seconds }, at) => (baseline[at]?.seconds ?? seconds) / seconds)), 2),
        range(spread(mine.map(({ cpu }) => (cpu * 1e6) / count))),
        range(spread(mine.map(({ cpu }, at) => cpu / (baseline[at]?.cpu ?? cpu))), 2),
        inMiB(Math.max(...mine.map((cost) => cost.arrayBuffers))),
        inMiB(Math.max(...mine.map((cost) => cost.rss)))
      ]
    })
  }
}
