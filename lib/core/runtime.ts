/** The clock, the timers and the randomness of a client, as one value: a test replaces all of them at once. */
import { randomBytes } from 'node:crypto'
import { constVoid } from 'fp-ts/lib/function.js'

/** Everything that a client reads of time and chance. No other code of the client calls Node's clocks and timers. */
export interface Runtime {
  /** Milliseconds of Unix time: for signatures, and for the times in a history. */
  readonly now: () => number
  /** Milliseconds since any fixed instant; never runs backwards. For deadlines, durations and rates. */
  readonly elapsed: () => number
  /**
   * Calls `then` once, after so many milliseconds; never if `milliseconds` is `Infinity`. Returns the function that stops
   * the timer. Without `keepsAlive` (default: true), the process may end before.
   */
  readonly startTimer: (
    milliseconds: number,
    then: () => void,
    options?: { readonly keepsAlive?: boolean }
  ) => () => void
  /** A number from 0 to below 1: for the waits before retries. */
  readonly random: () => number
  /** For keys and nonces of encryption. */
  readonly randomBytes: (size: number) => Uint8Array
}

// Node's longest timer, 24.8 days in milliseconds. A longer one fires after 1 ms.
const longestTimer = 2 ** 31 - 1

const startTimer: Runtime['startTimer'] = (milliseconds, then, { keepsAlive = true } = {}) => {
  if (milliseconds === Number.POSITIVE_INFINITY) return constVoid
  let timer: NodeJS.Timeout | undefined
  const arm = (left: number): void => {
    timer =
      left <= longestTimer
        ? setTimeout(then, left)
        : setTimeout(() => {
            arm(left - longestTimer)
          }, longestTimer)
    if (!keepsAlive) timer.unref()
  }
  arm(milliseconds)
  return () => {
    clearTimeout(timer)
  }
}

/** The time and the randomness of this machine: the default of a client. */
export const systemRuntime: Runtime = {
  now: Date.now,
  elapsed: () => performance.now(),
  startTimer,
  random: Math.random,
  randomBytes: (size) => randomBytes(size)
}

/** Waits. Rejects with the reason of the signal, or with an error that has it as its cause, if the signal fires or has fired. */
export const sleep = (
  { startTimer }: Pick<Runtime, 'startTimer'>,
  milliseconds: number,
  signal?: AbortSignal
): Promise<void> =>
  new Promise((resolve, reject) => {
    const onAbort = (): void => {
      stopTimer()
      const reason: unknown = signal?.reason
      reject(reason instanceof Error ? reason : new Error('the wait was aborted', { cause: reason }))
    }
    const stopTimer = startTimer(milliseconds, () => {
      signal?.removeEventListener('abort', onAbort)
      resolve()
    })
    if (signal?.aborted === true) onAbort()
    else signal?.addEventListener('abort', onAbort, { once: true })
  })
