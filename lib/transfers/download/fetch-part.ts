/** Fetches one range for a download: resumed after a cut, published, counted, and with a deadline. */
import { pipe } from 'fp-ts/lib/function.js'
import { MiB } from '../../core/limits.js'
import { CosException, type Context } from '../../core/error.js'
import type { Client } from '../../client/client.js'
import { publishPartBytes, refInfo } from '../../client/diagnostics.js'
import { readRange, type PinnedObject } from '../../client/read-range.js'
import { startTimer } from '../../client/timer.js'
import type { GetRangeResult } from '../../operations/get-object.js'
import type { FetchRange } from '../../stages/fetch-ranges.js'
import { reportBytes } from '../../stages/progress.js'
import type { WithProgress } from '../shared/progress.js'

// A range may be a whole object of 50 TB: the deadline is for each stretch of it.
const stretch = 8 * MiB

const timeout = (context: Context, after: number): CosException =>
  new CosException({ _tag: 'Timeout', context, host: '', phase: 'overall', after })

/**
 * Limits the time that a source of bytes may take for each 8 MiB. Only pulls count: the time in which the consumer does not
 * ask is not the source's.
 *
 * A range resumes after each cut as long as bytes come. Without a limit, a server that sends one byte and closes the
 * connection would be asked as often as the object has bytes.
 *
 * @units  `limit` in milliseconds
 * @errors those of the source; `Timeout` with phase `overall`
 */
export async function* limitWaiting(
  context: Context,
  limit: number,
  open: (signal: AbortSignal) => AsyncGenerator<Uint8Array, void, undefined>
): AsyncGenerator<Uint8Array, void, undefined> {
  const controller = new AbortController()
  const source = open(controller.signal)
  let waited = 0
  let received = 0
  try {
    for (;;) {
      const start = performance.now()
      const stopTimer = startTimer(Math.max(1, limit - waited), () => {
        controller.abort(timeout(context, limit))
      })
      const next = await source.next().finally(stopTimer)
      if (next.done === true) return
      waited += performance.now() - start
      received += next.value.length
      if (received >= stretch) [waited, received] = [0, 0]
      yield next.value
    }
  } finally {
    await source.return()
  }
}

export interface FetchPartOptions extends WithProgress {
  readonly client: Client
  readonly context: Context
  readonly object: PinnedObject
  /** Called with each response. */
  readonly onResponse?: ((response: GetRangeResult) => void) | undefined
}

/** The fetch of a download's ranges. `timeouts.overall` of the client limits the wait for each 8 MiB. */
export const fetchPart = ({
  client,
  context,
  object,
  progress,
  onResponse
}: FetchPartOptions): FetchRange => {
  const fetch: FetchRange = (range, signal) =>
    pipe(
      limitWaiting(context, client.timeouts.overall, (timedOut) =>
        readRange({ ...client, signals: [signal, timedOut] }, context, object, range, onResponse)
      ),
      publishPartBytes(context, {
        ...refInfo(context),
        part: range.number,
        size: range.size,
        direction: 'down'
      })
    )
  return progress === undefined ? fetch : reportBytes(progress)(fetch)
}
