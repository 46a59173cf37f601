/** Marks errors of the caller's own stream, to distinguish them from errors of the library. */
import { CosException, type Context } from '../core/error.js'

/**
 * Turns an error of the source into a `SourceError`. Put it directly after the source: errors of later stages are not
 * errors of the caller.
 *
 * @shape  the same items in the same order
 * @errors `SourceError`; a `CosException` of the source, and the signal's reason, unchanged
 */
export const withSourceErrors = (context: Context, signal?: AbortSignal) => {
  const toSourceError = (thrown: unknown): unknown =>
    thrown instanceof CosException || (signal?.aborted === true && thrown === signal.reason)
      ? thrown
      : new CosException({ _tag: 'SourceError', context, cause: thrown })
  // Not a generator, whose `return` would wait for a pending read.
  const convertErrors = <A>(source: AsyncIterable<A>): AsyncIterator<A, unknown> => {
    const iterator = source[Symbol.asyncIterator]()
    return {
      next: async () => {
        try {
          return await iterator.next()
        } catch (thrown) {
          throw toSourceError(thrown)
        }
      },
      return: async () => {
        try {
          await iterator.return?.()
          return { done: true, value: undefined }
        } catch (thrown) {
          throw toSourceError(thrown)
        }
      }
    }
  }
  return <A>(source: AsyncIterable<A>): AsyncIterable<A> => ({
    [Symbol.asyncIterator]: () => {
      try {
        return convertErrors(source)
      } catch (thrown) {
        throw toSourceError(thrown)
      }
    }
  })
}
