/** Defines the two operations of a listing, a page as one value and a page as a stream, from one table. */
import { pipe } from 'fp-ts/lib/function.js'
import * as E from 'fp-ts/lib/Either.js'
import type * as O from 'fp-ts/lib/Option.js'
import type * as t from 'io-ts'
import * as D from '../../core/decoder.js'
import { xmlRows } from '../../core/xml-decoder.js'
import { CosException, fromUnknown } from '../../core/error.js'
import * as Op from '../../core/operation.js'
import type * as R from '../../core/request.js'
import type { Response } from '../../core/response.js'
import { tryTask } from '../../core/try-task.js'
import type { PageEvent } from '../../stages/paginate.js'
import type { Encoding } from '../parameters/listing.js'
import { pageReader, textDecoder, wholePage, type Page, type PageFormat } from './listing-page.js'
import { responseMetadata, type ResponseMetadata } from './metadata.js'
import type { Row } from './row.js'
import { withStatus } from './status.js'

/** Follows the rows of one page. */
export interface PageFollower<Entry, Head, Cursor, Item> {
  /** The entry with its cursor; `undefined` if it was delivered before the page's start. */
  readonly entry: (entry: Entry) => Item | undefined
  readonly commonPrefix: (prefix: string) => Item | undefined
  /** Where the next page begins; none after the last. `Left`: the problem, in words. */
  readonly next: (head: Head) => E.Either<string, O.Option<Cursor>>
}

/** How a listing is resumed after any of its entries, and continued with the next page. */
export interface CursorRules<Input, Entry, Head, Cursor, Item> {
  /** Where the listing begins by the markers of the input. */
  readonly start: (input: Input) => Cursor
  /** The markers of a cursor. */
  readonly withCursor: (cursor: Cursor) => Partial<Input>
  readonly follow: (start: Cursor, input: Input) => PageFollower<Entry, Head, Cursor, Item>
  /** Adds the marker of the next page if COS left it out. */
  readonly completeHead: (page: Page<Entry, Head>, input: Input & Encoding) => Head
}

export type FromCursor<Cursor> = { readonly cursor?: Cursor }

export interface ListingTable<Input, Entry, Head, Cursor, Item, Whole> {
  readonly action: string
  readonly input: t.Decoder<unknown, Input & Encoding>
  readonly eventsInput: t.Decoder<unknown, Input & FromCursor<Cursor>>
  readonly request: (input: Input) => R.Request
  readonly root: string
  /** Reads an entry, by the name of its element. */
  readonly entries: Readonly<Record<string, (row: Row) => Entry>>
  /** Reads the fields of the page. */
  readonly head: (row: Row, input: Input & Encoding) => Head
  readonly cursor: CursorRules<Input, Entry, Head, Cursor, Item>
  readonly page: (page: Page<Entry, Head>, response: Response) => Whole
}

export interface ListingOperations<Input, Head, Cursor, Item, Whole> {
  /** A page as one value. */
  readonly list: (input: Input & Encoding) => Op.Operation<Whole & ResponseMetadata>
  /** A page as a stream of entries; texts are decoded. */
  readonly events: (
    input: Input & FromCursor<Cursor>
  ) => Op.Operation<AsyncIterable<PageEvent<Item, Cursor, Head & ResponseMetadata>>>
  /** Like `events`, all that a chunk of the response completed in one array. */
  readonly batches: (
    input: Input & FromCursor<Cursor>
  ) => Op.Operation<AsyncIterable<ReadonlyArray<PageEvent<Item, Cursor, Head & ResponseMetadata>>>>
  /** Where a listing begins: the cursor of the input, or its markers. */
  readonly start: (input: Input & FromCursor<Cursor>) => Cursor
}

/**
 * Delivers `rest` after a first event that was already read.
 *
 * By hand, not as a generator: `yield*` would cost a second turn for each event.
 */
const resumeAfter = <A>(
  first: IteratorResult<A, void>,
  rest: AsyncGenerator<A, void, undefined>
): AsyncIterable<A> => {
  let pending: IteratorResult<A, void> | undefined = first
  return {
    [Symbol.asyncIterator]: () => ({
      next: () => {
        if (pending === undefined) return rest.next()
        const result = Promise.resolve(pending)
        pending = undefined
        return result
      },
      return: async () => {
        pending = undefined
        await rest.return()
        return { done: true, value: undefined }
      }
    })
  }
}

