/** List Parts: the parts of an incomplete upload, one page per request. */
import { pipe } from 'fp-ts/lib/function.js'
import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import * as In from '../core/input.js'
import type * as Op from '../core/operation.js'
import * as R from '../core/request.js'
import type { PageEvent } from '../stages/paginate.js'
import { defineListing } from './responses/listing.js'
import type { ResponseMetadata } from './responses/metadata.js'
import * as Row from './responses/row.js'
import { encoding, PageSize, type Encoding } from './parameters/listing.js'
import type { StorageClass } from './parameters/storage.js'
import { UploadId } from './parameters/versions.js'

// -- input --
interface PartFilter extends R.ObjectRef {
  readonly uploadId: string
  /** Lists parts with greater numbers. Default: 0. */
  readonly partNumberMarker?: number
  /** Parts per page: 1 to 1,000. Default: 1,000. */
  readonly maxParts?: number
}

export interface ListPartsInput extends PartFilter, Encoding {}

/** As `ListPartsInput`, with a cursor; the key is always decoded. */
export interface ListPartEventsInput extends PartFilter {
  /** The cursor of a part: lists from behind that part. Takes precedence over `partNumberMarker`. */
  readonly cursor?: number
}

const Marker = In.integer(0, 10_000)

const inputFields = {
  ...R.objectRef,
  uploadId: UploadId,
  partNumberMarker: In.optional(Marker),
  maxParts: In.optional(PageSize)
}

// -- request --
const request = (input: PartFilter): R.Request =>
  pipe(
    R.get(input),
    R.withQuery({
      uploadId: input.uploadId,
      'encoding-type': 'url',
      'part-number-marker': input.partNumberMarker || undefined,
      'max-parts': input.maxParts
    })
  )

// -- output --
export interface PartEntry {
  readonly _tag: 'Part'
  readonly partNumber: number
  /** Opaque, quotes included; `completeMultipartUpload` takes it. */
  readonly etag: string
  /** In bytes. */
  readonly size: number
  /** None if COS wrote it in an unknown form; `lastModifiedText` has it in every case. */
  readonly lastModified: O.Option<Date>
  /** As COS wrote it. */
  readonly lastModifiedText: string
}

export interface PartPageHead {
  readonly bucket: string
  readonly key: string
  readonly uploadId: string
  readonly initiator: O.Option<Row.Owner>
  readonly owner: O.Option<Row.Owner>
  readonly storageClass: StorageClass
  readonly partNumberMarker: number
  readonly maxParts: number
  /** `url` if the input asked for it: the key is then percent-encoded. None: the key is decoded. */
  readonly encodingType: O.Option<string>
  readonly isTruncated: boolean
  /** The marker of the next page; none on the last page. */
  readonly nextPartNumberMarker: O.Option<number>
}

export interface PartPage extends PartPageHead, ResponseMetadata {
  /** Sorted by number. */
  readonly parts: ReadonlyArray<PartEntry>
}

export type ListedPart = PartEntry & {
  /** Its number: to resume from behind it. */
  readonly cursor: number
}

/** A part of a page with its cursor, or the end of the page. */
export type PartEvent = PageEvent<ListedPart, number, PartPageHead & ResponseMetadata>

const readPart = (row: Row.Row): PartEntry => ({
  _tag: 'Part',
  partNumber: Row.count(row, 'PartNumber'),
  etag: Row.nonEmptyText(row, 'ETag'),
  size: Row.count(row, 'Size'),
  lastModified: Row.optionalTimestamp(row, 'LastModified'),
  lastModifiedText: Row.textOrEmpty(row, 'LastModified')
})

