/** What comes true a little later: on the other side of a socket, and on a busy machine. */
import { setTimeout } from 'node:timers/promises'

// Five seconds together. Counted, not read off a clock: a process that gets no turn for a while has not looked either.
const looks = 1000
const between = 5

/** Whether it holds, now or within five seconds of looking. */
export const becomesTrue = async (holds: () => boolean | Promise<boolean>): Promise<boolean> => {
  for (let n = 0; n < looks; n += 1) {
    if (await holds()) return true
    await setTimeout(between)
  }
  return holds()
}

/** Goes on when it holds: for what a spec can do nothing without. */
export const waitFor = async (holds: () => boolean | Promise<boolean>): Promise<void> => {
  if (!(await becomesTrue(holds))) throw new Error(`waited in vain for ${String(holds)}`)
}
