/** Reads a range of one object by as many requests as it takes. A body that breaks off is resumed at the next byte. */
import { pipe } from 'fp-ts/lib/function.js'
import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import * as TE from 'fp-ts/lib/TaskEither.js'
import { CosException, fromUnknown, type Context, type CosError } from '../core/error.js'
import { isSameEtag } from '../core/etag.js'
import { KiB } from '../core/limits.js'
import type { ByteRange, Operation, RangeBody } from '../core/operation.js'
import { shortBody, wrongSize } from '../stages/length-errors.js'
import { readChunks } from '../stages/read-chunks.js'
import type { Client } from './client.js'
import { isTransient, retryDelay } from './retry.js'
import { unlimitedRetries } from './retry-budget.js'
import { waitForRetry } from './with-retries.js'

// 412: another object has the key now, so `If-Match` fails. 404: the object was deleted.
const changedStatuses: ReadonlySet<number> = new Set([404, 412])

const toObjectChanged =
  (etag: string) =>
  (error: CosError): CosError =>
    error._tag === 'ServiceError' && changedStatuses.has(error.status)
      ? { _tag: 'ObjectChanged', context: error.context, expected: etag, got: O.none }
      : error

/** Compares the ETags here too: a cache may ignore `If-Match`, and a weak ETag is not sent as a condition. */
const checkEtag =
  <A extends RangeBody>(etag: string, context: Context) =>
  (got: A): E.Either<CosError, A> => {
    if (isSameEtag(got.etag, etag)) return E.right(got)
    got.body.destroy()
    return E.left({ _tag: 'ObjectChanged', context, expected: etag, got: O.some(got.etag) })
  }

// In bytes. Otherwise a server that sends one byte and breaks off would get as many requests as the range has bytes.
const leastProgress = 64 * KiB

export interface RangeReader<A> {
  readonly client: Client
  /** For errors of the range as a whole. */
  readonly context: Context
  readonly etag: string
  /** Reads a range, as long as the object has the ETag. */
  readonly open: (etag: string, range: ByteRange) => Operation<A>
  /** `send`. */
  readonly sendOperation: (operation: Operation<A>, client: Client) => TE.TaskEither<CosError, A>
  /** Called with each response. */
  readonly onResponse?: ((response: A) => void) | undefined
}

/**
 * Reads a range of an object that must not change meanwhile.
 *
 * A body that breaks off is requested again from the next byte. A request that delivers less than 64 KiB counts as a
 * failure. The client's policy limits how many failures in a row are retried, and sets the waits between them. No request
 * starts after the overall timeout, counted from the first request without the time that the reader takes. No byte is
 * requested twice.
 *
 * @shape  chunks in order, as they arrive, as many bytes as the range has; not hashed. `onResponse` is called with each response
 * @errors `CosException` of those of `getObject`, of `ObjectChanged` if the object was replaced or
 *         deleted, and of an `IntegrityError` if a response has more bytes than the range
 */
export async function* readRangeWith<A extends RangeBody>(
  { client, context, etag, open, sendOperation, onResponse }: RangeReader<A>,
  range: ByteRange
): AsyncGenerator<Uint8Array, void, undefined> {
  const end = range.last + 1
  let position = range.first
  let failures = 0
  const { elapsed } = client.runtime
  let deadline = elapsed() + client.timeouts.overall
  while (position < end) {
    const opened = await pipe(
      sendOperation(open(etag, { first: position, last: range.last }), client),
      TE.mapLeft(toObjectChanged(etag)),
      TE.chainEitherK(checkEtag(etag, context))
    )()
    if (E.isLeft(opened)) throw new CosException(opened.left)
    onResponse?.(opened.right)
    const start = position
    try {
      for await (const chunk of readChunks(opened.right.body)) {
        if (position + chunk.length > end)
          throw wrongSize(context, end - start, position - start + chunk.length)
        position += chunk.length
        const yielded = elapsed()
        yield chunk
        deadline += elapsed() - yielded
      }
      if (position === end) return
      throw shortBody(context, opened.right.host, end - start, position - start)
    } catch (thrown) {
      const error = fromUnknown(context)(thrown)
      const hasProgressed = position - start >= leastProgress
      failures = hasProgressed ? 1 : failures + 1
      if (!isTransient(error) || failures >= client.retry.attempts) throw new CosException(error)
      const { retry } = client
      const within = {
        ...client,
        deadline: Math.min(client.deadline, deadline),
        // A request that delivered its bytes is no retry of the one before it.
        retry: hasProgressed ? { ...retry, budget: unlimitedRetries } : retry
      }
      const delay = retryDelay(retry, failures, error, client.clock.now())
      const waited = await waitForRetry(within, context, error, delay)()
      if (E.isLeft(waited)) throw new CosException(waited.left)
    } finally {
      opened.right.body.destroy()
    }
  }
}
