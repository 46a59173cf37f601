/** GET Bucket (List Objects): the objects of a bucket in UTF-8 order of their keys, one page per request. */
import { pipe } from 'fp-ts/lib/function.js'
import * as O from 'fp-ts/lib/Option.js'
import * as In from '../core/input.js'
import type * as Op from '../core/operation.js'
import * as R from '../core/request.js'
import { defineListing } from './responses/listing.js'
import { byKey, ListingCursor, type WithCursor } from './responses/listing-cursor.js'
import type { PageEnd } from '../stages/paginate.js'
import type { ResponseMetadata } from './responses/metadata.js'
import * as Row from './responses/row.js'
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
interface ObjectFilter extends R.BucketRef, Listing {
  /** Lists keys after this one, which need not exist. */
  readonly marker?: string
  /** Objects and common prefixes per page, together: 1 to 1,000. Default: 1,000. */
  readonly maxKeys?: number
}

export interface ListObjectsInput extends ObjectFilter, Encoding {}

/** As `ListObjectsInput`, with a cursor; texts are always decoded. */
export interface ListObjectEventsInput extends ObjectFilter {
  /** The cursor of an entry: lists from behind that entry. Takes precedence over `marker`. */
  readonly cursor?: ListingCursor
}

const inputFields = {
  ...R.bucketRef,
  ...listing,
  marker: In.optional(QueryText),
  maxKeys: In.optional(PageSize)
}

// -- request --
const request = (input: ObjectFilter): R.Request =>
  pipe(
    R.onBucket('GET')(input),
    R.withQuery({ ...listingQuery(input), marker: input.marker || undefined, 'max-keys': input.maxKeys })
  )

// -- output --
export interface ObjectEntry {
  readonly _tag: 'Object'
  readonly key: string
  readonly lastModified: Date
  /** Opaque, quotes included. */
  readonly etag: string
  /** In bytes. */
  readonly size: number
  readonly owner: O.Option<Row.Owner>
  readonly storageClass: StorageClass
  /** `FREQUENT` or `INFREQUENT`; of objects with intelligent tiering only. */
  readonly storageTier: O.Option<string>
  /** `ONGOING`, `DONE` or `FAILED`; of archived objects with a restore request only. */
  readonly restoreStatus: O.Option<string>
}

export interface ObjectPageHead {
  readonly name: string
  readonly prefix: string
  readonly marker: string
  readonly delimiter: O.Option<string>
  readonly maxKeys: number
  /** `url` if the input asked for it: texts are then percent-encoded. None: texts are decoded. */
  readonly encodingType: O.Option<string>
  readonly isTruncated: boolean
  /** The marker of the next page; none on the last page. If COS leaves it out: the greatest key or prefix of the page. */
  readonly nextMarker: O.Option<string>
}

export interface ObjectPage extends ObjectPageHead, ResponseMetadata {
  /** Region of the bucket; none if COS did not send it. */
  readonly bucketRegion: O.Option<string>
  readonly contents: ReadonlyArray<ObjectEntry>
  readonly commonPrefixes: ReadonlyArray<string>
}

/** An entry or a common prefix of a page, with its cursor; or the end of the page. */
export type ObjectEvent = WithCursor<ObjectEntry> | PageEnd<ListingCursor, ObjectPageHead & ResponseMetadata>

const readObject = (row: Row.Row): ObjectEntry => ({
  _tag: 'Object',
  key: Row.encodedText(row, 'Key'),
  lastModified: Row.timestamp(row, 'LastModified'),
  etag: Row.text(row, 'ETag'),
  size: Row.count(row, 'Size'),
  owner: Row.owner(row, 'Owner'),
  storageClass: Row.storageClass(row),
  storageTier: Row.optionalText(row, 'StorageTier'),
  restoreStatus: Row.optionalText(row, 'RestoreStatus')
})

const readHead = (row: Row.Row, input: ListObjectsInput): ObjectPageHead => {
  const isTruncated = Row.flag(row, 'IsTruncated')
  return {
    name: Row.textOrEmpty(row, 'Name'),
    prefix: Row.encodedTextOrEmpty(row, 'Prefix'),
    marker: Row.encodedTextOrEmpty(row, 'Marker'),
    delimiter: Row.optionalEncodedText(row, 'Delimiter'),
    maxKeys: O.getOrElse(() => input.maxKeys ?? 1000)(Row.optionalCount(row, 'MaxKeys')),
    encodingType: O.fromNullable(input.encodingType),
    isTruncated,
    nextMarker: isTruncated ? Row.optionalEncodedText(row, 'NextMarker') : O.none
  }
}

// -- operations --
const operations = defineListing({
  action: 'ListObjects',
  input: In.struct<ListObjectsInput>('ListObjectsInput', { ...inputFields, ...encoding }),
  eventsInput: In.struct<ListObjectEventsInput>('ListObjectEventsInput', {
    ...inputFields,
    cursor: In.optional(ListingCursor)
  }),
  request,
  root: 'ListBucketResult',
  entries: { Contents: readObject },
  head: readHead,
  cursor: byKey<ObjectFilter, ObjectEntry, ObjectPageHead>({
    marker: ({ marker = '' }) => ({ key: marker, id: '' }),
    withMarker: ({ key }) => ({ marker: key }),
    idOf: () => '',
    isUpTo: () => true,
    nextMark: ({ nextMarker }) => O.map((key: string) => ({ key, id: '' }))(nextMarker),
    withNextMark: ({ key }) => ({ nextMarker: O.some(key) })
  }),
  page: ({ head, entries, commonPrefixes }, { headers }) => ({
    ...head,
    bucketRegion: O.fromNullable(headers['x-cos-bucket-region']),
    contents: entries,
    commonPrefixes
  })
})

/** The cursor at which a listing begins. */
export const objectsStart: (input: ListObjectEventsInput) => ListingCursor = operations.start

/**
 * Lists one page of objects; `streamObjects` lists all pages.
 *
 * Listings are eventually consistent: an object just written may be missing, one just deleted may still appear.
 *
 * @shape  `ListObjectsInput -> Operation<ObjectPage>`; `contents` and `commonPrefixes` are empty if nothing matches
 * @units  `size` in bytes; at most 1,000 entries
 * @errors `InvalidInput`; `ServiceError` 404 `NoSuchBucket`, 403; `DecodeError`; `TransportError` if the page was cut
 *         short
 * @source https://cloud.tencent.com/document/product/436/7734
 * @example listObjects({ bucket, prefix: 'trips/', delimiter: '/' })
 */
export const listObjects: (input: ListObjectsInput) => Op.Operation<ObjectPage> = operations.list

/**
 * Lists one page of objects as a stream: the first object is delivered before the page has ended.
 *
 * @shape  `ListObjectEventsInput -> Operation<AsyncIterable<ObjectEvent>>`; iterate it: it holds the connection
 * @units  holds the entries of one chunk of the response
 * @errors those of `listObjects`: as data up to the first event, then thrown as `CosException`; `DecodeError` if the
 *         marker of the next page is not after this page
 * @source https://cloud.tencent.com/document/product/436/7734
 */
export const listObjectEvents: (input: ListObjectEventsInput) => Op.Operation<AsyncIterable<ObjectEvent>> =
  operations.events

/** Like `listObjectEvents`, with all events that a chunk of the response completed in one array. */
export const listObjectBatches: (
  input: ListObjectEventsInput
) => Op.Operation<AsyncIterable<ReadonlyArray<ObjectEvent>>> = operations.batches
