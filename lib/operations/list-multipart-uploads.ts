/** List Multipart Uploads: the uploads that were begun and neither completed nor aborted; their parts are billed. */
import { pipe } from 'fp-ts/lib/function.js'
import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import * as t from 'io-ts'
import * as D from '../core/decoder.js'
import * as In from '../core/input.js'
import { compareUtf8 } from '../core/key.js'
import * as Op from '../core/operation.js'
import * as R from '../core/request.js'
import * as W from '../core/wire.js'
import type { Element } from '../core/xml.js'
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
  type Mark,
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
import { crossChecked, type Disagreement } from './parameters/validation.js'
import type { StorageClass } from './parameters/storage.js'

// -- input --
export interface ListMultipartUploadsInput extends R.BucketRef, Listing, Encoding {
  /** Uploads of keys behind this one. */
  readonly keyMarker?: string
  /** With `keyMarker`: and those of that key with a greater upload id. */
  readonly uploadIdMarker?: string
  /** Uploads and common prefixes in a page, together: 1 to 1,000, and 1,000 where left out. */
  readonly maxUploads?: number
}

/** As of `listMultipartUploads`, and where to go on; texts are always decoded. */
export interface ListMultipartUploadEventsInput extends Omit<ListMultipartUploadsInput, 'encodingType'> {
  /** An entry's cursor: behind that entry. Wins over the markers. */
  readonly cursor?: ListingCursor
}

const inputFields = {
  ...R.bucketRef,
  ...listing,
  keyMarker: In.optional(QueryText),
  uploadIdMarker: In.optional(QueryText),
  maxUploads: In.optional(PageSize)
}

/** COS would ignore it, and the listing begin anew. */
const lonely = (
  input: Pick<ListMultipartUploadsInput, 'keyMarker' | 'uploadIdMarker'>
): O.Option<Disagreement> =>
  input.uploadIdMarker && !input.keyMarker
    ? O.some({ field: 'keyMarker', expected: 'the key that uploadIdMarker is an upload of' })
    : O.none

const Input = crossChecked(
  In.struct<ListMultipartUploadsInput>('ListMultipartUploadsInput', { ...inputFields, ...encoding }),
  lonely
)

const EventsInput = crossChecked(
  In.struct<ListMultipartUploadEventsInput>('ListMultipartUploadEventsInput', {
    ...inputFields,
    cursor: In.optional(ListingCursor)
  }),
  lonely
)

// -- request --
const request = (input: ListMultipartUploadsInput): R.Request =>
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

/** Where a listing begins. */
export const multipartUploadsStart = (
  input: Pick<ListMultipartUploadEventsInput, 'cursor' | 'keyMarker' | 'uploadIdMarker'>
): ListingCursor => input.cursor ?? cursorAt(input.keyMarker, input.uploadIdMarker)

// -- output --
export interface UploadEntry {
  readonly _tag: 'Upload'
  readonly key: string
  readonly uploadId: string
  readonly initiator: O.Option<Owner>
  readonly owner: O.Option<Owner>
  readonly storageClass: StorageClass
  /** None where COS wrote it in a way that is not known; then `initiatedText` has it all the same. */
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
  /** `url` where the caller asked for it, and texts are as they came; none where they have been decoded. */
  readonly encodingType: O.Option<string>
  readonly isTruncated: boolean
  /** With `nextUploadIdMarker` the markers of the next page; none of the last. */
  readonly nextKeyMarker: O.Option<string>
  /** None also where the next page begins with another key. */
  readonly nextUploadIdMarker: O.Option<string>
}

export interface MultipartUploadPage extends MultipartUploadPageHead, ResponseMetadata {
  readonly uploads: ReadonlyArray<UploadEntry>
  readonly commonPrefixes: ReadonlyArray<string>
}

const readFields = fields(
  t.type({
    Key: t.string,
    UploadId: Text,
    Initiator: Owned,
    Owner: Owned,
    StorageClass: perhaps(Class),
    Initiated: Echo
  })
)

const readUpload =
  (text: (wire: string) => string) =>
  (row: Element): E.Either<Problems, UploadEntry> =>
    pipe(
      readFields(row.children),
      E.map((said) => ({
        _tag: 'Upload',
        key: text(said.Key),
        uploadId: said.UploadId,
        initiator: said.Initiator,
        owner: said.Owner,
        storageClass: O.getOrElse((): StorageClass => 'STANDARD')(said.StorageClass),
        initiated: O.fromEither(W.Timestamp.decode(echo(said.Initiated))),
        initiatedText: echo(said.Initiated)
      }))
    )

const readHead = fields(
  t.type({
    Bucket: Echo,
    Prefix: Echo,
    KeyMarker: Echo,
    UploadIdMarker: Echo,
    Delimiter: maybe(Text),
    MaxUploads: perhaps(W.ByteCount),
    IsTruncated: W.Bool,
    NextKeyMarker: maybe(Text),
    NextUploadIdMarker: maybe(Text)
  })
)

