/** An iterator that its reader can cancel at any time, even during a read. */
import { setMaxListeners } from 'node:events'

/** The reason of the signal if the reader cancelled. */
export const readerCancelled = new Error('the reader left')

/** An `AsyncIterableIterator` with `return`. Not built in: before TypeScript 5.6 that type has only one type argument. */
export interface CancelableIterator<A> {
  readonly next: () => Promise<IteratorResult<A, void>>
  readonly return: () => Promise<IteratorResult<A, void>>
  readonly [Symbol.asyncIterator]: () => CancelableIterator<A>
}

/**
 * Makes `return` abort a generator at once. A generator alone finishes its pending read before it returns, so a download
 * whose server is silent would stay open until a timeout.
 *
 * @shape  the same items; `return` aborts `controller`, which must make `run` end or fail soon, with the signal's reason
 * @errors those of `run`
 */
export const cancelable = <A>(
  controller: AbortController,
  run: AsyncGenerator<A, void, undefined>
): CancelableIterator<A> => {
  // Each request in flight adds a listener. That is no leak, but Node 20 warns at the eleventh.
  setMaxListeners(0, controller.signal)
  const done = { done: true, value: undefined } as const
  let hasEnded = false
  return {
    next: async () => {
      try {
        const result = await run.next()
        if (result.done === true) hasEnded = true
        return result
      } catch (error) {
        hasEnded = true
        if (error === readerCancelled) return done
        throw error
      }
    },
    return: async () => {
      if (!hasEnded) controller.abort(readerCancelled)
      await run.return()
      return done
    },
    [Symbol.asyncIterator]() {
      return this
    }
  }
}
