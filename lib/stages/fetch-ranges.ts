/** Many ranges fetched at once, one stream of bytes in order. */
import * as O from 'fp-ts/lib/Option.js'
import { CosException, type Context } from '../core/error.js'
import { byteQueue } from './byte-queue.js'
import { abortable } from './abortable.js'
import { cancelable, readerCancelled, type CancelableIterator } from './cancelable.js'
import type { AheadReservation, MemoryBudget } from './memory-budget.js'
import type { PartRange } from './plan-ranges.js'

export interface FetchRangesOptions {
  /** Ranges open at the same time, at most: the one being read, and those after it. */
  readonly concurrency: number
  /** Where they are kept; its `ahead` share should have room for all of the ranges that are open at once, or fewer are open. */
  readonly budget: MemoryBudget
  /** Whose bytes they are, for the errors. */
  readonly context: Context
  /** Stops the run when it fires, and is fired when the run fails or its reader leaves. */
  readonly controller?: AbortController
}

/** Asks for a range and gives its bytes. The signal fires when they are no longer wanted. */
export type FetchRange = (range: PartRange, signal: AbortSignal) => AsyncIterable<Uint8Array>

/**
 * Fetches ranges in parallel and gives their bytes in order.
 *
 * Each range is read to its end, whether or not its turn has come, so that a reader who stops leaves all but `concurrency`
 * ranges with the server. Room in the budget is asked for when a range is opened, and never waited for: where there is
 * none, a range is opened when its turn comes, and its bytes go straight to the reader. So readers that hold what others
 * need can make each other slower, but never wait in a circle.
 *
 * There is no checksum here. The bytes come out in order, and one checksum running over all of them costs the same as one
 * for each range and says more: COS has none of a range to compare with.
 *
 * @shape  chunks of any size, none of them empty, which the reader may keep
 * @units  holds at most `concurrency` ranges, in bytes, besides what the sockets hold
 * @errors those of `fetchRange` when their range's turn comes, so that all bytes before it came out; `CosException` of
 *         `IntegrityError` where a range has not the size that was asked for; the reason of `stop`
 * @source https://cloud.tencent.com/document/product/436/7753
 */
export const fetchRanges =
  (options: FetchRangesOptions, fetchRange: FetchRange) =>
  (ranges: Iterable<PartRange>): CancelableIterator<Uint8Array> => {
    const stop = options.controller ?? new AbortController()
    return cancelable(stop, run(options, stop, fetchRange, ranges))
  }

async function* run(
  options: FetchRangesOptions,
  stop: AbortController,
  fetchRange: FetchRange,
  ranges: Iterable<PartRange>
): AsyncGenerator<Uint8Array, void, undefined> {
  const { concurrency, budget, context } = options
  const plan = ranges[Symbol.iterator]()
  const opened: Array<Ahead> = []
  let planned = plan.next()

  const bytesOf = (range: PartRange): AsyncIterable<Uint8Array> =>
    exactly(context, range, () => abortable(stop.signal)(fetchRange(range, stop.signal)))
  const openAhead = (): void => {
    // Past a range that failed nothing will be read.
    while (
      planned.done !== true &&
      opened.length < concurrency &&
      !opened.some((range) => range.hasFailed())
    ) {
      const lease = budget.reserveAhead(planned.value.size)
      if (O.isNone(lease)) return
      opened.push(readAhead(lease.value, planned.value.size, bytesOf(planned.value)))
      planned = plan.next()
    }
  }

  let finished = false
  try {
    for (openAhead(); opened.length > 0 || planned.done !== true; openAhead()) {
      const first = opened[0]
      if (first !== undefined) {
        for await (const bytes of first.bytes()) {
          stop.signal.throwIfAborted()
          yield bytes
          openAhead()
        }
        opened.shift()
      } else if (planned.done !== true) {
        const range = planned.value
        planned = plan.next()
        yield* bytesOf(range)
      }
    }
    finished = true
  } catch (error) {
    stop.abort(error)
    throw error
  } finally {
    if (!finished) stop.abort(readerCancelled)
    await Promise.all(opened.map((range) => range.close()))
  }
}

/** A range's bytes, which must be as many as were asked for. */
async function* exactly(
  context: Context,
  range: PartRange,
  open: () => AsyncIterable<Uint8Array>
): AsyncGenerator<Uint8Array, void, undefined> {
  let seen = 0
  const wrong = (): CosException =>
    new CosException({
      _tag: 'IntegrityError',
      context,
      part: O.some(range.number),
      check: 'size',
      expected: String(range.size),
      got: String(seen)
    })
  for await (const chunk of open()) {
    seen += chunk.length
    if (seen > range.size) throw wrong()
    if (chunk.length > 0) yield chunk
  }
  if (seen < range.size) throw wrong()
}

interface Ahead {
  /** All of them, as they come in, then the failure if there was one. */
  readonly bytes: () => AsyncGenerator<Uint8Array, void, undefined>
  readonly hasFailed: () => boolean
  /** Waits until nothing is read any more, and gives the memory back. */
  readonly close: () => Promise<void>
}

/** Starts to read a range, whether or not anyone takes its bytes; the lease is the room they take. */
const readAhead = (lease: AheadReservation, size: number, source: AsyncIterable<Uint8Array>): Ahead => {
  const now = { ended: false, failure: O.none as O.Option<unknown>, left: size }
  const waiting = byteQueue()
  let wake = (): void => undefined

  const read = async (): Promise<void> => {
    try {
      for await (const chunk of source) {
        waiting.put(chunk)
        wake()
      }
    } catch (error) {
      now.failure = O.some(error)
    }
    now.ended = true
    wake()
  }
  const reading = read()
  const close = async (): Promise<void> => {
    await reading
    lease.release()
  }
  return {
    async *bytes() {
      for (;;) {
        const bytes = waiting.take()
        if (O.isSome(bytes)) {
          now.left -= bytes.value.length
          lease.shrink(now.left)
          yield bytes.value
        } else if (now.ended) break
        else
          await new Promise<void>((resolve) => {
            wake = resolve
          })
      }
      await close()
      if (O.isSome(now.failure)) throw now.failure.value
    },
    hasFailed: () => O.isSome(now.failure),
    close
  }
}
