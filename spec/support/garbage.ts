/** Collects garbage now, for specs that weigh memory. */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

// As `node --expose-gc` would, without a process of its own.
setFlagsFromString('--expose-gc')
const isCollector = (u: unknown): u is () => void => typeof u === 'function'

const gc: unknown = runInNewContext('gc')

export const collectGarbage = (): void => {
  if (!isCollector(gc)) throw new Error('this Node has no gc to call')
  gc()
}
