/** List Multipart Uploads: uploads neither completed nor aborted, whose parts are billed; one page per request. */
import { pipe } from 'fp-ts/lib/function.js'
import * as O from 'fp-ts/lib/Option.js'
import * as In from '../core/input.js'
import { compareUtf8 } from '../core/key.js'
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
interface UploadFilter extends R.BucketRef, Listing {
  /** Lists uploads of keys after this one. */
  readonly keyMarker?: string
  /** With `keyMarker`: lists also the uploads of that key with a greater upload id. Alone, COS ignores it. */
  readonly uploadIdMarker?: string
  /** Uploads and common prefixes per page, together: 1 to 1,000. Default: 1,000. */
  readonly maxUploads?: number
}

export interface ListMultipartUploadsInput extends UploadFilter, Encoding {}

/** As `ListMultipartUploadsInput`, with a cursor; texts are always decoded. */
export interface ListMultipartUploadEventsInput extends UploadFilter {
  /** The cursor of an entry: lists from behind that entry. Takes precedence over the markers. */
  readonly cursor?: ListingCursor
}

const inputFields = {
  ...R.bucketRef,
  ...listing,
  keyMarker: In.optional(QueryText),
  uploadIdMarker: In.optional(QueryText),
  maxUploads: In.optional(PageSize)
}

// -- request --
const request = (input: UploadFilter): R.Request =>
  pipe(
    R.onBucket('GET')(input),
    R.withQuery({
      uploads: '',
      ...listingQuery(input),
      'key-marker': input.keyMarker || undefined,
      'upload-id-marker': input.uploadIdMarker || undefined,
      'max-uploads': input.maxUploads
    })
  )

// -- output --
export interface UploadEntry {
  readonly _tag: 'Upload'
  readonly key: string
  readonly uploadId: string
  readonly initiator: O.Option<Row.Owner>
  readonly owner: O.Option<Row.Owner>
  readonly storageClass: StorageClass
  /** None if COS wrote it in an unknown form; `initiatedText` has it in every case. */
  readonly initiated: O.Option<Date>
  /** As COS wrote it. */
  readonly initiatedText: string
}

export interface MultipartUploadPageHead {
  readonly bucket: string
  readonly prefix: string
  readonly keyMarker: string
  readonly uploadIdMarker: string
  readonly delimiter: O.Option<string>
  readonly maxUploads: number
  /** `url` if the input asked for it: texts are then percent-encoded. None: texts are decoded. */
  readonly encodingType: O.Option<string>
  readonly isTruncated: boolean
  /** With `nextUploadIdMarker` the markers of the next page; none on the last page. */
  readonly nextKeyMarker: O.Option<string>
  /** None also if the next page begins with another key. */
  readonly nextUploadIdMarker: O.Option<string>
}

export interface MultipartUploadPage extends MultipartUploadPageHead, ResponseMetadata {
  readonly uploads: ReadonlyArray<UploadEntry>
  readonly commonPrefixes: ReadonlyArray<string>
}

/** An upload or a common prefix of a page, with its cursor; or the end of the page. */
export type MultipartUploadEvent =
  WithCursor<UploadEntry> | PageEnd<ListingCursor, MultipartUploadPageHead & ResponseMetadata>

const readUpload = (row: Row.Row): UploadEntry => ({
  _tag: 'Upload',
  key: Row.encodedText(row, 'Key'),
  uploadId: Row.nonEmptyText(row, 'UploadId'),
  initiator: Row.owner(row, 'Initiator'),
  owner: Row.owner(row, 'Owner'),
  storageClass: Row.storageClass(row),
  initiated: Row.optionalTimestamp(row, 'Initiated'),
  initiatedText: Row.textOrEmpty(row, 'Initiated')
})

