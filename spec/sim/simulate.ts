/** One seed: a transfer in virtual time, its faults, its kills, and what must hold afterwards. */
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as E from 'fp-ts/lib/Either.js'
import { exampleCredentials } from '../../lib/emulator/options.js'
import * as Cos from '../../lib/index.js'
import type { Client, CosError } from '../../lib/index.js'
import { createVirtualTime, seededRandom, type Runtime } from '../../lib/testing/index.js'
import { bytesOf } from '../support/bytes.js'
import { createNetwork } from './network.js'
import { scenarios, type World } from './scenarios.js'

export interface Outcome {
  readonly scenario: string
  readonly problems: ReadonlyArray<string>
  /** In milliseconds. */
  readonly elapsed: number
  readonly requests: number
  readonly log: ReadonlyArray<string>
}

const bucket = 'examplebucket-1250000000'

// Of a process that does not exist: greater than the largest process id of Linux.
const deadProcess = '4999999'

/** The files of a directory as they are at this instant, with locks of a dead process: as after `kill -9`. */
const copyDisk = (from: string, to: string): void => {
  cpSync(from, to, { recursive: true, preserveTimestamps: true })
  const entries = readdirSync(to, { recursive: true, encoding: 'utf8' }).sort((a, b) => b.length - a.length)
  for (const entry of entries) {
    const other = entry.replace(/[^/]*$/, (name) =>
      name.replaceAll(`-${String(process.pid)}-`, `-${deadProcess}-`)
    )
    if (other !== entry) renameSync(join(to, entry), join(to, other))
  }
}

/** Zeroes some bytes of each partial file, as if a power failure had lost a write that was not synced. */
const loseWrites = (directory: string, random: () => number): void => {
  for (const entry of readdirSync(directory, { recursive: true, encoding: 'utf8' })) {
    if (!/(^|[./])part$/.test(entry)) continue
    const path = join(directory, entry)
    const bytes = readFileSync(path)
    const from = Math.floor(random() * bytes.length)
    bytes.subarray(from, from + 50_000).fill(0)
    writeFileSync(path, bytes)
  }
}

/** Counts the timers of a client: none may be left after its calls. */
const countTimers = (runtime: Runtime) => {
  let running = 0
  return {
    running: () => running,
    runtime: {
      ...runtime,
      startTimer: (...[milliseconds, then, options]: Parameters<Runtime['startTimer']>) => {
        if (milliseconds === Number.POSITIVE_INFINITY) return runtime.startTimer(milliseconds, then)
        let isRunning = true
        running += 1
        const finish = (): void => {
          if (isRunning) running -= 1
          isRunning = false
        }
        const stop = runtime.startTimer(
          milliseconds,
          () => {
            finish()
            then()
          },
          options
        )
        return () => {
          finish()
          stop()
        }
      }
    }
  }
}

export const simulate = async (seed: number): Promise<Outcome> => {
  const random = seededRandom(seed * 7919 + 1)
  const time = createVirtualTime({ seed })
  const skew = random() < 0.2 ? 3_600_000 : 0
  const network = await createNetwork(time.runtime, random, skew)
  const root = mkdtempSync(join(tmpdir(), 'cospipe-sim-'))
  const problems: Array<string> = []
  const counted = countTimers(time.runtime)
  const makeClient = (runtime: Runtime, signal?: AbortSignal): Client => {
    const made = Cos.createClient({
      region: 'ap-guangzhou',
      credentials: exampleCredentials,
      runtime,
      dispatcher: network.dispatcher,
      ...(random() < 0.3 ? { memoryLimit: 16 * 1024 * 1024 } : {})
    })
    if (E.isLeft(made)) throw new Error(Cos.formatError(made.left))
    return signal === undefined ? made.right : { ...made.right, signals: [signal] }
  }
  const clean = makeClient(time.runtime)
  const scenario = scenarios[seed % scenarios.length]!
  try {
    const world: World = { bucket, random, directory: join(root, '0'), clean, bytes: bytesOf, time, network }
    mkdirSync(world.directory)
    const prepared = await time.run(() => scenario.prepare(world))
    network.faults = [0, 0.1, 0.3][Math.floor(random() * 3)] ?? 0
    network.flips = random() < 0.3

    // -- kills: the process is frozen, and a copy of its disk is the disk of the next one --
    const kills = scenario.survivesKill === true ? Math.floor(random() * 3) : 0
    let directory = world.directory
    for (let kill = 1; kill <= kills; kill += 1) {
      const other = join(root, String(kill))
      const controller = new AbortController()
      const killed = scenario.run(
        { ...world, directory },
        makeClient(time.runtime, controller.signal),
        prepared
      )
      killed.catch(() => undefined)
      await time.run(async () => {
        await new Promise<void>((resolve) => void time.runtime.startTimer(random() * 700, resolve))
      })
      copyDisk(directory, other)
      if (random() < 0.5) loseWrites(other, random)
      controller.abort()
      await time.run(() => killed)
      network.restart()
      await time.runUntilIdle()
      directory = other
      if (scenario.betweenKills !== undefined) {
        const { faults } = network
        network.faults = 0
        const { betweenKills } = scenario
        await time.run(() => betweenKills({ ...world, directory }, prepared))
        network.faults = faults
      }
    }

    // -- the run --
    const at = { ...world, directory }
    network.mostInFlight()
    const controller = new AbortController()
    const abortAfter = scenario.isAborted === true ? random() * 800 : Number.POSITIVE_INFINITY
    time.runtime.startTimer(abortAfter, () => {
      controller.abort()
    })
    const start = time.elapsed()
    const result = await time.run(() =>
      scenario.run(at, makeClient(counted.runtime, controller.signal), prepared)
    )
    const elapsed = time.elapsed() - start
    if (counted.running() > 0 && E.isRight(result))
      problems.push(`${String(counted.running())} timers are left`)
    const most = network.mostInFlight()
    if (most > scenario.mostInFlight) problems.push(`${String(most)} requests in flight`)
    for (const early of network.impatient) problems.push(`a retry ${String(early)} ms before Retry-After`)
    if (controller.signal.aborted && elapsed - abortAfter > 50)
      problems.push(`settled ${String(elapsed - abortAfter)} ms after the abort`)

    // -- what must hold --
    network.faults = 0
    // The parts of an aborted upload are deleted in the background.
    await time.runUntilIdle()
    if (network.inFlight() > 0) problems.push(`${String(network.inFlight())} requests are left`)
    const isTolerated = (error: CosError): boolean =>
      (error._tag === 'Aborted' && controller.signal.aborted) ||
      (error._tag === 'IntegrityError' && network.flips) ||
      scenario.isExpected?.(error) === true
    if (E.isLeft(result) && !isTolerated(result.left)) {
      const { history, ...context } = result.left.context
      problems.push(`${result.left._tag}: ${Cos.formatError({ ...result.left, context })}`)
    }
    problems.push(...(await time.run(() => scenario.check(at, prepared, result))))
    return { scenario: scenario.name, problems, elapsed, requests: network.log.length, log: network.log }
  } catch (thrown) {
    problems.push(`thrown: ${thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown)}`)
    return { scenario: scenario.name, problems, elapsed: time.elapsed(), requests: 0, log: network.log }
  } finally {
    rmSync(root, { recursive: true, force: true })
  }
}
