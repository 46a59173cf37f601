/** What a copy takes, and which of it goes to which call: to one request, or to an upload's beginning, parts and end. */
import { pipe } from 'fp-ts/lib/function.js'
import * as E from 'fp-ts/lib/Either.js'
import { hostOf, type Place } from '../../core/address.js'
import type { InvalidInput } from '../../core/error.js'
import * as In from '../../core/input.js'
import { withoutLeadingSlash } from '../../core/key.js'
import { contextOf, judge } from '../../core/operation.js'
import { objectRef, refOf } from '../../core/request.js'
import type { Client } from '../../client/client.js'
import type { CompleteMultipartUploadInput } from '../../operations/complete-multipart-upload.js'
import { copyObject, type CopyObjectInput } from '../../operations/copy-object.js'
import type { CreateMultipartUploadInput } from '../../operations/create-multipart-upload.js'
import type { HeadObjectInput, ObjectHead } from '../../operations/head-object.js'
import { accessControl } from '../../operations/parameters/access.js'
import { copying, type CopySource } from '../../operations/parameters/copy-source.js'
import { withEncryption } from '../../operations/parameters/encryption.js'
import { entityMetadata } from '../../operations/parameters/metadata.js'
import { storing } from '../../operations/parameters/storage.js'
import type { UploadPartCopyInput } from '../../operations/upload-part-copy.js'
import type { Range } from '../../stages/plan-ranges.js'
import { largestPart, smallestPart } from '../../stages/part-size.js'
import { metering, type Metering } from '../shared/progress.js'
import { headOptions } from '../multipart/lifecycle.js'

const MiB = 1024 * 1024

/** All of `copyObject`'s parameters, and how to cut what is too large for one request. */
export interface CopyInput extends CopyObjectInput, Metering {
  /** In bytes, 1 MiB to 5 GiB; 10 MiB unless said. It grows where 10,000 parts of it would not do. */
  readonly partSize?: number
  /** 5 unless said. No byte of them passes through here. */
  readonly partsInFlight?: number
  /**
   * In bytes: what is smaller is copied by one request, what is not in parts. Left out, it is 5 GiB, and an object that
   * keeps its region and its storage class is copied by one request whatever its size, as long as COS agrees.
   */
  readonly threshold?: number
}

export const defaults = { partSize: 10 * MiB, partsInFlight: 5, threshold: 5 * 1024 * MiB } as const

/** Fields for a codec. */
export const copyOptions: In.FieldsOf<CopyInput> = {
  ...objectRef,
  ...copying,
  ...entityMetadata,
  ...accessControl,
  ...withEncryption,
  ...storing,
  ...metering,
  copyStatus: In.optional(In.oneOf('Copy', 'Replaced')),
  taggingDirective: In.optional(In.oneOf('Copy', 'Replaced')),
  partSize: In.optional(In.integer(smallestPart, largestPart)),
  partsInFlight: In.optional(In.integer(1, 1000)),
  threshold: In.optional(In.integer(0))
}

const Input = In.struct<CopyInput>('CopyInput', copyOptions)

// -- judging --
type Named = Pick<CopySource, 'bucket' | 'key'>

/** Whether two names are of one object, whatever version of it. */
export const isSameKey = (a: Named, b: Named): boolean =>
  a.bucket === b.bucket && withoutLeadingSlash(a.key) === withoutLeadingSlash(b.key)

/** A bucket's name is its account's only one of that name, in whichever region: two spellings of a place are one. */
export const isItself = ({ bucket, key, copySource }: CopyInput): boolean =>
  isSameKey(copySource, { bucket, key }) && copySource.versionId === undefined

const refuseItself =
  (action: string) =>
  (input: CopyInput): E.Either<InvalidInput, CopyInput> =>
    isItself(input) && input.copyStatus !== 'Replaced'
      ? E.left({
          _tag: 'InvalidInput',
          context: contextOf(action, input),
          field: 'copyStatus',
          expected: 'Replaced, to copy an object onto itself'
        })
      : E.right(input)

/** Of the fields that must agree with one another, `copyObject` is the judge. */
const agreed =
  (action: string) =>
  (input: CopyInput): E.Either<InvalidInput, CopyInput> =>
    pipe(
      copyObject(toCopyObject(input)).request,
      E.bimap(
        (problem) => ({ ...problem, context: { ...problem.context, operation: action } }),
        () => input
      )
    )

/** Everything that can be found wrong before anything is sent; `refuse` says what of an object and itself. */
export const judgeCopy =
  (action: string, refuse = refuseItself(action)) =>
  (input: CopyInput): E.Either<InvalidInput, CopyInput> =>
    pipe(judge(action, Input)(input), E.chain(refuse), E.chain(agreed(action)))

