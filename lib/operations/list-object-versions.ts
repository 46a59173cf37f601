/** GET Bucket Object Versions: the versions and delete markers of a bucket's objects, one page per request. */
import { pipe } from 'fp-ts/lib/function.js'
import * as O from 'fp-ts/lib/Option.js'
import * as In from '../core/input.js'
import type * as Op from '../core/operation.js'
import * as R from '../core/request.js'
import type { PageEnd } from '../stages/paginate.js'
import { defineListing } from './responses/listing.js'
import { byKey, ListingCursor, nonEmptyId, type WithCursor } from './responses/listing-cursor.js'
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
interface VersionFilter extends R.BucketRef, Listing {
  /** Lists versions of keys after this one. */
  readonly keyMarker?: string
  /** With `keyMarker`: lists also the versions of that key after this version. Alone, COS ignores it. */
  readonly versionIdMarker?: string
  /** Versions, delete markers and common prefixes per page, together: 1 to 1,000. Default: 1,000. */
  readonly maxKeys?: number
}

export interface ListObjectVersionsInput extends VersionFilter, Encoding {}

/** As `ListObjectVersionsInput`, with a cursor; texts are always decoded. */
export interface ListObjectVersionEventsInput extends VersionFilter {
  /** The cursor of an entry: lists from behind that entry. Takes precedence over the markers. */
  readonly cursor?: ListingCursor
}

const inputFields = {
  ...R.bucketRef,
  ...listing,
  keyMarker: In.optional(QueryText),
  versionIdMarker: In.optional(QueryText),
  maxKeys: In.optional(PageSize)
}

// -- request --
const request = (input: VersionFilter): R.Request =>
  pipe(
    R.onBucket('GET')(input),
    R.withQuery({
      versions: '',
      ...listingQuery(input),
      'key-marker': input.keyMarker || undefined,
      'version-id-marker': input.versionIdMarker || undefined,
      'max-keys': input.maxKeys
    })
  )

// -- output --
interface VersionRow {
  readonly key: string
  /** `null` if written while versioning was suspended; empty if versioning was never enabled. */
  readonly versionId: string
  readonly isLatest: boolean
  readonly lastModified: Date
  readonly owner: O.Option<Row.Owner>
}

export interface ObjectVersion extends VersionRow {
  readonly _tag: 'Version'
  /** Opaque, quotes included. */
  readonly etag: string
  /** In bytes. */
  readonly size: number
  readonly storageClass: StorageClass
  /** `FREQUENT` or `INFREQUENT`; of objects with intelligent tiering only. */
  readonly storageTier: O.Option<string>
}

/** The object was deleted at this point; its older versions still exist. */
export interface DeleteMarker extends VersionRow {
  readonly _tag: 'DeleteMarker'
}

export type VersionEntry = ObjectVersion | DeleteMarker

export interface ObjectVersionPageHead {
  readonly name: string
  readonly prefix: string
  readonly keyMarker: string
  readonly versionIdMarker: string
  readonly delimiter: O.Option<string>
  readonly maxKeys: number
  /** `url` if the input asked for it: texts are then percent-encoded. None: texts are decoded. */
  readonly encodingType: O.Option<string>
  readonly isTruncated: boolean
  /** With `nextVersionIdMarker` the markers of the next page; none on the last page. */
  readonly nextKeyMarker: O.Option<string>
  /** None also if the next page begins with another key. */
  readonly nextVersionIdMarker: O.Option<string>
}

export interface ObjectVersionPage extends ObjectVersionPageHead, ResponseMetadata {
  /** In the order of the page: by key, and the versions of a key from the newest. */
  readonly entries: ReadonlyArray<VersionEntry>
  readonly commonPrefixes: ReadonlyArray<string>
}

/** An entry or a common prefix of a page, with its cursor; or the end of the page. */
export type ObjectVersionEvent =
  WithCursor<VersionEntry> | PageEnd<ListingCursor, ObjectVersionPageHead & ResponseMetadata>

const readDeleteMarker = (row: Row.Row): DeleteMarker => ({
  _tag: 'DeleteMarker',
  key: Row.encodedText(row, 'Key'),
  versionId: Row.textOrEmpty(row, 'VersionId'),
  isLatest: Row.flag(row, 'IsLatest'),
  lastModified: Row.timestamp(row, 'LastModified'),
  owner: Row.owner(row, 'Owner')
})

const readVersion = (row: Row.Row): ObjectVersion => ({
  ...readDeleteMarker(row),
  _tag: 'Version',
  etag: Row.text(row, 'ETag'),
  size: Row.count(row, 'Size'),
  storageClass: Row.storageClass(row),
  storageTier: Row.optionalText(row, 'StorageTier')
})

