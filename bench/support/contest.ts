/** The same work for each client, each in a separate process, so that no heap holds the modules of another client. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { clientNames } from '../clients/index.js'
import { inMiB, measure, range, startServer, spread, type Cost, type Table } from './measure.js'
import type { Peer } from './peer.js'
import { isShort, rounds } from './settings.js'

/** One round of a client, in its process. `R` is sent to the parent as JSON. */
export type Round<R> = () => Promise<R>

/**
 * Prepares the rounds of a client; `undefined` if it has no such call.
 *
 * @param directory an empty directory for this client
 */
export type PrepareRounds<R> = (
  peer: Peer,
  directory: string
) => Round<R> | undefined | Promise<Round<R> | undefined>

/** What a process of `contender.ts` reports first. `undefined`: the client is not installed, or has no such call. */
export type Introduction = Pick<Peer, 'name' | 'integrity'>

export interface Results<R> extends Introduction {
  readonly rounds: ReadonlyArray<R>
}

interface Contender<R> {
  readonly introduction: Introduction | null
  readonly run: Round<R>
  readonly stop: () => Promise<unknown>
}

const start = async <R>(name: string, client: string, origin: string): Promise<Contender<R>> => {
  const child = fork(
    fileURLToPath(new URL('../contender.js', import.meta.url)),
    [name, client, origin, ...(isShort ? ['--short'] : [])],
    { execArgv: ['--expose-gc'] }
  )
  const exit = once(child, 'exit')
  const nextMessage = async <M>(): Promise<M> => {
    const failed = async (): Promise<never> => {
      await exit
      throw new Error(`the process of ${client} has ended`)
    }
    const [message] = (await Promise.race([once(child, 'message'), failed()])) as [M]
    return message
  }
  return {
    introduction: await nextMessage<Introduction | null>(),
    run: () => {
      child.send('run')
      return nextMessage<R>()
    },
    stop: () => {
      if (child.connected) child.disconnect()
      return exit
    }
  }
}

/**
 * Runs the contenders in turn, round by round, so that other load of the machine affects all of them; a contender is idle
 * when it is not its turn. The server has another process, the same for all.
 *
 * @param name the case, by which the processes find its `PrepareRounds`
 */
export const runRounds = async <R>(name: string, count: number): Promise<ReadonlyArray<Results<R>>> => {
  const server = await startServer('null-cos')
  const origin = `http://${server.address}`
  const contenders = await Promise.all(clientNames.map((client) => start<R>(name, client, origin)))
  try {
    const results = contenders.flatMap(({ introduction, run }) =>
      introduction === null ? [] : [{ ...introduction, run, rounds: [] as Array<R> }]
    )
    for (let round = 0; round < count; round += 1)
      for (const { run, rounds } of results) rounds.push(await run())
    return results
  } finally {
    for (const { stop } of contenders) await stop()
    server.stop()
  }
}

/** The work of each round: a number of units. */
export interface Amount {
  readonly count: number
  readonly unit: 'MiB' | 'object' | 'key'
}

export interface Work {
  readonly run: () => Promise<unknown>
  /** Runs after each round, and is not measured. */
  readonly after?: () => Promise<void>
}

/** A comparison of time, CPU time and memory. */
export interface Comparison {
  readonly title: string
  readonly amount: Amount
  readonly prepare: PrepareRounds<Cost>
}

/** `workOf` returns the work of a client, or `undefined` if it has no such call. */
export const comparison = (
  title: string,
  amount: Amount,
  workOf: (peer: Peer, directory: string) => Work | undefined | Promise<Work | undefined>
): Comparison => ({
  title,
  amount,
  prepare: async (peer, directory) => {
    const work = await workOf(peer, directory)
    return (
      work &&
      (async () => {
        const cost = await measure(work.run)
        await work.after?.()
        return cost
      })
    )
  }
})

/**
 * The first contender is the baseline; the others are reported as ratios of its time and of its CPU time in the same round.
 * The first round is a warm-up and is not counted.
 */
export const compare = async (name: string, { title, amount }: Comparison): Promise<Table> => {
  const { count, unit } = amount
  const results = await runRounds<Cost>(name, rounds + 1)
  const costs = results.map((result) => ({ ...result, rounds: result.rounds.slice(1) }))
  const baseline = costs[0]?.rounds ?? []
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
    rows: costs.map(({ name, integrity, rounds: mine }) => [
      name,
      integrity,
      range(spread(mine.map(({ seconds }) => count / seconds))),
      range(spread(mine.map(({ seconds }, at) => (baseline[at]?.seconds ?? seconds) / seconds)), 2),
      range(spread(mine.map(({ cpu }) => (cpu * 1e6) / count))),
      range(spread(mine.map(({ cpu }, at) => cpu / (baseline[at]?.cpu ?? cpu))), 2),
      inMiB(Math.max(...mine.map((cost) => cost.arrayBuffers))),
      inMiB(Math.max(...mine.map((cost) => cost.rss)))
    ])
  }
}
