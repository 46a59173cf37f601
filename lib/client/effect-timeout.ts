/** Timeouts that outlast their effect: one that returned a body ends the body too. */
import { setMaxListeners } from 'node:events'
import { constVoid } from 'fp-ts/lib/function.js'
import { contextWithoutObject, CosException, overallTimeout } from '../core/error.js'
import type { Runtime } from '../core/runtime.js'

export interface EffectTimeout {
  /** Fires with a `Timeout` as its reason. */
  readonly signal: AbortSignal
  /** When it fires, on the clock of `runtime.elapsed`. */
  readonly at: number
  /** Stops the timer when nobody holds the signal any more. Until then the timer does not keep the process alive. */
  readonly settle: () => void
}

/** Adds a holder; returns the function that removes it. */
type Hold = () => () => void

const holds = new WeakMap<AbortSignal, Hold>()

/**
 * Starts a timeout.
 *
 * @units milliseconds; `Infinity` never fires
 */
export const startEffectTimeout = ({ elapsed, startTimer }: Runtime, milliseconds: number): EffectTimeout => {
  const controller = new AbortController()
  const { signal } = controller
  setMaxListeners(0, signal)
  const at = elapsed() + milliseconds
  let isSettled = false
  let holders = 0
  const fire = (): void => {
    controller.abort(new CosException(overallTimeout(contextWithoutObject(''), milliseconds)))
  }
  let stopTimer = startTimer(milliseconds, fire)
  const stop = (): void => {
    stopTimer()
    stopTimer = constVoid
  }
  holds.set(signal, () => {
    let isHeld = true
    holders += 1
    return () => {
      if (!isHeld) return
      isHeld = false
      holders -= 1
      if (isSettled && holders === 0) stop()
    }
  })
  return {
    signal,
    at,
    settle: () => {
      isSettled = true
      stop()
      if (holders > 0 && !signal.aborted) {
        const left = at === Number.POSITIVE_INFINITY ? at : Math.max(1, at - elapsed())
        stopTimer = startTimer(left, fire, { keepsAlive: false })
      }
    }
  }
}

/**
 * Holds the timeouts among some signals: each runs on after its effect has settled, until the returned function is called.
 * For a request until its body has ended, and for a stream until it is closed.
 */
export const holdTimeouts = (signals: ReadonlyArray<AbortSignal>): (() => void) => {
  let releases: Array<() => void> | undefined
  for (const signal of signals) {
    const release = holds.get(signal)?.()
    if (release !== undefined) (releases ??= []).push(release)
  }
  if (releases === undefined) return constVoid
  return () => {
    for (const release of releases) release()
  }
}
