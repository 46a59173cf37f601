/** A response body as a `Readable`, with a promise of its outcome. */
import type { Readable } from 'node:stream'
import * as E from 'fp-ts/lib/Either.js'
import type { TaskEither } from 'fp-ts/lib/TaskEither.js'
import { CosException, fromUnknown, type CosError } from '../../core/error.js'
import type { Response } from '../../core/response.js'
import { toReadable } from '../../stages/to-readable.js'

export interface TrackedBody<A> {
  readonly bytes: Readable
  /** Settles when the stream has ended, failed, or been destroyed. */
  readonly outcome: TaskEither<CosError, A>
}

/**
 * Makes a stream of a generator that reads a response's body.
 *
 * @shape `trackBody(response, destroyed, read)`: the stream has the bytes of `read`, and the outcome is its return value,
 *        or `destroyed()` if the stream was destroyed before its end
 */
export const trackBody = <A>(
  response: Pick<Response, 'body' | 'context' | 'host'>,
  destroyed: () => A,
  read: AsyncGenerator<Uint8Array, A, undefined>
): TrackedBody<A> => {
  let settle: (outcome: E.Either<CosError, A>) => void = () => undefined
  const outcome = new Promise<E.Either<CosError, A>>((resolve) => {
    settle = resolve
  })
  // A body may fail before it is read. Without a listener that would end the process; with one, the first read fails.
  response.body.on('error', (error) => {
    settle(E.left(fromUnknown(response.context, response.host)(error)))
  })
  async function* tracked(): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      settle(E.right(yield* read))
    } catch (thrown) {
      const error = fromUnknown(response.context, response.host)(thrown)
      settle(E.left(error))
      throw new CosException(error)
    }
  }
  const bytes = toReadable(tracked(), () => {
    // No effect after an end or a failure: a promise settles once.
    settle(E.right(destroyed()))
    response.body.destroy()
  })
  return { bytes, outcome: () => outcome }
}
