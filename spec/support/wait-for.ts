/** Waits for conditions that become true later, such as on the other side of a socket. */
import { setTimeout } from 'node:timers/promises'

// Five seconds in total. Checks are counted instead of time: a process that gets no turn cannot check either.
const maxChecks = 1000
// In milliseconds.
const interval = 5

/** Whether the condition is true, now or within five seconds. */
export const becomesTrue = async (holds: () => boolean | Promise<boolean>): Promise<boolean> => {
  for (let n = 0; n < maxChecks; n += 1) {
    if (await holds()) return true
    await setTimeout(interval)
  }
  return holds()
}

/** Resolves when the condition is true; throws after five seconds. */
export const waitFor = async (holds: () => boolean | Promise<boolean>): Promise<void> => {
  if (!(await becomesTrue(holds))) throw new Error(`not true after 5 s: ${String(holds)}`)
}
