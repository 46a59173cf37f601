/** A promise that may reject, as a `TaskEither`. */
import * as E from 'fp-ts/lib/Either.js'
import type { TaskEither } from 'fp-ts/lib/TaskEither.js'

/**
 * Like `TE.tryCatch` of fp-ts, which is compiled to a state machine for ES5: it makes ten promises in place of two.
 *
 * @example tryTask(() => readFile(path), fileError(context, path))
 */
export const tryTask =
  <L, A>(run: () => Promise<A>, onThrown: (thrown: unknown) => L): TaskEither<L, A> =>
  async () => {
    try {
      return E.right(await run())
    } catch (thrown) {
      return E.left(onThrown(thrown))
    }
  }
