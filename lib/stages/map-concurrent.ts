/** Maps a stream with a function of one item, with several calls at the same time. */
import { setImmediate } from 'node:timers/promises'
import { constVoid } from 'fp-ts/lib/function.js'
import * as O from 'fp-ts/lib/Option.js'
import { cancelable, readerCancelled, type CancelableIterator } from './cancelable.js'

export interface MapConcurrentSettings {
  /**
   * Maximum number of items that are running, or done and not yet taken by the reader. At least 1. A function is called
   * before each item, so that the number may change meanwhile.
   */
  readonly concurrency: number | (() => number)
  /** Whether results have the order of their items. Default: false, the order in which they are done. */
  readonly ordered?: boolean
  /** Items taken from the source before a slot is free. Default: 1, so that a slot is never idle. */
  readonly readAhead?: 0 | 1
  /**
   * Ends the run when it aborts. The run aborts it on a failure. If the source listens to its signal, a failure ends even
   * a pending read. Otherwise the run does not wait for the source, and discards its late item.
   */
  readonly controller?: AbortController
}

export interface MapConcurrentOptions<A> extends MapConcurrentSettings {
  /** Called with an item that was read and will not be mapped. */
  readonly discard?: (item: A) => void
}

/** Maps one item. The signal fires when the result is no longer needed. */
export type Mapper<A, B> = (item: A, signal: AbortSignal) => Promise<B>

/**
 * Maps several items at the same time.
 *
 * After the first failure, of an item or of the source, no more items are read and the running calls are aborted. When
 * these have settled, the results that are already done are yielded (if `ordered`, only those before the first gap), and
 * then the failure is thrown. If the reader cancels, the running calls are aborted at once.
 *
 * @shape  one result for each item, in the order that `ordered` selects
 * @units  holds at most `concurrency + readAhead` items; a reader that pauses pauses the source
 * @errors the first failure, unchanged; the reason of `controller`
 * @example pipe(keys, mapConcurrent({ concurrency: 8 })((key: string, signal) => head(key, signal)))
 */
export function mapConcurrent(
  settings: MapConcurrentSettings
): <A, B>(f: Mapper<A, B>) => (source: AsyncIterable<A>) => CancelableIterator<B>
export function mapConcurrent<A>(
  options: MapConcurrentOptions<A>
): <B>(f: Mapper<A, B>) => (source: AsyncIterable<A>) => CancelableIterator<B>
export function mapConcurrent<A>(
  options: MapConcurrentOptions<A>
): <B>(f: Mapper<A, B>) => (source: AsyncIterable<A>) => CancelableIterator<B> {
  return (f) => (source) => {
    const controller = options.controller ?? new AbortController()
    return cancelable(controller, run(options, controller, f, source))
  }
}

interface Slot<B> {
  result: O.Option<B>
}

async function* run<A, B>(
  options: MapConcurrentOptions<A>,
  controller: AbortController,
  f: Mapper<A, B>,
  source: AsyncIterable<A>
): AsyncGenerator<B, void, undefined> {
  const { ordered = false, readAhead = 1, discard = constVoid } = options
  // With NaN or 0 no item would ever run, and the run would not end.
  const concurrency = (): number => {
    const wanted = typeof options.concurrency === 'number' ? options.concurrency : options.concurrency()
    return wanted >= 1 ? wanted : 1
  }
  const { signal } = controller
  const iterator = source[Symbol.asyncIterator]()
  const now = { running: 0, reading: false, exhausted: false, ahead: O.none as O.Option<A> }
  /** Items in the order of their start, until the reader takes their result. */
  const slots: Array<Slot<B>> = []
  /** Those of the slots that are done, in the order in which they were done. */
  const ready: Array<Slot<B>> = []

  let wake = constVoid
  const waitForWake = (): Promise<void> =>
    new Promise((resolve) => {
      wake = resolve
    })
  const onAbort = (): void => wake()

  const start = async (item: A): Promise<void> => {
    const slot: Slot<B> = { result: O.none }
    slots.push(slot)
    now.running += 1
    try {
      slot.result = O.some(await f(item, signal))
      ready.push(slot)
    } catch (error) {
      controller.abort(error)
    }
    now.running -= 1
    wake()
  }
  const pull = async (): Promise<void> => {
    now.reading = true
    try {
      const next = await iterator.next()
      if (next.done === true) now.exhausted = true
      else if (signal.aborted) discard(next.value)
      else now.ahead = O.some(next.value)
    } catch (error) {
      now.exhausted = true
      controller.abort(error)
    }
    now.reading = false
    advance()
    wake()
  }
  const advance = (): void => {
    if (signal.aborted) return
    if (O.isSome(now.ahead) && slots.length < concurrency()) {
      const item = now.ahead.value
      now.ahead = O.none
      void start(item)
    }
    const isIdle = !now.reading && !now.exhausted && O.isNone(now.ahead)
    if (isIdle && slots.length < concurrency() + readAhead) void pull()
  }
  /** Takes the next result to yield, and frees its slot. */
  const take = (): O.Option<B> => {
    const slot = ordered ? slots[0] : ready[0]
    if (slot === undefined || O.isNone(slot.result)) return O.none
    slots.splice(slots.indexOf(slot), 1)
    ready.splice(ready.indexOf(slot), 1)
    return slot.result
  }
  // In a promise, because a `return` that throws must not hide the failure.
  const close = async (): Promise<void> => {
    if (!now.exhausted) await iterator.return?.()
  }
  const isOver = (): boolean =>
    now.running === 0 && (signal.aborted || (now.exhausted && slots.length === 0 && O.isNone(now.ahead)))

  signal.addEventListener('abort', onAbort)
  try {
    for (;;) {
      const result = take()
      advance()
      if (O.isSome(result)) yield result.value
      else if (isOver()) break
      else await waitForWake()
    }
    if (signal.aborted) throw signal.reason
  } finally {
    if (!isOver()) controller.abort(readerCancelled)
    while (now.running > 0) await waitForWake()
    signal.removeEventListener('abort', onAbort)
    if (O.isSome(now.ahead)) discard(now.ahead.value)
    // A source that listens to the signal ends within this turn.
    if (now.reading) await setImmediate()
    const closing = close().catch(constVoid)
    if (!now.reading) await closing
  }
}
