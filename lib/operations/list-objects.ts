/** GET Bucket (List Objects): the objects of a bucket, in the order of their keys' UTF-8, a page at a time. */
import { pipe } from 'fp-ts/lib/function.js'
import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import * as t from 'io-ts'
import * as D from '../core/decoder.js'
import * as In from '../core/input.js'
import * as Op from '../core/operation.js'
import * as R from '../core/request.js'
import * as W from '../core/wire.js'
import { toFields, type Element } from '../core/xml.js'
import { responseMetadata, maybe, perhaps, Text, type ResponseMetadata } from './responses/metadata.js'
import {
  cursorAt,
  listingEvents,
  ListingCursor,
  markerOf,
  type ListingEvent,
  type Order
} from './responses/listing-events.js'
import {
  Class,
  Echo,
  echo,
  encodingOf,
  endOf,
  fields,
  Owned,
  textOf,
  wholePage,
  type Owner,
  type Page,
  type Problems
} from './responses/listing-page.js'
import {
  encoding,
  listing,
  listingQuery,
  PageSize,
  QueryText,
  type Encoding,
  type Listing
} from './parameters/listing.js'
import type { StorageClass } from './parameters/storage.js'

// -- input --
export interface ListObjectsInput extends R.BucketRef, Listing, Encoding {
  /** Keys behind this one, which need not exist. */
  readonly marker?: string
  /** Objects and common prefixes in a page, together: 1 to 1,000, and 1,000 where left out. */
  readonly maxKeys?: number
}

/** As of `listObjects`, and where to go on; texts are always decoded. */
export interface ListObjectEventsInput extends Omit<ListObjectsInput, 'encodingType'> {
  /** An entry's cursor: behind that entry. Wins over `marker`. */
  readonly cursor?: ListingCursor
}

const inputFields = {
  ...R.bucketRef,
  ...listing,
  marker: In.optional(QueryText),
  maxKeys: In.optional(PageSize)
}

const Input = In.struct<ListObjectsInput>('ListObjectsInput', { ...inputFields, ...encoding })

const EventsInput = In.struct<ListObjectEventsInput>('ListObjectEventsInput', {
  ...inputFields,
  cursor: In.optional(ListingCursor)
})

// -- request --
const request = (input: ListObjectsInput): R.Request =>
  pipe(
    R.onBucket('GET')(input),
    R.withQuery({ ...listingQuery(input), marker: input.marker || undefined, 'max-keys': input.maxKeys })
  )

/** Where a listing begins. */
export const objectsStart = ({
  cursor: from,
  marker
}: Pick<ListObjectEventsInput, 'cursor' | 'marker'>): ListingCursor => from ?? cursorAt(marker)

// -- output --
export interface ObjectEntry {
  readonly _tag: 'Object'
  readonly key: string
  readonly lastModified: Date
  /** Opaque, quotes included. */
  readonly etag: string
  /** In bytes. */
  readonly size: number
  readonly owner: O.Option<Owner>
  readonly storageClass: StorageClass
  /** `FREQUENT` or `INFREQUENT`, of an object with intelligent tiering. */
  readonly storageTier: O.Option<string>
  /** `ONGOING`, `DONE` or `FAILED`, of an archived object that was to be restored. */
  readonly restoreStatus: O.Option<string>
}

export interface ObjectPageHead {
  readonly name: string
  readonly prefix: string
  readonly marker: string
  readonly delimiter: O.Option<string>
  readonly maxKeys: number
  /** `url` where the caller asked for it, and texts are as they came; none where they have been decoded. */
  readonly encodingType: O.Option<string>
  readonly isTruncated: boolean
  /** The marker of the next page; none of the last. Where COS forgot it, the greatest key or prefix of this page. */
  readonly nextMarker: O.Option<string>
}

export interface ObjectPage extends ObjectPageHead, ResponseMetadata {
  /** Of the bucket; none where COS did not say. */
  readonly bucketRegion: O.Option<string>
  readonly contents: ReadonlyArray<ObjectEntry>
  readonly commonPrefixes: ReadonlyArray<string>
}

const ObjectFields = t.type({
  Key: t.string,
  LastModified: W.Timestamp,
  ETag: t.string,
  Size: W.ByteCount,
  Owner: Owned,
  StorageClass: perhaps(Class),
  StorageTier: maybe(Text),
  RestoreStatus: maybe(Text)
})

const readObject =
  (text: (wire: string) => string) =>
  (row: Element): E.Either<Problems, ObjectEntry> =>
    pipe(
      W.decodeWith(ObjectFields)(toFields(row)),
      E.map((said) => ({
        _tag: 'Object',
        key: text(said.Key),
        lastModified: said.LastModified,
        etag: said.ETag,
        size: said.Size,
        owner: said.Owner,
        storageClass: O.getOrElse((): StorageClass => 'STANDARD')(said.StorageClass),
        storageTier: said.StorageTier,
        restoreStatus: said.RestoreStatus
      }))
    )

