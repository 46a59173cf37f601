/** Errors of the caller's own stream, told apart from ours. */
import { CosException, type Context } from '../core/error.js'

/**
 * Turns what the source throws into a `SourceError`. Put it right behind the source: an error from further down the
 * pipeline is not the caller's.
 *
 * @shape  the same items in the same order
 * @errors `SourceError`; a `CosException` of the source, and the signal's reason, untouched
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
