/** What comes true a little later: on the other side of a socket, and on a busy machine. */
import { setTimeout } from 'node:timers/promises'

/** Whether it holds, now or within five seconds; looked at every 10 ms. */
export const comesTrue = async (holds: () => boolean): Promise<boolean> => {
  for (const until = performance.now() + 5000; performance.now() < until; await setTimeout(10)) {
    if (holds()) return true
  }
  return holds()
}
