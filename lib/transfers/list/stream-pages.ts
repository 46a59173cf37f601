/** All pages of a listing as one stream, which resumes by itself if a page breaks off. */
import * as E from 'fp-ts/lib/Either.js'
import * as TE from 'fp-ts/lib/TaskEither.js'
import { pipe } from 'fp-ts/lib/function.js'
import type { Context, CosError } from '../../core/error.js'
import type { Operation } from '../../core/operation.js'
import type { Client } from '../../client/client.js'
import { isTransient, retryDelay } from '../../client/retry.js'
import type { Scope } from '../../client/scope.js'
import { send } from '../../client/send.js'
import { waitForRetry } from '../../client/with-retries.js'
import { paginate, type PageEvent, type PaginateOptions } from '../../stages/paginate.js'
import { scopedBatches, scopedStream, type EffectStream } from '../shared/effect-stream.js'

export interface Pages<Item, Cursor> {
  readonly context: Context
  /** The start of the first page. */
  readonly cursor: Cursor
  readonly page: (cursor: Cursor) => Operation<AsyncIterable<ReadonlyArray<PageEvent<Item, Cursor>>>>
}

/** The client's retry policy for pages that break off. If the request of a page failed, `send` has used up its attempts. */
const resumeFrom =
  (
    client: Client,
    context: Context,
    requestErrors: WeakSet<CosError>
  ): NonNullable<PaginateOptions['shouldRetryPage']> =>
  (error, failures, signal) =>
  async () => {
    if (requestErrors.has(error) || !isTransient(error) || failures >= client.retry.attempts) return false
    const delay = retryDelay(client.retry, failures, error, client.clock.now())
    const waited = await waitForRetry({ ...client, signals: [signal] }, context, error, delay)()
    // If the signal fires during the wait, `paginate` reports the abort.
    return E.isRight(waited) || waited.left !== error
  }

const readPages = <Cursor, Item extends { readonly cursor: Cursor }>({
  context,
  cursor: start,
  page
}: Pages<Item, Cursor>) =>
  async function* ({ client, controller }: Scope): AsyncGenerator<ReadonlyArray<Item>, void, undefined> {
    const requestErrors = new WeakSet<CosError>()
    yield* paginate<Cursor, Item>(
      { controller, shouldRetryPage: resumeFrom(client, context, requestErrors) },
      (cursor, signal) =>
        pipe(
          send(page(cursor))({ ...client, signals: [signal] }),
          TE.mapLeft((error) => {
            requestErrors.add(error)
            return error
          })
        )
    )(start)
  }

/**
 * Follows a listing from page to page. If a page breaks off, the listing resumes after the last item. The client's retry
 * policy limits the number of failures in a row, without a new item between them.
 *
 * @shape  each item as soon as it is parsed, with the cursor that resumes the listing after it
 * @units  one page at a time; memory does not grow with the number of pages
 * @errors a `CosException` with an error of the operation
 */
export const streamPages = <Cursor, Item extends { readonly cursor: Cursor }>(
  pages: Pages<Item, Cursor>
): EffectStream<Item> => scopedBatches(pages.context, readPages(pages))

/** Like `streamPages`, with the items that arrived together in one batch. */
export const streamPageBatches = <Cursor, Item extends { readonly cursor: Cursor }>(
  pages: Pages<Item, Cursor>
): EffectStream<ReadonlyArray<Item>> => scopedStream(pages.context, readPages(pages))