// -- places --
/** The client, where the source is: its bucket may be in another region, under another host. */
export const atSource = (
  client: Client,
  { region, endpoint }: Omit<CopySource, 'bucket' | 'key'>
): Client => ({
  ...client,
  place: {
    ...In.pick('scheme', 'address')(client.place),
    ...(endpoint === undefined ? In.defined({ region }) : { endpoint })
  }
})

/** What is behind a custom domain or an accelerating endpoint is not known. */
const placeName = (place: Place): string | undefined =>
  place.domain === undefined ? hostOf(place, '').toLowerCase() : undefined

const classOf = (storageClass: string | undefined): string => (storageClass ?? 'STANDARD').toUpperCase()

/** Whether COS has only to say that there is another object, and moves no bytes for it. */
const staysWhereItIs = (client: Client, input: CopyInput, source: ObjectHead): boolean =>
  placeName(client.place) === placeName(atSource(client, input.copySource).place) &&
  classOf(input.storageClass) === classOf(source.storageClass)

/**
 * Whether one request is to do. Nothing can not be cut into parts.
 *
 * @source https://cloud.tencent.com/document/product/436/10881 speaks of 5 GB; COS's Python SDK, which COS tests with,
 *         copies any size in one request where neither endpoint nor class change
 */
export const inOneRequest = (client: Client, input: CopyInput, source: ObjectHead): boolean =>
  source.size === 0 ||
  source.size < (input.threshold ?? defaults.threshold) ||
  (input.threshold === undefined && staysWhereItIs(client, input, source))

// -- the calls --
/** The conditions are judged here, once: what is pinned by its ETag meets them from then on. */
export const toHead = (input: CopyInput): HeadObjectInput => ({
  ...In.pick('bucket', 'key', 'versionId')(input.copySource),
  ...In.defined({
    allowCollapsingKey: input.allowCollapsingKey,
    sse: input.copySourceSse,
    ifMatch: input.copySourceIfMatch,
    ifNoneMatch: input.copySourceIfNoneMatch,
    ifModifiedSince: input.copySourceIfModifiedSince,
    ifUnmodifiedSince: input.copySourceIfUnmodifiedSince
  })
})

export const toCopyObject = ({
  partSize: _size,
  partsInFlight: _inFlight,
  threshold: _threshold,
  meter: _meter,
  ...input
}: CopyInput): CopyObjectInput => input

/** The source as its HEAD found it, whatever is written to its key meanwhile. */
export const pinned = (
  { copySource, copySourceSse }: CopyInput,
  { etag, versionId }: ObjectHead
): Pick<CopyObjectInput, 'copySource' | 'copySourceSse' | 'copySourceIfMatch'> => ({
  copySource: versionId._tag === 'Some' ? { ...copySource, versionId: versionId.value } : copySource,
  ...In.defined({ copySourceSse }),
  copySourceIfMatch: etag
})

export const toPinnedCopy = (input: CopyInput, source: ObjectHead): CopyObjectInput => {
  const {
    copySourceIfNoneMatch: _noneMatch,
    copySourceIfModifiedSince: _modified,
    copySourceIfUnmodifiedSince: _unmodified,
    ...copy
  } = toCopyObject(input)
  return { ...copy, ...pinned(input, source) }
}

const entity = new Set([
  'cache-control',
  'content-disposition',
  'content-encoding',
  'content-language',
  'content-type',
  'expires'
])

/** What the source says of itself, word for word: COS may hold names that a codec of ours would refuse. */
const carried = ({ raw }: ObjectHead): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries(raw).filter(([name]) => entity.has(name) || name.startsWith('x-cos-meta-'))
  )

export const toCreate = (input: CopyInput, source: ObjectHead): CreateMultipartUploadInput => {
  const {
    copySource: _source,
    copySourceSse: _key,
    copySourceIfMatch: _match,
    copySourceIfNoneMatch: _noneMatch,
    copySourceIfModifiedSince: _modified,
    copySourceIfUnmodifiedSince: _unmodified,
    copyStatus = 'Copy',
    taggingDirective: _tagging,
    ...create
  } = toCopyObject(input)
  return copyStatus === 'Replaced'
    ? create
    : { ...create, headers: { ...carried(source), ...create.headers } }
}

export const toPartCopy = (
  input: CopyInput,
  source: ObjectHead,
  uploadId: string,
  { number, first, last }: Range
): UploadPartCopyInput => ({
  ...refOf(input),
  ...headOptions(input),
  ...pinned(input, source),
  uploadId,
  partNumber: number,
  copySourceRange: { first, last }
})

export const toComplete = (
  input: CopyInput,
  uploadId: string
): Omit<CompleteMultipartUploadInput, 'parts'> => ({
  ...refOf(input),
  ...In.pick('forbidOverwrite')(input),
  uploadId
})
