/** A function of one item at a time becomes a stage that has several under way. */
import { setImmediate } from 'node:timers/promises'
import { constVoid } from 'fp-ts/lib/function.js'
import * as O from 'fp-ts/lib/Option.js'
import { cancelable, readerCancelled, type CancelableIterator } from './cancelable.js'

export interface MapConcurrentSettings {
  /** Items under way, at most: running, or done and not yet taken by the reader. At least 1. */
  readonly concurrency: number
  /** Results in the order of their items; otherwise as they come. */
  readonly ordered?: boolean
  /** Items taken from the source before a slot is free. Default: 1, so that a slot is never idle. */
  readonly readAhead?: 0 | 1
  /**
   * Stops the run when it fires, and is fired when the run fails. If the source listens to its signal, a failure ends
   * even a read that is under way; a source that does not is left behind, and its late item discarded.
   */
  readonly controller?: AbortController
}

export interface MapConcurrentOptions<A> extends MapConcurrentSettings {
  /** What becomes of an item that was read and will never be worked on. */
  readonly discard?: (item: A) => void
}

/** Works on one item; the signal fires when the result is no longer wanted. */
export type Mapper<A, B> = (item: A, signal: AbortSignal) => Promise<B>

/**
 * Works on several items at once.
 *
 * The first failure, of an item or of the source, stops the pulling and aborts the siblings; once they have settled,
 * results that were there already come out (in order: those before the gap), and then the failure. A reader that
 * leaves does the same, at once.
 *
 * @shape  one result for each item; `ordered` says in which order
 * @units  holds at most `concurrency + readAhead` items; a reader that stops holds the source back
 * @errors the first failure, as it was thrown; the reason of `stop`
 * @example pipe(keys, inParallel({ concurrency: 8 })((key: string, signal) => head(key, signal)))
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
    const stop = options.controller ?? new AbortController()
    return cancelable(stop, run(options, stop, f, source))
  }
}

interface Slot<B> {
  result: O.Option<B>
}

async function* run<A, B>(
  options: MapConcurrentOptions<A>,
  stop: AbortController,
  f: Mapper<A, B>,
  source: AsyncIterable<A>
): AsyncGenerator<B, void, undefined> {
  const { ordered = false, readAhead = 1, discard = constVoid } = options
  // NaN or 0 would be room for nothing, and so a run that never ends.
  const room = options.concurrency >= 1 ? options.concurrency : 1
  const { signal } = stop
  const iterator = source[Symbol.asyncIterator]()
  const now = { running: 0, reading: false, exhausted: false, ahead: O.none as O.Option<A> }
  /** In the order they began, until the reader takes them; and of these the ones that are done, as they came. */
  const slots: Array<Slot<B>> = []
  const ready: Array<Slot<B>> = []

  let wake = constVoid
  const woken = (): Promise<void> =>
    new Promise((resolve) => {
      wake = resolve
    })
  const onAbort = (): void => wake()

  const work = async (item: A): Promise<void> => {
    const slot: Slot<B> = { result: O.none }
    slots.push(slot)
    now.running += 1
    try {
      slot.result = O.some(await f(item, signal))
      ready.push(slot)
    } catch (error) {
      stop.abort(error)
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
      stop.abort(error)
    }
    now.reading = false
    advance()
    wake()
  }
  const advance = (): void => {
    if (signal.aborted) return
    if (O.isSome(now.ahead) && slots.length < room) {
      const item = now.ahead.value
      now.ahead = O.none
      void work(item)
    }
    const idle = !now.reading && !now.exhausted && O.isNone(now.ahead)
    if (idle && slots.length < room + readAhead) void pull()
  }
  /** The next result that is due; taking it makes room. */
  const take = (): O.Option<B> => {
    const slot = ordered ? slots[0] : ready[0]
    if (slot === undefined || O.isNone(slot.result)) return O.none
    slots.splice(slots.indexOf(slot), 1)
    ready.splice(ready.indexOf(slot), 1)
    return slot.result
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
      else await woken()
    }
    if (signal.aborted) throw signal.reason
  } finally {
    if (!isOver()) stop.abort(readerCancelled)
    while (now.running > 0) await woken()
    signal.removeEventListener('abort', onAbort)
    if (O.isSome(now.ahead)) discard(now.ahead.value)
    // A source that listens to the signal ends within this turn.
    if (now.reading) await setImmediate()
    const closing = now.exhausted ? Promise.resolve() : Promise.resolve(iterator.return?.()).catch(constVoid)
    if (!now.reading) await closing
  }
}
