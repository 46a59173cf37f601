/** Time that passes only when a test lets it: an hour of retries takes the milliseconds that its calls compute. */
import { constVoid } from 'fp-ts/lib/function.js'
import type { Runtime } from '../core/runtime.js'
import { seededRandom } from './seeded-random.js'
import { createTimerQueue, type QueuedTimer } from './timer-queue.js'

export interface VirtualTimeOptions {
  /** The time at the start. Default: 2026-01-01T00:00:00Z. */
  readonly start?: Date
  /** Chooses the random numbers: the same seed, the same run. Default: 1. */
  readonly seed?: number
}

export interface VirtualTime {
  /** For `createClient({ runtime })`. Its random bytes can be guessed: encrypt nothing with them that must stay secret. */
  readonly runtime: Runtime
  /** Milliseconds since the start. */
  readonly elapsed: () => number
  /** Timers that have not fired and were not stopped. */
  readonly pendingTimers: () => number
  /**
   * Runs a task to its end. Whenever all code waits, the next timer fires.
   *
   * Rejects if the task does not end and no timer is left: it waits for something else, such as a socket.
   */
  readonly run: <A>(task: () => Promise<A>) => Promise<A>
  /** Lets so many milliseconds pass: fires their timers in order, each after all code that the one before started. */
  readonly advance: (milliseconds: number) => Promise<void>
  /** Fires timers until none is left, except those that do not keep a process alive. */
  readonly runUntilIdle: () => Promise<void>
}

// `CloseReq` and `FSReqPromise` are calls of node:fs. Sockets are not listed: a test in virtual time has none.
const pendingWork = /^(?:Immediate|FSReq\w+|\w+Req(?:uest)?(?:Wrap)?)$/

/**
 * Calls `then` when no code can continue without a timer: no microtask, no `process.nextTick`, no `setImmediate`, no call of
 * the file system, no look-up of a name. Node lists no others: an open socket, a timer of Node, and what zlib, node:crypto
 * and WebAssembly do in other threads are not waited for. One turn of the event loop is enough if nothing is pending: Node
 * calls all microtasks and ticks before it.
 */
const whenIdle = (then: () => void): void => {
  setImmediate(() => {
    if (process.getActiveResourcesInfo().some((name) => pendingWork.test(name))) whenIdle(then)
    else then()
  })
}

/**
 * Creates a time for the clients that have its `runtime`. Timers of Node are not changed: code that calls
 * `setTimeout` itself waits in real time.
 *
 * @shape  deterministic, if all that the calls wait for are timers of this time and promises
 * @units  milliseconds
 * @example
 * const time = createVirtualTime()
 * const client = createClient({ region, credentials, runtime: time.runtime, dispatcher: createFakeService(time.runtime, respond) })
 * const result = await time.run(() => send(headObject({ bucket, key }))(client)())
 */
export const createVirtualTime = ({
  start = new Date(Date.UTC(2026, 0, 1)),
  seed = 1
}: VirtualTimeOptions = {}): VirtualTime => {
  const random = seededRandom(seed)
  const queue = createTimerQueue()
  let now = 0
  const fire = (timer: QueuedTimer): void => {
    const { at, then } = timer
    queue.stop(timer)
    now = Math.max(now, at)
    then()
  }
  const runtime: Runtime = {
    now: () => start.getTime() + Math.floor(now),
    elapsed: () => now,
    random,
    randomBytes: (size) => Uint8Array.from({ length: size }, () => Math.floor(random() * 256)),
    startTimer: (milliseconds, then, { keepsAlive = true } = {}) => {
      if (milliseconds === Number.POSITIVE_INFINITY) return constVoid
      const timer = queue.start({ at: now + Math.max(0, milliseconds), then, keepsAlive })
      return () => {
        queue.stop(timer)
      }
    }
  }
  /** Fires timers, each when all code waits, until `next` returns none. */
  const fireUntil = (next: () => QueuedTimer | undefined): Promise<void> =>
    new Promise((resolve, reject) => {
      const step = (): void => {
        try {
          const timer = next()
          if (timer === undefined) return resolve()
          fire(timer)
          whenIdle(step)
        } catch (thrown) {
          reject(thrown instanceof Error ? thrown : new Error(String(thrown)))
        }
      }
      whenIdle(step)
    })
  return {
    runtime,
    elapsed: runtime.elapsed,
    pendingTimers: () => queue.count().all,
    run: async (task) => {
      const state = { isSettled: false }
      const settle = (): void => {
        state.isSettled = true
      }
      const result = task()
      result.then(settle, settle)
      await fireUntil(() => (state.isSettled ? undefined : queue.first()))
      if (!state.isSettled) throw new Error('the task waits, and no timer is left')
      return result
    },
    advance: async (milliseconds) => {
      const until = now + milliseconds
      await fireUntil(() => {
        const timer = queue.first()
        return timer === undefined || timer.at > until ? undefined : timer
      })
      now = until
    },
    runUntilIdle: () => fireUntil(() => (queue.count().keepingAlive === 0 ? undefined : queue.first()))
  }
}