const readHead = (row: Row.Row, input: ListObjectVersionsInput): ObjectVersionPageHead => {
  const isTruncated = Row.flag(row, 'IsTruncated')
  return {
    name: Row.textOrEmpty(row, 'Name'),
    prefix: Row.encodedTextOrEmpty(row, 'Prefix'),
    keyMarker: Row.encodedTextOrEmpty(row, 'KeyMarker'),
    versionIdMarker: Row.encodedTextOrEmpty(row, 'VersionIdMarker'),
    delimiter: Row.optionalEncodedText(row, 'Delimiter'),
    maxKeys: O.getOrElse(() => input.maxKeys ?? 1000)(Row.optionalCount(row, 'MaxKeys')),
    encodingType: O.fromNullable(input.encodingType),
    isTruncated,
    nextKeyMarker: isTruncated ? Row.optionalEncodedText(row, 'NextKeyMarker') : O.none,
    nextVersionIdMarker: isTruncated ? Row.optionalEncodedText(row, 'NextVersionIdMarker') : O.none
  }
}

// -- operations --
const operations = defineListing({
  action: 'ListObjectVersions',
  input: In.struct<ListObjectVersionsInput>('ListObjectVersionsInput', { ...inputFields, ...encoding }),
  eventsInput: In.struct<ListObjectVersionEventsInput>('ListObjectVersionEventsInput', {
    ...inputFields,
    cursor: In.optional(ListingCursor)
  }),
  request,
  root: 'ListVersionsResult',
  entries: { Version: readVersion, DeleteMarker: readDeleteMarker },
  head: readHead,
  cursor: byKey<VersionFilter, VersionEntry, ObjectVersionPageHead>({
    marker: ({ keyMarker = '', versionIdMarker = '' }) => ({
      key: keyMarker,
      id: keyMarker === '' ? '' : versionIdMarker
    }),
    withMarker: ({ key, id }) => ({ keyMarker: key, versionIdMarker: id }),
    idOf: ({ versionId }) => versionId,
    // Version ids have no order: of the marker's key only the marker's own version is known to be delivered.
    isUpTo: (markerId, id) => markerId === '' || id === markerId,
    nextMark: ({ nextKeyMarker, nextVersionIdMarker }) =>
      O.map((key: string) => ({ key, id: O.getOrElse(() => '')(nextVersionIdMarker) }))(nextKeyMarker),
    withNextMark: (mark) => ({ nextKeyMarker: O.some(mark.key), nextVersionIdMarker: nonEmptyId(mark) })
  }),
  page: ({ head, entries, commonPrefixes }) => ({ ...head, entries, commonPrefixes })
})

/** The cursor at which a listing begins. */
export const objectVersionsStart: (input: ListObjectVersionEventsInput) => ListingCursor = operations.start

/**
 * Lists one page of object versions and delete markers; `streamObjectVersions` lists all pages.
 *
 * @shape  `ListObjectVersionsInput -> Operation<ObjectVersionPage>`; the `_tag` of an entry is `Version` or
 *         `DeleteMarker`
 * @units  `size` in bytes; at most 1,000 entries
 * @errors `InvalidInput`; `ServiceError` 404 `NoSuchBucket`, 403; `DecodeError`; `TransportError` if the page was cut
 *         short
 * @source https://cloud.tencent.com/document/product/436/35521
 */
export const listObjectVersions: (input: ListObjectVersionsInput) => Op.Operation<ObjectVersionPage> =
  operations.list

/**
 * Lists one page of versions as a stream: the first version is delivered before the page has ended.
 *
 * After resuming in the middle of a page with a delimiter, versions of the cursor's key may be delivered again.
 *
 * @shape  `ListObjectVersionEventsInput -> Operation<AsyncIterable<ObjectVersionEvent>>`; iterate it: it holds the
 *         connection
 * @units  holds the entries of one chunk of the response
 * @errors those of `listObjectVersions`: as data up to the first event, then thrown as `CosException`; `DecodeError`
 *         if the markers of the next page are not after this page
 * @source https://cloud.tencent.com/document/product/436/35521
 */
export const listObjectVersionEvents: (
  input: ListObjectVersionEventsInput
) => Op.Operation<AsyncIterable<ObjectVersionEvent>> = operations.events

/** Like `listObjectVersionEvents`, with all events that a chunk of the response completed in one array. */
export const listObjectVersionBatches: (
  input: ListObjectVersionEventsInput
) => Op.Operation<AsyncIterable<ReadonlyArray<ObjectVersionEvent>>> = operations.batches
