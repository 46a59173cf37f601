/** GET Bucket Object Versions: the versions of a bucket's objects, and the delete markers in their place. */
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
export interface ListObjectVersionsInput extends R.BucketRef, Listing, Encoding {
  /** Versions of keys behind this one. */
  readonly keyMarker?: string
  /** With `keyMarker`: and those of that key behind this version. */
  readonly versionIdMarker?: string
  /** Versions, delete markers and common prefixes in a page, together: 1 to 1,000, and 1,000 where left out. */
  readonly maxKeys?: number
}

/** As of `listObjectVersions`, and where to go on; texts are always decoded. */
export interface ListObjectVersionEventsInput extends Omit<ListObjectVersionsInput, 'encodingType'> {
  /** An entry's cursor: behind that entry. Wins over the markers. */
  readonly cursor?: ListingCursor
}

const inputFields = {
  ...R.bucketRef,
  ...listing,
  keyMarker: In.optional(QueryText),
  versionIdMarker: In.optional(QueryText),
  maxKeys: In.optional(PageSize)
}

/** COS would ignore it, and the listing begin anew. */
const lonely = (
  input: Pick<ListObjectVersionsInput, 'keyMarker' | 'versionIdMarker'>
): O.Option<Disagreement> =>
  input.versionIdMarker && !input.keyMarker
    ? O.some({ field: 'keyMarker', expected: 'the key that versionIdMarker is a version of' })
    : O.none

const Input = crossChecked(
  In.struct<ListObjectVersionsInput>('ListObjectVersionsInput', { ...inputFields, ...encoding }),
  lonely
)

const EventsInput = crossChecked(
  In.struct<ListObjectVersionEventsInput>('ListObjectVersionEventsInput', {
    ...inputFields,
    cursor: In.optional(ListingCursor)
  }),
  lonely
)

// -- request --
const request = (input: ListObjectVersionsInput): R.Request =>
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

/** Where a listing begins. */
export const objectVersionsStart = (
  input: Pick<ListObjectVersionEventsInput, 'cursor' | 'keyMarker' | 'versionIdMarker'>
): ListingCursor => input.cursor ?? cursorAt(input.keyMarker, input.versionIdMarker)

// -- output --
interface VersionRow {
  readonly key: string
  /** `null` of what was written while versioning was suspended; empty where it was never on. */
  readonly versionId: string
  readonly isLatest: boolean
  readonly lastModified: Date
  readonly owner: O.Option<Owner>
}

export interface ObjectVersion extends VersionRow {
  readonly _tag: 'Version'
  /** Opaque, quotes included. */
  readonly etag: string
  /** In bytes. */
  readonly size: number
  readonly storageClass: StorageClass
  /** `FREQUENT` or `INFREQUENT`, of an object with intelligent tiering. */
  readonly storageTier: O.Option<string>
}

/** The object was deleted here; its older versions are still there. */
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
  /** `url` where the caller asked for it, and texts are as they came; none where they have been decoded. */
  readonly encodingType: O.Option<string>
  readonly isTruncated: boolean
  /** With `nextVersionIdMarker` the markers of the next page; none of the last. */
  readonly nextKeyMarker: O.Option<string>
  /** None also where the next page begins with another key. */
  readonly nextVersionIdMarker: O.Option<string>
}

export interface ObjectVersionPage extends ObjectVersionPageHead, ResponseMetadata {
  /** In the order of the page: by key, and of each key the newest first. */
  readonly entries: ReadonlyArray<VersionEntry>
  readonly commonPrefixes: ReadonlyArray<string>
}

const MarkerFields = t.type({
  Key: t.string,
  VersionId: Echo,
  IsLatest: W.Bool,
  LastModified: W.Timestamp,
  Owner: Owned
})

const VersionFields = t.type({
  ...MarkerFields.props,
  ETag: t.string,
  Size: W.ByteCount,
  StorageClass: perhaps(Class),
  StorageTier: maybe(Text)
})

type Read<A> = (row: Element) => E.Either<Problems, A>

const versionRowOf = (said: t.TypeOf<typeof MarkerFields>, text: (wire: string) => string): VersionRow => ({
  key: text(said.Key),
  versionId: echo(said.VersionId),
  isLatest: said.IsLatest,
  lastModified: said.LastModified,
  owner: said.Owner
})

const readMarker =
  (text: (wire: string) => string): Read<VersionEntry> =>
  (row) =>
    pipe(
      W.decodeWith(MarkerFields)(toFields(row)),
      E.map((said) => ({ _tag: 'DeleteMarker', ...versionRowOf(said, text) }))
    )

const readVersion =
  (text: (wire: string) => string): Read<VersionEntry> =>
  (row) =>
    pipe(
      W.decodeWith(VersionFields)(toFields(row)),
      E.map((said) => ({
        _tag: 'Version',
        ...versionRowOf(said, text),
        etag: said.ETag,
        size: said.Size,
        storageClass: O.getOrElse((): StorageClass => 'STANDARD')(said.StorageClass),
        storageTier: said.StorageTier
      }))
    )

