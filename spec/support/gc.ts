/** Collects garbage now, for specs that weigh memory. */
import { setImmediate } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

// As `node --expose-gc` would, without a process of its own.
setFlagsFromString('--expose-gc')
const isCollector = (u: unknown): u is () => void => typeof u === 'function'

const gc: unknown = runInNewContext('gc')

/** Twice, a turn apart: the memory of buffers is given back by another thread, after the collection that found it. */
export const collectGarbage = async (): Promise<void> => {
  for (const collect of [gc, gc]) {
    if (!isCollector(collect)) throw new Error('this Node has no gc to call')
    await setImmediate()
    collect()
  }
  await setImmediate()
}
