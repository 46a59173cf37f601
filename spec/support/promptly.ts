/** Whether something settles at once. */
import { setTimeout } from 'node:timers/promises'

/**
 * Whether a promise settles before a timer of so many milliseconds that starts now. A clock would measure how busy the
 * machine is as well: a process that gets no turn for a while finds both done when it gets one, in this order.
 */
export const settlesWithin = async (milliseconds: number, promise: Promise<unknown>): Promise<boolean> => {
  const over = new AbortController()
  const late = setTimeout(milliseconds, false, { signal: over.signal })
  const settled = promise.then(
    () => true,
    () => true
  )
  const first = await Promise.race([settled, late])
  over.abort()
  await late.catch(() => undefined)
  return first
}