const readHead = fields(
  t.type({
    Name: Echo,
    Prefix: Echo,
    KeyMarker: Echo,
    VersionIdMarker: Echo,
    Delimiter: maybe(Text),
    MaxKeys: perhaps(W.ByteCount),
    IsTruncated: W.Bool,
    NextKeyMarker: maybe(Text),
    NextVersionIdMarker: maybe(Text)
  })
)

const pageOf = (input: ListObjectVersionsInput): Page<VersionEntry, ObjectVersionPageHead> => {
  const text = textOf(input)
  return {
    root: 'ListVersionsResult',
    entries: new Map([
      ['Version', readVersion(text)],
      ['DeleteMarker', readMarker(text)]
    ]),
    head: (rows) =>
      pipe(
        readHead(rows),
        E.map((said) => ({
          name: echo(said.Name),
          prefix: text(echo(said.Prefix)),
          keyMarker: text(echo(said.KeyMarker)),
          versionIdMarker: text(echo(said.VersionIdMarker)),
          delimiter: O.map(text)(said.Delimiter),
          maxKeys: O.getOrElse(() => input.maxKeys ?? 1000)(said.MaxKeys),
          encodingType: encodingOf(input),
          isTruncated: said.IsTruncated,
          nextKeyMarker: said.IsTruncated ? O.map(text)(said.NextKeyMarker) : O.none,
          nextVersionIdMarker: said.IsTruncated ? O.map(text)(said.NextVersionIdMarker) : O.none
        }))
      ),
    text
  }
}

const markersOf = (
  end: O.Option<Mark>
): Pick<ObjectVersionPageHead, 'nextKeyMarker' | 'nextVersionIdMarker'> => ({
  nextKeyMarker: O.map(({ key }: Mark) => key)(end),
  nextVersionIdMarker: pipe(
    end,
    O.map(({ id }) => id),
    O.filter((id) => id !== '')
  )
})

const decode = (input: ListObjectVersionsInput): D.Decoder<ObjectVersionPage> =>
  pipe(
    wholePage(pageOf(input)),
    D.chainEither(({ entries, commonPrefixes, head }, response) => {
      const said = { nextKeyMarker: head.nextKeyMarker, nextVersionIdMarker: head.nextVersionIdMarker }
      const forgotten = head.isTruncated && O.isNone(head.nextKeyMarker)
      const marks = entries.map(({ key, versionId }) => ({ key, id: versionId }))
      return E.right({
        ...head,
        ...responseMetadata(response),
        ...(forgotten ? markersOf(endOf(input)(marks, commonPrefixes)) : said),
        entries,
        commonPrefixes
      })
    })
  )

// -- as events --
/** Each version, delete marker and common prefix of a page with its cursor, then the end of the page. */
export type ObjectVersionEvent = ListingEvent<VersionEntry, ObjectVersionPageHead>

// Version ids say nothing of their order: of the marker's key only the marker's own version is known to be past.
const order: Order<VersionEntry> = {
  idOf: ({ versionId }) => versionId,
  isPast: (marker, id) => marker === '' || id === marker
}

const decodeEvents = (input: ListObjectVersionEventsInput): D.Decoder<AsyncIterable<ObjectVersionEvent>> =>
  listingEvents({
    page: pageOf(input),
    order,
    cursor: objectVersionsStart(input),
    delimited: Boolean(input.delimiter),
    nextOf: ({ isTruncated, nextKeyMarker, nextVersionIdMarker }) => ({
      isTruncated,
      next: O.map((key: string) => ({ key, id: echo(nextVersionIdMarker) }))(nextKeyMarker)
    })
  })

const requestEvents = (input: ListObjectVersionEventsInput): R.Request => {
  const { key, id } = markerOf(objectVersionsStart(input))
  return request({ ...input, keyMarker: key, versionIdMarker: id })
}

// -- operations --
/**
 * Lists versions of objects, and delete markers, one page of them; `streamObjectVersions` follows the pages.
 *
 * @shape  `ListObjectVersionsInput -> Operation<ObjectVersionPage>`; `entries` told apart by `_tag`
 * @units  `size` in bytes; at most 1,000 entries
 * @errors `InvalidInput`; `ServiceError` 404 `NoSuchBucket`, 403; `DecodeError`; `TransportError` where the page was
 *         cut short
 * @source https://cloud.tencent.com/document/product/436/35521
 */
export const listObjectVersions: (input: ListObjectVersionsInput) => Op.Operation<ObjectVersionPage> =
  Op.operationWith('ListObjectVersions', Input, request, decode)

/**
 * Lists a page of versions as a stream: the first is out before the page has ended.
 *
 * Resumed in the middle of a page with a delimiter, the versions of the cursor's key may come once more.
 *
 * @shape  `ListObjectVersionEventsInput -> Operation<AsyncIterable<ObjectVersionEvent>>`; iterate it, for it holds the
 *         connection
 * @units  holds one entry at a time
 * @errors those of `listObjectVersions`, up to the first event as data and then as `CosException`; `DecodeError` where
 *         the markers of the next page do not lead on
 * @source https://cloud.tencent.com/document/product/436/35521
 */
export const listObjectVersionEvents: (
  input: ListObjectVersionEventsInput
) => Op.Operation<AsyncIterable<ObjectVersionEvent>> = Op.operationWith(
  'ListObjectVersions',
  EventsInput,
  requestEvents,
  decodeEvents
)
