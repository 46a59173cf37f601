/** Reads what a call returned as a stream. A `CosException` that ends the stream is the error of the call. */
import * as TE from 'fp-ts/lib/TaskEither.js'
import { CosException, type CosError } from '../../lib/index.js'
import { toArray } from '../support/iterables.js'

/** All items. */
export const readItems = <A>(items: AsyncIterable<A>): TE.TaskEither<CosError, ReadonlyArray<A>> =>
  TE.tryCatch(
    () => toArray(items),
    (thrown) => {
      if (thrown instanceof CosException) return thrown.error
      throw thrown
    }
  )

/** The bytes of the body. */
export const readBody = ({
  body
}: {
  readonly body: AsyncIterable<Uint8Array>
}): TE.TaskEither<CosError, Buffer> => TE.map(Buffer.concat)(readItems(body))
