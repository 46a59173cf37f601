/** An iterator whose reader can leave at any time, even in the middle of a read. */
import { setMaxListeners } from 'node:events'

/** What a stopped run's signal says when it was its own reader who left. */
export const readerCancelled = new Error('the reader left')

/** An `AsyncIterableIterator` that can always be left. Spelled out, because TypeScript before 5.6 gives that one type argument. */
export interface CancelableIterator<A> {
  readonly next: () => Promise<IteratorResult<A, void>>
  readonly return: () => Promise<IteratorResult<A, void>>
  readonly [Symbol.asyncIterator]: () => CancelableIterator<A>
}

/**
 * Lets a generator hear at once that its reader left. Asked to `return` in the middle of a read, a generator alone
 * would first finish the read, and a download whose server is silent would stay open until a deadline passed.
 *
 * @shape  the same items; leaving aborts `stop`, which must make `run` end or fail soon, with the signal's reason
 * @errors those of `run`
 */
export const cancelable = <A>(
  stop: AbortController,
  run: AsyncGenerator<A, void, undefined>
): CancelableIterator<A> => {
  // A listener for each request in flight is no leak, and Node 20 warns at the eleventh.
  setMaxListeners(0, stop.signal)
  const done = { done: true, value: undefined } as const
  let over = false
  return {
    next: async () => {
      try {
        const result = await run.next()
        if (result.done === true) over = true
        return result
      } catch (error) {
        over = true
        if (error === readerCancelled) return done
        throw error
      }
    },
    return: async () => {
      if (!over) stop.abort(readerCancelled)
      await run.return()
      return done
    },
    [Symbol.asyncIterator]() {
      return this
    }
  }
}
