/** All pages of a listing as one stream, which goes on by itself where a page broke off. */
import * as TE from 'fp-ts/lib/TaskEither.js'
import { pipe } from 'fp-ts/lib/function.js'
import type { Context, CosError } from '../../core/error.js'
import type { Operation } from '../../core/operation.js'
import type { Client } from '../../client/client.js'
import { isTransient, waitAfter } from '../../client/retry.js'
import { pause, send } from '../../client/send.js'
import { paging, type PageEvent, type PagingOptions } from '../../stages/paginate.js'
import { streamIn, type Streaming } from '../shared/effect-stream.js'

export interface Pages<Item, Cursor> {
  readonly context: Context
  /** Where the first page begins. */
  readonly from: Cursor
  readonly page: (from: Cursor) => Operation<AsyncIterable<PageEvent<Item, Cursor>>>
}

/** The client's policy, for pages that began and broke off. One that never began has had its attempts already. */
const goingOn =
  (client: Client, context: Context, refused: WeakSet<CosError>): NonNullable<PagingOptions['goOn']> =>
  (error, failures, signal) =>
  async () => {
    if (refused.has(error) || !isTransient(error) || failures >= client.retry.attempts) return false
    const wait = waitAfter(client.retry, failures, error, client.clock.now())
    // A signal that fires meanwhile is for `paging` to tell.
    await pause(wait, { ...client, signals: [signal] }, context)
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
  from,
  page
}: Pages<Item, Cursor>): Streaming<Item> =>
  streamIn(context, async function* ({ client, stop }) {
    const refused = new WeakSet<CosError>()
    yield* paging<Cursor, Item>({ stop, goOn: goingOn(client, context, refused) }, (at, signal) =>
      pipe(
        send(page(at))({ ...client, signals: [signal] }),
        TE.mapLeft((error) => {
          refused.add(error)
          return error
        })
      )
    )(from)
  })
