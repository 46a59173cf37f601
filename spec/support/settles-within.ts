/** Whether something settles at once. */
import { setTimeout } from 'node:timers/promises'

// In milliseconds.
const step = 5

/**
 * Whether a promise settles before timers of so many milliseconds together, the first of which starts now. A clock would
 * measure how busy the machine is as well. The timers follow one another, so that a process that gets no turn for a
 * while loses one of them: what needs a few turns to settle has them.
 */
export const settlesWithin = async (milliseconds: number, promise: Promise<unknown>): Promise<boolean> => {
  const settled = promise.then(
    () => true,
    () => true
  )
  for (let left = milliseconds; left > 0; left -= step) {
    if (await Promise.race([settled, setTimeout(Math.min(step, left), false)])) return true
  }
  return false
}
