/** Fetches several ranges in parallel, and yields one stream of bytes in order. */
import * as O from 'fp-ts/lib/Option.js'
import { CosException, type Context } from '../core/error.js'
import { byteQueue } from './byte-queue.js'
import { abortable } from './abortable.js'
import { cancelable, readerCancelled, type CancelableIterator } from './cancelable.js'
import type { AheadReservation, MemoryBudget } from './memory-budget.js'
import type { PartRange } from './plan-ranges.js'

export interface FetchRangesOptions {
  /** Maximum number of open ranges: the one that is being read, and those after it. */
  readonly concurrency: number
  /** The memory for open ranges. If its `ahead` share cannot hold `concurrency` ranges, fewer are open. */
  readonly budget: MemoryBudget
  /** The call that the bytes belong to, for errors. */
  readonly context: Context
  /** Ends the run when it aborts. The run aborts it on a failure, and when its reader cancels. */
  readonly controller?: AbortController
}

/** Requests a range and yields its bytes. The signal fires when they are no longer needed. */
export type FetchRange = (range: PartRange, signal: AbortSignal) => AsyncIterable<Uint8Array>

/**
 * Fetches ranges in parallel and yields their bytes in order.
 *
 * Each open range is read to its end, also before its turn. So while the reader pauses, no range beyond `concurrency` is
 * requested. Memory of the budget is reserved when a range is opened, and never waited for: without memory, a range is
 * opened when its turn comes, and its bytes are yielded directly. So readers that hold memory that others need can slow
 * each other down, but cannot deadlock.
 *
 * There is no checksum here. The bytes come out in order, so one checksum over all of them costs the same as one for each
 * range and proves more: COS has no checksum of a range.
 *
 * @shape  chunks of any size, none of them empty, which the reader may keep
 * @units  holds at most `concurrency` ranges, in bytes, besides the buffers of the sockets
 * @errors those of `fetchRange` at the turn of their range, after all bytes before it; `CosException` of `IntegrityError`
 *         if a range does not have the requested size; the reason of `controller`
 * @source https://cloud.tencent.com/document/product/436/7753
 */
export const fetchRanges =
  (options: FetchRangesOptions, fetchRange: FetchRange) =>
  (ranges: Iterable<PartRange>): CancelableIterator<Uint8Array> => {
    const controller = options.controller ?? new AbortController()
    return cancelable(controller, run(options, controller, fetchRange, ranges))
  }

async function* run(
  options: FetchRangesOptions,
  controller: AbortController,
  fetchRange: FetchRange,
  ranges: Iterable<PartRange>
): AsyncGenerator<Uint8Array, void, undefined> {
  const { concurrency, budget, context } = options
  const plan = ranges[Symbol.iterator]()
  const opened: Array<Ahead> = []
  let planned = plan.next()

  const bytesOf = (range: PartRange): AsyncIterable<Uint8Array> =>
    checkSize(context, range, () => abortable(controller.signal)(fetchRange(range, controller.signal)))
  const openAhead = (): void => {
    // The ranges after a failed range will not be read.
    while (
      planned.done !== true &&
      opened.length < concurrency &&
      !opened.some((range) => range.hasFailed())
    ) {
      const reservation = budget.reserveAhead(planned.value.size)
      if (O.isNone(reservation)) return
      opened.push(readAhead(reservation.value, planned.value.size, bytesOf(planned.value)))
      planned = plan.next()
    }
  }

  let finished = false
  try {
    for (openAhead(); opened.length > 0 || planned.done !== true; openAhead()) {
      const first = opened[0]
      if (first !== undefined) {
        for await (const bytes of first.bytes()) {
          controller.signal.throwIfAborted()
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
    controller.abort(error)
    throw error
  } finally {
    if (!finished) controller.abort(readerCancelled)
    await Promise.all(opened.map((range) => range.close()))
  }
}

/** Yields the bytes of a range, and fails if their number differs from the requested size. */
async function* checkSize(
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
  /** Yields all bytes of the range as they arrive. Throws after them if the range failed. */
  readonly bytes: () => AsyncGenerator<Uint8Array, void, undefined>
  readonly hasFailed: () => boolean
  /** Waits until the read has ended, and returns the memory. */
  readonly close: () => Promise<void>
}

/** Starts to read a range before its turn. The reservation is the memory of its bytes. */
const readAhead = (reservation: AheadReservation, size: number, source: AsyncIterable<Uint8Array>): Ahead => {
  const now = { hasEnded: false, failure: O.none as O.Option<unknown>, left: size }
  const queue = byteQueue()
  let wake = (): void => undefined

  const read = async (): Promise<void> => {
    try {
      for await (const chunk of source) {
        queue.put(chunk)
        wake()
      }
    } catch (error) {
      now.failure = O.some(error)
    }
    now.hasEnded = true
    wake()
  }
  const pendingRead = read()
  const close = async (): Promise<void> => {
    await pendingRead
    reservation.release()
  }
  return {
    async *bytes() {
      for (;;) {
        const bytes = queue.take()
        if (O.isSome(bytes)) {
          now.left -= bytes.value.length
          reservation.shrink(now.left)
          yield bytes.value
        } else if (now.hasEnded) break
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
