/** Measures a run: time, CPU time and peak memory. */
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

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
export const measure = async (work: () => Promise<unknown>, ceiling = Infinity): Promise<Cost> => {
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
export const startServer = async (name: 'null-cos'): Promise<Running> => {
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

export const inMiB = (bytes: number): string => (bytes / MiB).toFixed(1)
export const range = ({ min, median, max }: Spread, digits = 0): string =>
  `${median.toFixed(digits)} (${min.toFixed(digits)}-${max.toFixed(digits)})`