const readHead = (row: Row.Row, input: ListMultipartUploadsInput): MultipartUploadPageHead => {
  const isTruncated = Row.flag(row, 'IsTruncated')
  return {
    bucket: Row.textOrEmpty(row, 'Bucket'),
    prefix: Row.encodedTextOrEmpty(row, 'Prefix'),
    keyMarker: Row.encodedTextOrEmpty(row, 'KeyMarker'),
    uploadIdMarker: Row.encodedTextOrEmpty(row, 'UploadIdMarker'),
    delimiter: Row.optionalEncodedText(row, 'Delimiter'),
    maxUploads: O.getOrElse(() => input.maxUploads ?? 1000)(Row.optionalCount(row, 'MaxUploads')),
    encodingType: O.fromNullable(input.encodingType),
    isTruncated,
    nextKeyMarker: isTruncated ? Row.optionalEncodedText(row, 'NextKeyMarker') : O.none,
    nextUploadIdMarker: isTruncated ? Row.optionalEncodedText(row, 'NextUploadIdMarker') : O.none
  }
}

// -- operations --
const operations = defineListing({
  action: 'ListMultipartUploads',
  input: In.struct<ListMultipartUploadsInput>('ListMultipartUploadsInput', { ...inputFields, ...encoding }),
  eventsInput: In.struct<ListMultipartUploadEventsInput>('ListMultipartUploadEventsInput', {
    ...inputFields,
    cursor: In.optional(ListingCursor)
  }),
  request,
  root: 'ListMultipartUploadsResult',
  entries: { Upload: readUpload },
  head: readHead,
  cursor: byKey<UploadFilter, UploadEntry, MultipartUploadPageHead>({
    marker: ({ keyMarker = '', uploadIdMarker = '' }) => ({
      key: keyMarker,
      id: keyMarker === '' ? '' : uploadIdMarker
    }),
    withMarker: ({ key, id }) => ({ keyMarker: key, uploadIdMarker: id }),
    idOf: ({ uploadId }) => uploadId,
    isUpTo: (markerId, id) => markerId === '' || compareUtf8(id, markerId) <= 0,
    nextMark: ({ nextKeyMarker, nextUploadIdMarker }) =>
      O.map((key: string) => ({ key, id: O.getOrElse(() => '')(nextUploadIdMarker) }))(nextKeyMarker),
    withNextMark: (mark) => ({ nextKeyMarker: O.some(mark.key), nextUploadIdMarker: nonEmptyId(mark) })
  }),
  page: ({ head, entries, commonPrefixes }) => ({ ...head, uploads: entries, commonPrefixes })
})

/** The cursor at which a listing begins. */
export const multipartUploadsStart: (input: ListMultipartUploadEventsInput) => ListingCursor =
  operations.start

/**
 * Lists one page of incomplete uploads; `streamMultipartUploads` lists all pages.
 *
 * A key may have several uploads.
 *
 * @shape  `ListMultipartUploadsInput -> Operation<MultipartUploadPage>`
 * @units  at most 1,000 uploads
 * @errors `InvalidInput`; `ServiceError` 404 `NoSuchBucket`, 403; `DecodeError`; `TransportError` if the page was cut
 *         short
 * @source https://cloud.tencent.com/document/product/436/7736
 */
export const listMultipartUploads: (input: ListMultipartUploadsInput) => Op.Operation<MultipartUploadPage> =
  operations.list

/**
 * Lists one page of incomplete uploads as a stream: the first upload is delivered before the page has ended.
 *
 * @shape  `ListMultipartUploadEventsInput -> Operation<AsyncIterable<MultipartUploadEvent>>`; iterate it: it holds the
 *         connection
 * @units  holds the entries of one chunk of the response
 * @errors those of `listMultipartUploads`: as data up to the first event, then thrown as `CosException`; `DecodeError`
 *         if the markers of the next page are not after this page
 * @source https://cloud.tencent.com/document/product/436/7736
 */
export const listMultipartUploadEvents: (
  input: ListMultipartUploadEventsInput
) => Op.Operation<AsyncIterable<MultipartUploadEvent>> = operations.events

/** Like `listMultipartUploadEvents`, with all events that a chunk of the response completed in one array. */
export const listMultipartUploadBatches: (
  input: ListMultipartUploadEventsInput
) => Op.Operation<AsyncIterable<ReadonlyArray<MultipartUploadEvent>>> = operations.batches
