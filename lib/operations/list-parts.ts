/** List Parts: what an unfinished upload has so far. */
import { pipe } from 'fp-ts/lib/function.js'
import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import * as t from 'io-ts'
import * as D from '../core/decoder.js'
import { CosException } from '../core/error.js'
import * as In from '../core/input.js'
import * as Op from '../core/operation.js'
import * as R from '../core/request.js'
import type { Response } from '../core/response.js'
import * as W from '../core/wire.js'
import type { Element } from '../core/xml.js'
import type { PageEvent } from '../stages/paginate.js'
import { responseMetadata, perhaps, Text, type ResponseMetadata } from './responses/metadata.js'
import { toEvents } from './responses/listing-events.js'
import {
  Class,
  Echo,
  echo,
  encodingOf,
  fields,
  rowFinder,
  Owned,
  textOf,
  wholePage,
  type Owner,
  type Page,
  type Problems
} from './responses/listing-page.js'
import { encoding, PageSize, type Encoding } from './parameters/listing.js'
import type { StorageClass } from './parameters/storage.js'
import { UploadId } from './parameters/versions.js'

// -- input --
export interface ListPartsInput extends R.ObjectRef, Encoding {
  readonly uploadId: string
  /** Parts with greater numbers; 0 where left out. */
  readonly partNumberMarker?: number
  /** Parts in a page: 1 to 1,000, and 1,000 where left out. */
  readonly maxParts?: number
}

/** As of `listParts`, and where to go on; the key is always decoded. */
export interface ListPartEventsInput extends Omit<ListPartsInput, 'encodingType'> {
  /** A part's cursor: behind that part. Wins over `partNumberMarker`. */
  readonly cursor?: number
}

const Marker = In.integer(0, 10_000)

const inputFields = {
  ...R.objectRef,
  uploadId: UploadId,
  partNumberMarker: In.optional(Marker),
  maxParts: In.optional(PageSize)
}

const Input = In.struct<ListPartsInput>('ListPartsInput', { ...inputFields, ...encoding })

const EventsInput = In.struct<ListPartEventsInput>('ListPartEventsInput', {
  ...inputFields,
  cursor: In.optional(Marker)
})

// -- request --
const request = (input: ListPartsInput): R.Request =>
  pipe(
    R.get(input),
    R.withQuery({
      uploadId: input.uploadId,
      'encoding-type': 'url',
      'part-number-marker': input.partNumberMarker || undefined,
      'max-parts': input.maxParts
    })
  )

/** Where a listing begins. */
export const partsStart = (input: Pick<ListPartEventsInput, 'cursor' | 'partNumberMarker'>): number =>
  input.cursor ?? input.partNumberMarker ?? 0

// -- output --
export interface PartEntry {
  readonly _tag: 'Part'
  readonly partNumber: number
  /** Opaque, quotes included; what `completeMultipartUpload` asks for. */
  readonly etag: string
  /** In bytes. */
  readonly size: number
  /** None where COS wrote it in a way that is not known; then `lastModifiedText` has it all the same. */
  readonly lastModified: O.Option<Date>
  /** As COS wrote it. */
  readonly lastModifiedText: string
}

export interface PartPageHead {
  readonly bucket: string
  readonly key: string
  readonly uploadId: string
  readonly initiator: O.Option<Owner>
  readonly owner: O.Option<Owner>
  readonly storageClass: StorageClass
  readonly partNumberMarker: number
  readonly maxParts: number
  /** `url` where the caller asked for it, and the key is as it came; none where it has been decoded. */
  readonly encodingType: O.Option<string>
  readonly isTruncated: boolean
  /** The marker of the next page; none of the last. */
  readonly nextPartNumberMarker: O.Option<number>
}

export interface PartPage extends PartPageHead, ResponseMetadata {
  /** By number. */
  readonly parts: ReadonlyArray<PartEntry>
}

const readFields = fields(
  t.type({ PartNumber: W.ByteCount, ETag: Text, Size: W.ByteCount, LastModified: Echo })
)

const readPart = (row: Element): E.Either<Problems, PartEntry> =>
  pipe(
    readFields(row.children),
    E.map((said) => ({
      _tag: 'Part',
      partNumber: said.PartNumber,
      etag: said.ETag,
      size: said.Size,
      lastModified: O.fromEither(W.Timestamp.decode(echo(said.LastModified))),
      lastModifiedText: echo(said.LastModified)
    }))
  )

const readHead = fields(
  t.type({
    Bucket: Echo,
    Key: Echo,
    UploadId: Echo,
    Initiator: Owned,
    Owner: Owned,
    StorageClass: perhaps(Class),
    PartNumberMarker: perhaps(W.ByteCount),
    MaxParts: perhaps(W.ByteCount),
    IsTruncated: W.Bool,
    NextPartNumberMarker: perhaps(W.ByteCount)
  })
)

