/** Marks errors of the caller's own stream, to distinguish them from errors of the library. */
import { CosException, type Context } from '../core/error.js'

/**
 * Turns an error of the source into a `SourceError`. Put it directly after the source: errors of later stages are not
 * errors of the caller.
 *
 * @shape  the same items in the same order
 * @errors `SourceError`; a `CosException` of the source, and the signal's reason, unchanged
 */
export const withSourceErrors = (context: Context, signal?: AbortSignal) =>
  async function* <A>(source: AsyncIterable<A>): AsyncGenerator<A, void, undefined> {
    try {
      yield* source
    } catch (thrown) {
      if (thrown instanceof CosException || (signal?.aborted === true && thrown === signal.reason))
        throw thrown
      throw new CosException({ _tag: 'SourceError', context, cause: thrown })
    }
  }
