/** All pages of a listing as one stream, which goes on by itself where a page broke off. */
import * as TE from 'fp-ts/lib/TaskEither.js'
import { pipe } from 'fp-ts/lib/function.js'
import type { Context, CosError } from '../../core/error.js'
import type { Operation } from '../../core/operation.js'
import type { Client } from '../../client/client.js'
import { isTransient, retryDelay } from '../../client/retry.js'
import { sleepUnlessAborted, send } from '../../client/send.js'
import { paginate, type PageEvent, type PaginateOptions } from '../../stages/paginate.js'
import { scopedStream, type EffectStream } from '../shared/effect-stream.js'

export interface Pages<Item, Cursor> {
  readonly context: Context
  /** Where the first page begins. */
  readonly cursor: Cursor
  readonly page: (cursor: Cursor) => Operation<AsyncIterable<PageEvent<Item, Cursor>>>
}

/** The client's policy, for pages that began and broke off. One that never began has had its attempts already. */
const resumeFrom =
  (client: Client, context: Context, refused: WeakSet<CosError>): NonNullable<PaginateOptions['goOn']> =>
  (error, failures, signal) =>
  async () => {
    if (refused.has(error) || !isTransient(error) || failures >= client.retry.attempts) return false
    const wait = retryDelay(client.retry, failures, error, client.clock.now())
    // A signal that fires meanwhile is for `paging` to tell.
    await sleepUnlessAborted(wait, { ...client, signals: [signal] }, context)
    return true
  }

/**
 * Follows a listing from page to page, and tries again, from behind the last item, as often as the client's policy
 * allows without a new one.
 *
 * @shape  each item as soon as its page has it, with the cursor to go on from behind it
 * @units  one page at a time; memory does not grow with the number of pages
 * @errors `CosFailure` of those of the operation
 */
export const streamPages = <Cursor, Item extends { readonly cursor: Cursor }>({
  context,
  cursor: from,
  page
}: Pages<Item, Cursor>): EffectStream<Item> =>
  scopedStream(context, async function* ({ client, controller: stop }) {
    const refused = new WeakSet<CosError>()
    yield* paginate<Cursor, Item>(
      { controller: stop, goOn: resumeFrom(client, context, refused) },
      (at, signal) =>
        pipe(
          send(page(at))({ ...client, signals: [signal] }),
          TE.mapLeft((error) => {
            refused.add(error)
            return error
          })
        )
    )(from)
  })