/**
 * Reads a page as a stream. The decoder waits for the first event: an error response or an empty one is a `Left`, which
 * can be retried; later failures fail the stream. Iterate it: it holds the connection until its end.
 */
export const toEvents =
  <A>(read: (response: Response) => AsyncGenerator<A, void, undefined>): D.Decoder<AsyncIterable<A>> =>
  (response) =>
    tryTask(
      async () => {
        const events = read(response)
        return resumeAfter(await events.next(), events)
      },
      fromUnknown(response.context, response.host)
    )

/** Yields all events that a chunk of the response completed in one array. */
async function* pageBatches<Entry, Head, Cursor, Item>(
  format: PageFormat<Entry, Head>,
  follower: PageFollower<Entry, Head, Cursor, Item>,
  response: Response
): AsyncGenerator<ReadonlyArray<PageEvent<Item, Cursor, Head & ResponseMetadata>>, void, undefined> {
  const reader = pageReader(format, response)
  for await (const rows of xmlRows(format.root, response)) {
    const batch: Array<Item> = []
    const add = (item: Item | undefined): void => {
      if (item !== undefined) batch.push(item)
    }
    try {
      for (const element of rows) {
        const row = reader.row(element)
        if (row._tag === 'Entry') add(follower.entry(row.entry))
        else if (row._tag === 'CommonPrefixes') {
          for (const prefix of row.prefixes) add(follower.commonPrefix(prefix))
        }
      }
    } catch (thrown) {
      // The entries before an invalid one are delivered first, however the response is cut into chunks.
      if (batch.length > 0) yield batch
      throw thrown
    }
    if (batch.length > 0) yield batch
  }
  const head = reader.head()
  const next = follower.next(head)
  if (E.isLeft(next)) throw new CosException(D.decodeError(response, [next.left]))
  const metadata = responseMetadata(response)
  yield [
    {
      _tag: 'PageEnd',
      next: next.right,
      page: { ...head, ...metadata },
      context: response.context,
      requestId: metadata.requestId
    }
  ]
}

async function* flatten<A>(batches: AsyncIterable<ReadonlyArray<A>>): AsyncGenerator<A, void, undefined> {
  for await (const batch of batches) yield* batch
}

/** Makes the operations of a listing. */
export const defineListing = <Input extends R.BucketRef, Entry, Head, Cursor, Item, Whole>({
  action,
  input,
  eventsInput,
  request,
  root,
  entries,
  head,
  cursor,
  page
}: ListingTable<Input, Entry, Head, Cursor, Item, Whole>): ListingOperations<
  Input,
  Head,
  Cursor,
  Item,
  Whole
> => {
  const readers = new Map(Object.entries(entries))
  const formatOf = (input: Input & Encoding): PageFormat<Entry, Head> => ({
    root,
    entries: readers,
    head: (row) => head(row, input),
    decodeText: textDecoder(input)
  })
  const start = (input: Input & FromCursor<Cursor>): Cursor => {
    // A copy: `null` of a caller without TypeScript is then an input without fields, and each page is an InvalidInput.
    const given = { ...input }
    return given.cursor ?? cursor.start(given)
  }
  const eventsWith = <A>(
    read: (input: Input & FromCursor<Cursor>, response: Response) => AsyncGenerator<A, void, undefined>
  ): ((input: Input & FromCursor<Cursor>) => Op.Operation<AsyncIterable<A>>) =>
    Op.operationWith(
      action,
      eventsInput,
      (input) => request({ ...input, ...cursor.withCursor(start(input)) }),
      (input) => withStatus(200)(toEvents((response) => read(input, response)))
    )
  return {
    list: Op.operationWith(action, input, request, (input) =>
      pipe(
        wholePage(formatOf(input)),
        D.chainEither((read, response) =>
          E.right({
            ...page({ ...read, head: cursor.completeHead(read, input) }, response),
            ...responseMetadata(response)
          })
        ),
        withStatus(200)
      )
    ),
    events: eventsWith((input, response) =>
      flatten(pageBatches(formatOf(input), cursor.follow(start(input), input), response))
    ),
    batches: eventsWith((input, response) =>
      pageBatches(formatOf(input), cursor.follow(start(input), input), response)
    ),
    start
  }
}
