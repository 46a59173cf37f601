/** The progress of transfers, with the clock of this process. */
import * as O from 'fp-ts/lib/Option.js'
import { systemRuntime } from '../core/runtime.js'
import { createProgressWith, type Progress } from '../stages/progress.js'

/**
 * Creates a progress. Pass it to one or several transfers as `progress`, and iterate it for snapshots.
 *
 * @example
 * const progress = createProgress()
 * const done = uploadFile({ bucket, key, file, progress })(client)()
 * for await (const { transferred, rate } of progress) { draw(transferred, rate); await setTimeout(200) }
 */
export const createProgress = (): Progress =>
  createProgressWith({ total: O.none, clock: systemRuntime.elapsed })
