/** A stretch of one certain object, whatever the network does meanwhile: cut bodies go on where they were cut. */
import { pipe } from 'fp-ts/lib/function.js'
import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import * as TE from 'fp-ts/lib/TaskEither.js'
import { CosException, fromUnknown, type Context, type CosError } from '../core/error.js'
import { getObjectUnhashed, type GetObjectInput, type GetRangeResult } from '../operations/get-object.js'
import type { Client } from './client.js'
import { isTransient, retryDelay } from './retry.js'
import { sleepUnlessAborted, send } from './send.js'

/** The object as it was when the reading began. */
export interface PinnedObject extends Omit<GetObjectInput, 'range' | 'ifMatch'> {
  readonly etag: string
}

/** Bytes `first` to `last`, both included. */
export interface ByteRange {
  readonly first: number
  readonly last: number
}

// If-Match tells of another object in the place of ours, and none at all is 404.
const gone: ReadonlySet<number> = new Set([404, 412])

const changed =
  (etag: string) =>
  (error: CosError): CosError =>
    error._tag === 'ServiceError' && gone.has(error.status)
      ? { _tag: 'ObjectChanged', context: error.context, expected: etag, got: O.none }
      : error

/** COS compares ETags for us; a cache on the way may not. */
const stillIs =
  (etag: string, context: Context) =>
  (got: GetRangeResult): E.Either<CosError, GetRangeResult> => {
    if (got.etag === etag) return E.right(got)
    got.body.destroy()
    return E.left({ _tag: 'ObjectChanged', context, expected: etag, got: O.some(got.etag) })
  }

/**
 * Reads a stretch of an object that must not change meanwhile.
 *
 * A body that breaks off is asked for again from the next byte on, as often as the client's policy allows without a new
 * byte; bytes that came are never asked for twice.
 *
 * @shape  chunks in order, as they come; counted, and for the reader to hash. `answered` is told what each answer said
 * @errors `CosException` of those of `getObject`, and of `ObjectChanged` where the object was replaced or deleted
 */
export async function* readRange(
  client: Client,
  context: Context,
  { etag, ...object }: PinnedObject,
  stretch: ByteRange,
  answered?: (answer: GetRangeResult) => void
): AsyncGenerator<Uint8Array, void, undefined> {
  let at = stretch.first
  let fruitless = 0
  while (at <= stretch.last) {
    const opened = await pipe(
      send(getObjectUnhashed({ ...object, ifMatch: etag, range: { first: at, last: stretch.last } }))(client),
      TE.mapLeft(changed(etag)),
      TE.chainEitherK(stillIs(etag, context))
    )()
    if (E.isLeft(opened)) throw new CosException(opened.left)
    answered?.(opened.right)
    const began = at
    try {
      const body: AsyncIterable<Uint8Array> = opened.right.body
      for await (const chunk of body) {
        at += chunk.length
        yield chunk
      }
      return
    } catch (thrown) {
      const error = fromUnknown(context)(thrown)
      fruitless = at > began ? 1 : fruitless + 1
      if (!isTransient(error) || fruitless >= client.retry.attempts) throw new CosException(error)
      const ended = await sleepUnlessAborted(
        retryDelay(client.retry, fruitless, error, client.clock.now()),
        client,
        context
      )
      if (ended !== undefined) throw new CosException(ended)
    } finally {
      opened.right.body.destroy()
    }
  }
}
