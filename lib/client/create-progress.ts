/** Progress on this process's clock. */
import * as O from 'fp-ts/lib/Option.js'
import { createProgressWith, type Progress } from '../stages/progress.js'

/**
 * Creates a progress: pass it to one transfer, or to several, as `progress`, and iterate it for snapshots.
 *
 * @example
 * const progress = createProgress()
 * const done = uploadFile({ bucket, key, file, progress })(client)()
 * for await (const { transferred, rate } of progress) { draw(transferred, rate); await setTimeout(200) }
 */
export const createProgress = (): Progress =>
  createProgressWith({ total: O.none, clock: () => performance.now() })
