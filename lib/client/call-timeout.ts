/** The overall timeout of one call: one timer, and no AbortController until another call needs its signal. */
import { setMaxListeners } from 'node:events'
import { constVoid } from 'fp-ts/lib/function.js'
import { contextWithoutObject, CosException, overallTimeout, type Timeout } from '../core/error.js'
import type { Runtime } from '../core/runtime.js'

export interface CallTimeout {
  /** When it expires, on the clock of `runtime.elapsed`. */
  readonly at: number
  /** Registers a function that is called when the time is over; at once if it is over. Returns the one that removes it. */
  readonly onTimeout: (then: (error: Timeout) => void) => () => void
  /** A signal that fires when the time is over, for calls within the call. */
  readonly signal: () => AbortSignal
  /** Stops the timer. */
  readonly close: () => void
}

/** A timeout that never expires. */
export const noTimeout: CallTimeout = {
  at: Number.POSITIVE_INFINITY,
  onTimeout: () => constVoid,
  signal: () => new AbortController().signal,
  close: constVoid
}

/**
 * Starts the time of a call.
 *
 * An AbortController for each call, with the listeners of its signal, took 4 % of the CPU time of a HEAD.
 */
export const startCallTimeout = ({ elapsed, startTimer }: Runtime, milliseconds: number): CallTimeout => {
  const listeners = new Set<(error: Timeout) => void>()
  let timeout: Timeout | undefined
  let controller: AbortController | undefined
  const stopTimer = startTimer(milliseconds, () => {
    timeout = overallTimeout(contextWithoutObject(''), milliseconds)
    controller?.abort(new CosException(timeout))
    for (const listener of [...listeners]) listener(timeout)
  })
  return {
    at: elapsed() + milliseconds,
    onTimeout: (then) => {
      if (timeout !== undefined) {
        then(timeout)
        return constVoid
      }
      listeners.add(then)
      return () => {
        listeners.delete(then)
      }
    },
    signal: () => {
      if (controller === undefined) {
        controller = new AbortController()
        setMaxListeners(0, controller.signal)
        if (timeout !== undefined) controller.abort(new CosException(timeout))
      }
      return controller.signal
    },
    close: stopTimer
  }
}
