/** A stream that is handed on, and what became of it. */
import type { Readable } from 'node:stream'
import * as E from 'fp-ts/lib/Either.js'
import type { TaskEither } from 'fp-ts/lib/TaskEither.js'
import { CosException, fromUnknown, type CosError } from '../../core/error.js'
import type { Response } from '../../core/response.js'
import { toReadable } from '../../stages/to-readable.js'

export interface TrackedBody<A> {
  readonly bytes: Readable
  /** Settles when the stream has ended, failed, or been left; `left` is what it gives in the last case. */
  readonly outcome: TaskEither<CosError, A>
}

/**
 * Hands on what a generator makes of an answer's body.
 *
 * @shape `watched(response, left, read)`: `read`'s bytes are the stream's, and what it returns is the outcome
 */
export const trackBody = <A>(
  response: Response,
  left: () => A,
  read: AsyncGenerator<Uint8Array, A, undefined>
): TrackedBody<A> => {
  let settle: (outcome: E.Either<CosError, A>) => void = () => undefined
  const outcome = new Promise<E.Either<CosError, A>>((resolve) => {
    settle = resolve
  })
  // A body may fail before anyone reads it. Without a listener that would end the process; with this one the failure
  // waits in the body, and the first read finds it.
  response.body.on('error', (error) => {
    settle(E.left(fromUnknown(response.context, response.host)(error)))
  })
  async function* watching(): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      settle(E.right(yield* read))
    } catch (thrown) {
      const error = fromUnknown(response.context, response.host)(thrown)
      settle(E.left(error))
      throw new CosException(error)
    }
  }
  const bytes = toReadable(watching(), () => {
    // A promise settles once: after an end or a failure this is nothing.
    settle(E.right(left()))
    response.body.destroy()
  })
  return { bytes, outcome: () => outcome }
}