const pageOf = (input: ListPartsInput): Page<PartEntry, PartPageHead> => {
  const text = textOf(input)
  return {
    root: 'ListPartsResult',
    entries: new Map([['Part', readPart]]),
    head: (rows) =>
      pipe(
        readHead(rows),
        E.map((said) => ({
          bucket: echo(said.Bucket),
          key: text(echo(said.Key)),
          uploadId: echo(said.UploadId),
          initiator: said.Initiator,
          owner: said.Owner,
          storageClass: O.getOrElse((): StorageClass => 'STANDARD')(said.StorageClass),
          partNumberMarker: O.getOrElse(() => input.partNumberMarker ?? 0)(said.PartNumberMarker),
          maxParts: O.getOrElse(() => input.maxParts ?? 1000)(said.MaxParts),
          encodingType: encodingOf(input),
          isTruncated: said.IsTruncated,
          nextPartNumberMarker: said.IsTruncated ? said.NextPartNumberMarker : O.none
        }))
      ),
    text
  }
}

const decode = (input: ListPartsInput): D.Decoder<PartPage> =>
  pipe(
    wholePage(pageOf(input)),
    D.chainEither(({ entries, head }, response) => {
      const last = entries.reduce((greatest, { partNumber }) => Math.max(greatest, partNumber), 0)
      const forgotten = head.isTruncated && O.isNone(head.nextPartNumberMarker) && last > 0
      return E.right({
        ...head,
        ...responseMetadata(response),
        nextPartNumberMarker: forgotten ? O.some(last) : head.nextPartNumberMarker,
        parts: entries
      })
    })
  )

// -- as events --
export type ListedPart = PartEntry & {
  /** Its number: to go on from behind it. */
  readonly cursor: number
}

/** Each part of a page with its cursor, then the end of the page. */
export type PartEvent = PageEvent<ListedPart, number, PartPageHead & ResponseMetadata>

async function* following(
  input: ListPartEventsInput,
  response: Response
): AsyncGenerator<PartEvent, void, undefined> {
  const start = partsStart(input)
  let last = start
  for await (const found of rowFinder(pageOf(input), response)) {
    if (found._tag === 'Entry') {
      const { partNumber } = found.entry
      last = Math.max(last, partNumber)
      if (partNumber > start) yield { ...found.entry, cursor: partNumber }
    } else if (found._tag === 'Head') {
      const { isTruncated, nextPartNumberMarker } = found.head
      const next = isTruncated ? O.some(O.getOrElse(() => last)(nextPartNumberMarker)) : O.none
      if (O.isSome(next) && next.value <= start) {
        throw new CosException(D.decodeError(response, ['the next marker does not lead on']))
      }
      const answer = responseMetadata(response)
      yield {
        _tag: 'PageEnd',
        next,
        page: { ...found.head, ...answer },
        context: response.context,
        requestId: answer.requestId
      }
    }
  }
}

const decodeEvents = (input: ListPartEventsInput): D.Decoder<AsyncIterable<PartEvent>> =>
  toEvents((response) => following(input, response))

const requestEvents = (input: ListPartEventsInput): R.Request =>
  request({ ...input, partNumberMarker: partsStart(input) })

// -- operations --
/**
 * Lists the parts of an upload, one page of them; `streamParts` follows the pages.
 *
 * COS lists no checksum of a part, but its size and its ETag.
 *
 * @shape  `ListPartsInput -> Operation<PartPage>`
 * @units  `size` in bytes; at most 1,000 parts
 * @errors `InvalidInput`; `ServiceError` 404 `NoSuchUpload`, 403; `DecodeError`; `TransportError` where the page was cut
 *         short
 * @source https://cloud.tencent.com/document/product/436/7747
 */
export const listParts: (input: ListPartsInput) => Op.Operation<PartPage> = Op.operationWith(
  'ListParts',
  Input,
  request,
  decode
)

/**
 * Lists a page of parts as a stream: the first is out before the page has ended.
 *
 * @shape  `ListPartEventsInput -> Operation<AsyncIterable<PartEvent>>`; iterate it, for it holds the connection
 * @units  holds one part at a time
 * @errors those of `listParts`, up to the first event as data and then as `CosException`; `DecodeError` where the marker
 *         of the next page does not lead on
 * @source https://cloud.tencent.com/document/product/436/7747
 */
export const listPartEvents: (input: ListPartEventsInput) => Op.Operation<AsyncIterable<PartEvent>> =
  Op.operationWith('ListParts', EventsInput, requestEvents, decodeEvents)
