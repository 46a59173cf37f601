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

/** Weighs the buffers of this process against a ceiling. */
export interface Scale {
  /** Call at each moment that counts. */
  readonly weigh: () => Promise<void>
  /** The largest growth, in bytes. Below the ceiling it may include garbage. */
  readonly most: () => number
}

/**
 * A scale for buffers that grow from now on. Garbage is collected only before a growth above the ceiling counts: a collection
 * takes 0.1 s of CPU, and cannot change whether a smaller growth is below the ceiling.
 */
export const createScale = async (ceiling: number): Promise<Scale> => {
  await collectGarbage()
  const before = process.memoryUsage().arrayBuffers
  const growth = (): number => process.memoryUsage().arrayBuffers - before
  let most = 0
  return {
    weigh: async () => {
      if (growth() > ceiling) await collectGarbage()
      most = Math.max(most, growth())
    },
    most: () => most
  }
}
