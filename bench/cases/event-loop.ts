/** The delay of the event loop of a client's process. */
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { pipeline } from 'node:stream/promises'
import { runRounds, type PrepareRounds } from '../support/contest.js'
import { MiB, type Table } from '../support/measure.js'
import { scale } from '../support/settings.js'
import { chunks, discard } from './throughput.js'

const total = scale(1024, 48) * MiB

interface Delays {
  readonly direction: 'up' | 'down'
  /** In milliseconds: p50, p99 and the longest. */
  readonly delays: ReadonlyArray<number>
}

const delaysOf = async (run: () => Promise<unknown>): Promise<ReadonlyArray<number>> => {
  const histogram = monitorEventLoopDelay({ resolution: 1 })
  histogram.enable()
  await run()
  histogram.disable()
  return [50, 99, 100].map((percentile) => histogram.percentile(percentile) / 1e6)
}

export const measureDelays: PrepareRounds<ReadonlyArray<Delays>> =
  ({ upload, download }) =>
  async () => {
    const measured: Array<Delays> = []
    if (upload !== undefined) {
      // Warm: the first run compiles.
      await upload('k', () => chunks(48 * MiB))
      measured.push({ direction: 'up', delays: await delaysOf(() => upload('k', () => chunks(total))) })
    }
    if (download !== undefined) {
      const run = async (): Promise<void> => pipeline(await download(`zeros-${String(total)}`), discard())
      measured.push({ direction: 'down', delays: await delaysOf(run) })
    }
    return measured
  }

export const eventLoop = async (): Promise<Table> => {
  const results = await runRounds<ReadonlyArray<Delays>>('event-loop', 1)
  return {
    title: `Delay of the event loop during ${String(total / MiB)} MiB up or down, milliseconds`,
    columns: ['', 'p50', 'p99', 'longest'],
    rows: results.flatMap(({ name, rounds }) =>
      rounds
        .flat()
        .map(({ direction, delays }) => [`${name}: ${direction}`, ...delays.map((delay) => delay.toFixed(1))])
    )
  }
}
