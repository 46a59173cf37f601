/** Items one by one from batches: a turn of the event loop's queue for a batch, not for each item of each stage. */
import type { CancelableIterator } from './cancelable.js'

/**
 * Delivers the items of batches one by one.
 *
 * By hand, not as a generator: the next item of a batch costs one settled promise, and a generator's `yield` three turns.
 *
 * @shape  the same items in the same order; empty batches are left out
 * @units  holds one batch
 * @errors those of `batches`; once `signal` has fired, the rest of a batch is not delivered
 */
export const oneByOne = <A>(
  signal: AbortSignal,
  batches: CancelableIterator<ReadonlyArray<A>>
): CancelableIterator<A> => {
  let items: Iterator<A> = [][Symbol.iterator]()
  let reading: Promise<unknown> | undefined

  const readBatch = async (): Promise<IteratorResult<A, void>> => {
    try {
      for (;;) {
        const batch = await batches.next()
        if (batch.done === true) return { done: true, value: undefined }
        items = batch.value[Symbol.iterator]()
        const first = items.next()
        if (first.done !== true) return { done: false, value: first.value }
      }
    } finally {
      reading = undefined
    }
  }
  const next = (): Promise<IteratorResult<A, void>> => {
    // Reads that overlap wait for each other, as those of a generator do.
    if (reading !== undefined) return reading.then(next, next)
    const item = signal.aborted ? undefined : items.next()
    if (item !== undefined && item.done !== true) return Promise.resolve({ done: false, value: item.value })
    const read = readBatch()
    reading = read
    return read
  }
  return {
    next,
    return: async () => {
      items = [][Symbol.iterator]()
      await batches.return()
      return { done: true, value: undefined }
    },
    [Symbol.asyncIterator]() {
      return this
    }
  }
}
