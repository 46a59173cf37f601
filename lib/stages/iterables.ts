/** Small iterators that several stages and transfers use. */
import type { CancelableIterator } from './cancelable.js'

/** Makes an `AsyncIterable` of a synchronous iterable. */
export const fromIterable = <A>(items: Iterable<A>): CancelableIterator<A> => {
  // Not an async generator, whose `yield*` of a synchronous iterable waits three times for each item.
  const iterator: Iterator<A, unknown> = items[Symbol.iterator]()
  const done = { done: true, value: undefined } as const
  return {
    next: async () => {
      const next = iterator.next()
      return next.done === true ? done : next
    },
    return: async () => {
      iterator.return?.()
      return done
    },
    [Symbol.asyncIterator]() {
      return this
    }
  }
}

/**
 * Slices chunks so that none is larger than `size`. The slices are views: no byte is copied.
 *
 * @shape  the same bytes in the same order, without empty chunks
 * @units  `size` in bytes
 */
export const sliceChunks = (size: number) =>
  function* (chunks: Iterable<Uint8Array>): Generator<Uint8Array, void, undefined> {
    for (const chunk of chunks) {
      for (let at = 0; at < chunk.length; at += size) yield chunk.subarray(at, at + size)
    }
  }
