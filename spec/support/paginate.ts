/** `paginate` for specs that write their pages event by event: each event is a batch, and the batches are delivered one by one. */
import { pipe } from 'fp-ts/lib/function.js'
import * as TE from 'fp-ts/lib/TaskEither.js'
import type { CosError } from '../../lib/core/error.js'
import type { CancelableIterator } from '../../lib/stages/cancelable.js'
import { oneByOne } from '../../lib/stages/one-by-one.js'
import {
  paginate as paginateBatches,
  type PageEvent,
  type PaginateOptions
} from '../../lib/stages/paginate.js'

export type FetchPage<Item, Cursor> = (
  cursor: Cursor,
  signal: AbortSignal
) => TE.TaskEither<CosError, AsyncIterable<PageEvent<Item, Cursor>>>

/** By hand: a generator in the middle of a read would not pass `return` on. */
const inBatches = <A>(events: AsyncIterable<A>): AsyncIterable<ReadonlyArray<A>> => ({
  [Symbol.asyncIterator]: () => {
    const iterator = events[Symbol.asyncIterator]()
    return {
      next: async () => {
        const result = await iterator.next()
        return result.done === true
          ? { done: true, value: undefined }
          : { done: false, value: [result.value] }
      },
      return: async () => {
        await iterator.return?.()
        return { done: true, value: undefined }
      }
    }
  }
})

export const paginate =
  <Cursor, Item extends { readonly cursor: Cursor }>(
    { controller = new AbortController(), ...options }: PaginateOptions,
    fetchPage: FetchPage<Item, Cursor>
  ) =>
  (start: Cursor): CancelableIterator<Item> =>
    oneByOne(
      controller.signal,
      paginateBatches<Cursor, Item>({ ...options, controller }, (cursor, signal) =>
        pipe(fetchPage(cursor, signal), TE.map(inBatches))
      )(start)
    )
