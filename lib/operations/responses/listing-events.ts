/** A page as a stream: each entry with the cursor to go on from behind it, then where the next page begins. */
import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import * as TE from 'fp-ts/lib/TaskEither.js'
import type * as t from 'io-ts'
import * as D from '../../core/decoder.js'
import { CosException, fromUnknown } from '../../core/error.js'
import * as In from '../../core/input.js'
import { compareUtf8 } from '../../core/key.js'
import type { Response } from '../../core/response.js'
import type { PageEnd } from '../../stages/paginate.js'
import { QueryText } from '../parameters/listing.js'
import { responseMetadata, type ResponseMetadata } from './metadata.js'
import { rowFinder, type Mark, type Page } from './listing-page.js'

/**
 * How far a listing has come. Two marks, for COS gives the common prefixes of a page and its entries in two runs, each
 * in order: with one mark, what had not been given of the other run would be lost. Plain data: keep it as JSON.
 */
export interface ListingCursor {
  /** Entries up to this one have been given; empty: none. */
  readonly key: string
  /** Its version or upload; empty: all that have the key. */
  readonly id: string
  /** Common prefixes up to this one have been given. */
  readonly prefix: string
}

export const ListingCursor: t.Type<ListingCursor, ListingCursor, unknown> = In.struct<ListingCursor>(
  'a cursor, as an entry brought it',
  { key: QueryText, id: QueryText, prefix: QueryText }
)

/** Behind a marker, where entries and prefixes have come equally far. */
export const cursorAt = (key = '', id = ''): ListingCursor => ({ key, id, prefix: key })

/** The marker to ask with: the lesser of the two, lest anything be left out. */
export const markerOf = ({ key, id, prefix }: ListingCursor): Mark =>
  compareUtf8(prefix, key) < 0 ? { key: prefix, id: '' } : { key, id }

/** How entries of one key follow one another. */
export interface Order<Entry> {
  readonly idOf: (entry: Entry) => string
  /** Whether an entry with the marker's key lies not behind the marker. */
  readonly isPast: (marker: string, id: string) => boolean
}

const isGiven = (order: Pick<Order<never>, 'isPast'>, marker: Mark, { key, id }: Mark): boolean => {
  const way = compareUtf8(key, marker.key)
  return way < 0 || (way === 0 && order.isPast(marker.id, id))
}

/** What a page's head says of the page after it. */
export interface Next {
  readonly isTruncated: boolean
  /** None where COS forgot to say. */
  readonly next: O.Option<Mark>
}

export interface CommonPrefix {
  readonly _tag: 'CommonPrefix'
  readonly prefix: string
}

export type WithCursor<Entry> = (Entry | CommonPrefix) & { readonly cursor: ListingCursor }

export type ListingEvent<Entry, Head> = WithCursor<Entry> | PageEnd<ListingCursor, Head & ResponseMetadata>

export interface FollowingPage<Entry, Head> {
  readonly page: Page<Entry, Head>
  readonly order: Order<Entry>
  readonly cursor: ListingCursor
  /** There may be common prefixes. */
  readonly delimited: boolean
  readonly nextOf: (head: Head) => Next
}

/** Where the next page begins, if there is one; where COS forgot to say, behind the greatest that was in this. */
const nextMark = (
  order: Pick<Order<never>, 'isPast'>,
  { isTruncated, next }: Next,
  start: Mark,
  greatest: Mark
): E.Either<string, O.Option<Mark>> => {
  if (!isTruncated) return E.right(O.none)
  const mark = O.getOrElse(() => greatest)(next)
  if (!isGiven(order, start, mark)) return E.right(O.some(mark))
  return E.left(
    O.isSome(next)
      ? 'the next marker does not lead on'
      : 'there is more, but neither a next marker nor an entry to go on from'
  )
}

async function* followingPage<Entry extends { readonly key: string }, Head>(
  { page, order, cursor: from, delimited, nextOf }: FollowingPage<Entry, Head>,
  response: Response
): AsyncGenerator<ListingEvent<Entry, Head>, void, undefined> {
  const start = markerOf(from)
  let cursor = from
  let greatest = start
  const passing = (mark: Mark): void => {
    if (compareUtf8(mark.key, greatest.key) >= 0) greatest = mark
  }
  for await (const found of rowFinder(page, response)) {
    if (found._tag === 'Entry') {
      const mark = { key: found.entry.key, id: order.idOf(found.entry) }
      passing(mark)
      if (isGiven(order, from, mark)) continue
      cursor = delimited ? { ...mark, prefix: cursor.prefix } : cursorAt(mark.key, mark.id)
      yield { ...found.entry, cursor }
    } else if (found._tag === 'CommonPrefix') {
      const { prefix } = found
      passing({ key: prefix, id: '' })
      if (compareUtf8(prefix, from.prefix) <= 0) continue
      cursor = { ...cursor, prefix }
      yield { _tag: 'CommonPrefix', prefix, cursor }
    } else {
      const next = nextMark(order, nextOf(found.head), start, greatest)
      if (E.isLeft(next)) throw new CosException(D.decodeError(response, [next.left]))
      const answer = responseMetadata(response)
      yield {
        _tag: 'PageEnd',
        next: O.map(({ key, id }: Mark) => cursorAt(key, id))(next.right),
        page: { ...found.head, ...answer },
        context: response.context,
        requestId: answer.requestId
      }
    }
  }
}

async function* continueListing<A>(
  first: IteratorResult<A, void>,
  rest: AsyncGenerator<A, void, undefined>
): AsyncGenerator<A, void, undefined> {
  try {
    if (first.done === true) return
    yield first.value
    yield* rest
  } finally {
    await rest.return()
  }
}

/**
 * Reads a page as a stream. The decoder waits for the first event, so that an answer that is an error, or nothing, is a
 * `Left` that can be tried again; what fails later fails the stream. Iterate it: it holds the connection until its end.
 */
export const toEvents =
  <A>(read: (response: Response) => AsyncGenerator<A, void, undefined>): D.Decoder<AsyncIterable<A>> =>
  (response) =>
    TE.tryCatch(async () => {
      const events = read(response)
      return continueListing(await events.next(), events)
    }, fromUnknown(response.context))

export const listingEvents = <Entry extends { readonly key: string }, Head>(
  asked: FollowingPage<Entry, Head>
): D.Decoder<AsyncIterable<ListingEvent<Entry, Head>>> =>
  toEvents((response) => followingPage(asked, response))
