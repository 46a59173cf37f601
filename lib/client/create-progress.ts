/** A meter that runs on this process's clock. */
import * as O from 'fp-ts/lib/Option.js'
import { createProgressWith, type Progress } from '../stages/progress.js'

/**
 * Starts a meter, to be handed to one transfer or to several as `meter`, and read when its reader likes.
 *
 * @example
 * const meter = startMeter()
 * const done = uploadFile({ bucket, key, file, meter })(client)()
 * for await (const { transferred, rate } of meter) { draw(transferred, rate); await setTimeout(200) }
 */
export const createProgress = (): Progress =>
  createProgressWith({ total: O.none, clock: () => performance.now() })