const readHead = fields(
  t.type({
    Name: Echo,
    Prefix: Echo,
    Marker: Echo,
    Delimiter: maybe(Text),
    MaxKeys: perhaps(W.ByteCount),
    IsTruncated: W.Bool,
    NextMarker: maybe(Text)
  })
)

const pageOf = (input: ListObjectsInput): Page<ObjectEntry, ObjectPageHead> => {
  const text = textOf(input)
  return {
    root: 'ListBucketResult',
    entries: new Map([['Contents', readObject(text)]]),
    head: (rows) =>
      pipe(
        readHead(rows),
        E.map((said) => ({
          name: echo(said.Name),
          prefix: text(echo(said.Prefix)),
          marker: text(echo(said.Marker)),
          delimiter: O.map(text)(said.Delimiter),
          maxKeys: O.getOrElse(() => input.maxKeys ?? 1000)(said.MaxKeys),
          encodingType: encodingOf(input),
          isTruncated: said.IsTruncated,
          nextMarker: said.IsTruncated ? O.map(text)(said.NextMarker) : O.none
        }))
      ),
    text
  }
}

const end = (
  input: ListObjectsInput,
  entries: ReadonlyArray<ObjectEntry>,
  commonPrefixes: ReadonlyArray<string>
): O.Option<string> =>
  pipe(
    endOf(input)(
      entries.map(({ key }) => ({ key, id: '' })),
      commonPrefixes
    ),
    O.map(({ key }) => key)
  )

const decode = (input: ListObjectsInput): D.Decoder<ObjectPage> =>
  pipe(
    wholePage(pageOf(input)),
    D.chainEither(({ entries, commonPrefixes, head }, response) =>
      E.right({
        ...head,
        ...responseMetadata(response),
        nextMarker: pipe(
          head.nextMarker,
          O.alt(() => (head.isTruncated ? end(input, entries, commonPrefixes) : O.none))
        ),
        bucketRegion: O.fromNullable(response.headers['x-cos-bucket-region']),
        contents: entries,
        commonPrefixes
      })
    )
  )

// -- as events --
/** Each object and common prefix of a page with its cursor, then the end of the page. */
export type ObjectEvent = ListingEvent<ObjectEntry, ObjectPageHead>

const order: Order<ObjectEntry> = { idOf: () => '', isPast: () => true }

const decodeEvents = (input: ListObjectEventsInput): D.Decoder<AsyncIterable<ObjectEvent>> =>
  listingEvents({
    page: pageOf(input),
    order,
    cursor: objectsStart(input),
    delimited: Boolean(input.delimiter),
    nextOf: ({ isTruncated, nextMarker }) => ({
      isTruncated,
      next: O.map((key: string) => ({ key, id: '' }))(nextMarker)
    })
  })

const requestEvents = (input: ListObjectEventsInput): R.Request =>
  request({ ...input, marker: markerOf(objectsStart(input)).key })

// -- operations --
/**
 * Lists objects, one page of them; `streamObjects` follows the pages.
 *
 * COS may be a moment behind: what was just put may be missing, what was just deleted may be there.
 *
 * @shape  `ListObjectsInput -> Operation<ObjectPage>`; `contents` and `commonPrefixes` are empty where nothing matches
 * @units  `size` in bytes; at most 1,000 entries
 * @errors `InvalidInput`; `ServiceError` 404 `NoSuchBucket`, 403; `DecodeError`; `TransportError` where the page was
 *         cut short
 * @source https://cloud.tencent.com/document/product/436/7734
 * @example listObjects({ bucket, prefix: 'trips/', delimiter: '/' })
 */
export const listObjects: (input: ListObjectsInput) => Op.Operation<ObjectPage> = Op.operationWith(
  'ListObjects',
  Input,
  request,
  decode
)

/**
 * Lists a page of objects as a stream: the first is out before the page has ended.
 *
 * @shape  `ListObjectEventsInput -> Operation<AsyncIterable<ObjectEvent>>`; iterate it, for it holds the connection
 * @units  holds one entry at a time
 * @errors those of `listObjects`, up to the first event as data and then as `CosException`; `DecodeError` where the
 *         marker of the next page does not lead on
 * @source https://cloud.tencent.com/document/product/436/7734
 */
export const listObjectEvents: (input: ListObjectEventsInput) => Op.Operation<AsyncIterable<ObjectEvent>> =
  Op.operationWith('ListObjects', EventsInput, requestEvents, decodeEvents)
