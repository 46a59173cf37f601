/** Checks that a promise settles soon. */
import { setTimeout } from 'node:timers/promises'

// In milliseconds.
const step = 5

/**
 * Whether a promise settles before a series of timers of `milliseconds` in total. A clock would also measure the load of
 * the machine. The timers run one after another: a process that gets no turn for a while loses one of them only, and the
 * promise still has the turns of the others.
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
