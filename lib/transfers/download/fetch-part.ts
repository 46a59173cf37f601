/** Fetches one range for a download: resumes it if it breaks off, publishes and counts it, and limits its time. */
import { pipe } from 'fp-ts/lib/function.js'
import { MiB } from '../../core/limits.js'
import { CosException, overallTimeout, type Context } from '../../core/error.js'
import type { Runtime } from '../../core/runtime.js'
import type { Client } from '../../client/client.js'
import { publishPartBytes } from '../../client/diagnostics.js'
import { readRange, type PinnedObject } from '../../client/read-range.js'
import type { GetRangeResult } from '../../operations/get-object.js'
import type { FetchRange } from '../../stages/fetch-ranges.js'
import { reportBytes } from '../../stages/progress.js'
import type { WithProgress } from '../shared/progress.js'

// In bytes. A range may be a whole object of 50 TB, so the timeout is for each of these sections.
const section = 8 * MiB

/**
 * Limits the time that a source of bytes may take for each 8 MiB. Only reads count, not the time between them, which the
 * consumer takes.
 *
 * A range that breaks off is resumed as long as bytes arrive. Without a limit, a server that sends one byte and closes the
 * connection would get as many requests as the object has bytes.
 *
 * @units  `limit` in milliseconds
 * @errors those of the source; `Timeout` with phase `overall`
 */
export async function* limitWaiting(
  { elapsed, startTimer }: Runtime,
  context: Context,
  limit: number,
  open: (signal: AbortSignal) => AsyncGenerator<Uint8Array, void, undefined>
): AsyncGenerator<Uint8Array, void, undefined> {
  const controller = new AbortController()
  const source = open(controller.signal)
  // Of this section: the time of the reads that have ended, and the start of the read in progress.
  let waited = 0
  let started: number | undefined
  let received = 0
  let stopTimer: (() => void) | undefined
  // One timer for many reads, because setting and clearing one for each chunk takes time. When it fires, the time is
  // compared.
  const arm = (milliseconds: number): void => {
    stopTimer = startTimer(Math.max(1, Math.ceil(milliseconds)), () => {
      stopTimer = undefined
      if (started === undefined) return
      const left = limit - waited - (elapsed() - started)
      if (left > 0) arm(left)
      else controller.abort(new CosException(overallTimeout(context, limit)))
    })
  }
  try {
    for (;;) {
      started = elapsed()
      if (stopTimer === undefined) arm(limit - waited)
      const next = await source.next()
      waited += elapsed() - started
      started = undefined
      if (next.done === true) return
      received += next.value.length
      if (received >= section) [waited, received] = [0, 0]
      yield next.value
    }
  } finally {
    stopTimer?.()
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

/** Fetches the ranges of a download. `timeouts.overall` of the client limits the time for each 8 MiB. */
export const fetchPart = ({
  client,
  context,
  object,
  progress,
  onResponse
}: FetchPartOptions): FetchRange => {
  const fetch: FetchRange = (range, signal) =>
    pipe(
      limitWaiting(client.runtime, context, client.timeouts.overall, (timedOut) =>
        readRange({ ...client, signals: [signal, timedOut] }, context, object, range, onResponse)
      ),
      publishPartBytes(context, {
        part: range.number,
        size: range.size,
        direction: 'down'
      })
    )
  return progress === undefined ? fetch : reportBytes(progress)(fetch)
}
