/** Timers that may be longer than Node's longest timer, or infinite. */
import { constVoid } from 'fp-ts/lib/function.js'

// Node's longest timer, 24.8 days in milliseconds. A longer one fires after 1 ms.
const longestTimer = 2 ** 31 - 1

/**
 * Calls `then` after so many milliseconds; never if `milliseconds` is `Infinity`.
 *
 * @shape  returns the function that stops the timer; without `keepsAlive` (default: true), the process may end before
 */
export const startTimer = (
  milliseconds: number,
  then: () => void,
  { keepsAlive = true }: { readonly keepsAlive?: boolean } = {}
): (() => void) => {
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