const pageOf = (input: ListMultipartUploadsInput): Page<UploadEntry, MultipartUploadPageHead> => {
  const text = textOf(input)
  return {
    root: 'ListMultipartUploadsResult',
    entries: new Map([['Upload', readUpload(text)]]),
    head: (rows) =>
      pipe(
        readHead(rows),
        E.map((said) => ({
          bucket: echo(said.Bucket),
          prefix: text(echo(said.Prefix)),
          keyMarker: text(echo(said.KeyMarker)),
          uploadIdMarker: text(echo(said.UploadIdMarker)),
          delimiter: O.map(text)(said.Delimiter),
          maxUploads: O.getOrElse(() => input.maxUploads ?? 1000)(said.MaxUploads),
          encodingType: encodingOf(input),
          isTruncated: said.IsTruncated,
          nextKeyMarker: said.IsTruncated ? O.map(text)(said.NextKeyMarker) : O.none,
          nextUploadIdMarker: said.IsTruncated ? O.map(text)(said.NextUploadIdMarker) : O.none
        }))
      ),
    text
  }
}

const markersOf = (
  end: O.Option<Mark>
): Pick<MultipartUploadPageHead, 'nextKeyMarker' | 'nextUploadIdMarker'> => ({
  nextKeyMarker: O.map(({ key }: Mark) => key)(end),
  nextUploadIdMarker: pipe(
    end,
    O.map(({ id }) => id),
    O.filter((id) => id !== '')
  )
})

const decode = (input: ListMultipartUploadsInput): D.Decoder<MultipartUploadPage> =>
  pipe(
    wholePage(pageOf(input)),
    D.chainEither(({ entries, commonPrefixes, head }, response) => {
      const said = { nextKeyMarker: head.nextKeyMarker, nextUploadIdMarker: head.nextUploadIdMarker }
      const forgotten = head.isTruncated && O.isNone(head.nextKeyMarker)
      const marks = entries.map(({ key, uploadId }) => ({ key, id: uploadId }))
      return E.right({
        ...head,
        ...responseMetadata(response),
        ...(forgotten ? markersOf(endOf(input)(marks, commonPrefixes)) : said),
        uploads: entries,
        commonPrefixes
      })
    })
  )

// -- as events --
/** Each upload and common prefix of a page with its cursor, then the end of the page. */
export type MultipartUploadEvent = ListingEvent<UploadEntry, MultipartUploadPageHead>

const order: Order<UploadEntry> = {
  idOf: ({ uploadId }) => uploadId,
  isPast: (marker, id) => marker === '' || compareUtf8(id, marker) <= 0
}

const decodeEvents = (
  input: ListMultipartUploadEventsInput
): D.Decoder<AsyncIterable<MultipartUploadEvent>> =>
  listingEvents({
    page: pageOf(input),
    order,
    cursor: multipartUploadsStart(input),
    delimited: Boolean(input.delimiter),
    nextOf: ({ isTruncated, nextKeyMarker, nextUploadIdMarker }) => ({
      isTruncated,
      next: O.map((key: string) => ({ key, id: echo(nextUploadIdMarker) }))(nextKeyMarker)
    })
  })

const requestEvents = (input: ListMultipartUploadEventsInput): R.Request => {
  const { key, id } = markerOf(multipartUploadsStart(input))
  return request({ ...input, keyMarker: key, uploadIdMarker: id })
}

// -- operations --
/**
 * Lists unfinished uploads, one page of them; `streamMultipartUploads` follows the pages.
 *
 * Of one key there may be several.
 *
 * @shape  `ListMultipartUploadsInput -> Operation<MultipartUploadPage>`
 * @units  at most 1,000 uploads
 * @errors `InvalidInput`; `ServiceError` 404 `NoSuchBucket`, 403; `DecodeError`; `TransportError` where the page was
 *         cut short
 * @source https://cloud.tencent.com/document/product/436/7736
 */
export const listMultipartUploads: (input: ListMultipartUploadsInput) => Op.Operation<MultipartUploadPage> =
  Op.operationWith('ListMultipartUploads', Input, request, decode)

/**
 * Lists a page of unfinished uploads as a stream: the first is out before the page has ended.
 *
 * @shape  `ListMultipartUploadEventsInput -> Operation<AsyncIterable<MultipartUploadEvent>>`; iterate it, for it holds
 *         the connection
 * @units  holds one entry at a time
 * @errors those of `listMultipartUploads`, up to the first event as data and then as `CosException`; `DecodeError` where
 *         the markers of the next page do not lead on
 * @source https://cloud.tencent.com/document/product/436/7736
 */
export const listMultipartUploadEvents: (
  input: ListMultipartUploadEventsInput
) => Op.Operation<AsyncIterable<MultipartUploadEvent>> = Op.operationWith(
  'ListMultipartUploads',
  EventsInput,
  requestEvents,
  decodeEvents
)
