/**
 * The timeouts of one request, and the signals and the timeout of its call that abort it. A request has one timer, for any
 * number of chunks.
 */
import { constVoid } from 'fp-ts/lib/function.js'
import type { Context, CosError } from '../core/error.js'
import type { Runtime } from '../core/runtime.js'
import { aborted } from './abort.js'
import type { Timeouts } from './client.js'
import { holdTimeouts } from './effect-timeout.js'
import type { CallTimeout } from './call-timeout.js'
import { onAbort } from './on-abort.js'

type Phase = 'headers' | 'idle' | 'unread'

export interface RequestTimer {
  /**
   * Starts the timeout of the phase, until `rest` or the next `wait`. It waits for the server, or in phase `unread` for
   * the reader of the body.
   */
  readonly wait: (phase: Phase) => void
  /** Stops the timeout. */
  readonly rest: () => void
  /** Registers a function that is called once with the error that ends the request; at once if it has already ended. */
  readonly onExpiry: (end: (error: CosError) => void) => void
  /** Removes the timer and the listeners. */
  readonly close: () => void
}

/**
 * Starts the timer of one request.
 *
 * Setting and clearing a timer for each chunk costs as much as hashing the chunk. So one timer runs. When it fires, it
 * compares the length of the current wait with the timeout.
 */
export const startTimeouts = (
  timeouts: Timeouts,
  signals: ReadonlyArray<AbortSignal>,
  callTimeout: CallTimeout,
  context: Context,
  host: string,
  { elapsed, startTimer }: Runtime
): RequestTimer => {
  let phase: Phase | undefined
  let since = 0
  let stopTimer = constVoid
  let firesAt = Number.POSITIVE_INFINITY
  let expired: CosError | undefined
  let end: ((error: CosError) => void) | undefined
  let closed = false
  const releaseTimeouts = holdTimeouts(signals)
  let removeTimeout = constVoid
  let removeListeners = constVoid

  const close = (): void => {
    closed = true
    stopTimer()
    removeTimeout()
    removeListeners()
    releaseTimeouts()
  }
  const expire = (error: CosError): void => {
    if (closed) return
    close()
    expired = error
    end?.(error)
  }
  const arm = (now: number, at: number): void => {
    stopTimer()
    firesAt = at
    stopTimer = startTimer(Math.max(1, Math.ceil(at - now)), onTimer)
  }
  const checkDeadline = (): void => {
    if (phase === undefined || closed) return
    const now = elapsed()
    const at = since + timeouts[phase]
    if (now >= at) expire({ _tag: 'Timeout', context, host, phase, after: timeouts[phase] })
    else if (at < firesAt) arm(now, at)
  }
  const onTimer = (): void => {
    firesAt = Number.POSITIVE_INFINITY
    // After a blocked event loop, timers fire before pending socket reads. `setImmediate` lets those reads run first, so
    // that a stall of ours is not reported as a timeout.
    setImmediate(checkDeadline)
  }

  removeTimeout = callTimeout.onTimeout((timeout) => {
    expire({ ...timeout, context })
  })
  removeListeners = onAbort(signals, (reason) => {
    expire(aborted(context, reason))
  })
  return {
    wait: (next) => {
      if (closed) return
      phase = next
      since = elapsed()
      const at = since + timeouts[next]
      if (at < firesAt) arm(since, at)
    },
    rest: () => {
      phase = undefined
    },
    onExpiry: (then) => {
      end = then
      if (expired !== undefined) then(expired)
    },
    close
  }
}