const readHead = (row: Row.Row, input: ListPartsInput): PartPageHead => {
  const isTruncated = Row.flag(row, 'IsTruncated')
  return {
    bucket: Row.textOrEmpty(row, 'Bucket'),
    key: Row.encodedTextOrEmpty(row, 'Key'),
    uploadId: Row.textOrEmpty(row, 'UploadId'),
    initiator: Row.owner(row, 'Initiator'),
    owner: Row.owner(row, 'Owner'),
    storageClass: Row.storageClass(row),
    partNumberMarker: O.getOrElse(() => input.partNumberMarker ?? 0)(
      Row.optionalCount(row, 'PartNumberMarker')
    ),
    maxParts: O.getOrElse(() => input.maxParts ?? 1000)(Row.optionalCount(row, 'MaxParts')),
    encodingType: O.fromNullable(input.encodingType),
    isTruncated,
    nextPartNumberMarker: isTruncated ? Row.optionalCount(row, 'NextPartNumberMarker') : O.none
  }
}

// -- operations --
const operations = defineListing({
  action: 'ListParts',
  input: In.struct<ListPartsInput>('ListPartsInput', { ...inputFields, ...encoding }),
  eventsInput: In.struct<ListPartEventsInput>('ListPartEventsInput', {
    ...inputFields,
    cursor: In.optional(Marker)
  }),
  request,
  root: 'ListPartsResult',
  entries: { Part: readPart },
  head: readHead,
  // Parts have a cursor of one number, and no common prefixes.
  cursor: {
    start: ({ partNumberMarker = 0 }) => partNumberMarker,
    withCursor: (cursor) => ({ partNumberMarker: cursor }),
    follow: (start) => {
      let last = start
      return {
        entry: (part) => {
          last = Math.max(last, part.partNumber)
          return part.partNumber > start ? { ...part, cursor: part.partNumber } : undefined
        },
        commonPrefix: () => undefined,
        next: ({ isTruncated, nextPartNumberMarker }) => {
          if (!isTruncated) return E.right(O.none)
          const next = O.getOrElse(() => last)(nextPartNumberMarker)
          return next > start
            ? E.right(O.some(next))
            : E.left('the marker of the next page is not after the marker of this page')
        }
      }
    },
    completeHead: ({ entries, head }) => {
      const last = entries.reduce((greatest, { partNumber }) => Math.max(greatest, partNumber), 0)
      return head.isTruncated && O.isNone(head.nextPartNumberMarker) && last > 0
        ? { ...head, nextPartNumberMarker: O.some(last) }
        : head
    }
  },
  page: ({ head, entries }) => ({ ...head, parts: entries })
})

/** The cursor at which a listing begins. */
export const partsStart: (input: ListPartEventsInput) => number = operations.start

/**
 * Lists one page of an upload's parts; `streamParts` lists all pages.
 *
 * COS lists the size and the ETag of a part, but no checksum.
 *
 * @shape  `ListPartsInput -> Operation<PartPage>`
 * @units  `size` in bytes; at most 1,000 parts
 * @errors `InvalidInput`; `ServiceError` 404 `NoSuchUpload`, 403; `DecodeError`; `TransportError` if the page was cut
 *         short
 * @source https://cloud.tencent.com/document/product/436/7747
 */
export const listParts: (input: ListPartsInput) => Op.Operation<PartPage> = operations.list

/**
 * Lists one page of parts as a stream: the first part is delivered before the page has ended.
 *
 * @shape  `ListPartEventsInput -> Operation<AsyncIterable<PartEvent>>`; iterate it: it holds the connection
 * @units  holds the parts of one chunk of the response
 * @errors those of `listParts`: as data up to the first event, then thrown as `CosException`; `DecodeError` if the
 *         marker of the next page is not after this page
 * @source https://cloud.tencent.com/document/product/436/7747
 */
export const listPartEvents: (input: ListPartEventsInput) => Op.Operation<AsyncIterable<PartEvent>> =
  operations.events

/** Like `listPartEvents`, with all events that a chunk of the response completed in one array. */
export const listPartBatches: (
  input: ListPartEventsInput
) => Op.Operation<AsyncIterable<ReadonlyArray<PartEvent>>> = operations.batches
