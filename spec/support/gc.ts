/** Garbage collection for specs that measure memory. */
import { setImmediate } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

// Like `node --expose-gc`, in this process.
setFlagsFromString('--expose-gc')
const isCollector = (u: unknown): u is () => void => typeof u === 'function'

const gc: unknown = runInNewContext('gc')

/** Collects twice, a turn apart: another thread frees the memory of buffers after the collection that found them. */
export const collectGarbage = async (): Promise<void> => {
  for (const collect of [gc, gc]) {
    if (!isCollector(collect)) throw new Error('this Node has no gc function')
    await setImmediate()
    collect()
  }
  await setImmediate()
}
