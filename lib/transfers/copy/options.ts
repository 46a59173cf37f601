/** The parameters of a copy, and the inputs of the operations that they go to. */
import { pipe } from 'fp-ts/lib/function.js'
import * as E from 'fp-ts/lib/Either.js'
import { hostOf, type Endpoint } from '../../core/address.js'
import { strongEtag } from '../../core/etag.js'
import { invalidInput, type InvalidInput } from '../../core/error.js'
import * as In from '../../core/input.js'
import { withoutLeadingSlash } from '../../core/key.js'
import { GiB, MiB } from '../../core/limits.js'
import { contextOf, validate } from '../../core/operation.js'
import { conflict } from '../../core/problem.js'
import { objectRef, refOf } from '../../core/request.js'
import type { Client } from '../../client/client.js'
import type { CompleteMultipartUploadInput } from '../../operations/complete-multipart-upload.js'
import { copyObject, type CopyObjectInput } from '../../operations/copy-object.js'
import type { CreateMultipartUploadInput } from '../../operations/create-multipart-upload.js'
import type { HeadObjectInput, ObjectHead } from '../../operations/head-object.js'
import { accessControl } from '../../operations/parameters/access.js'
import { withCopySource, type CopySource } from '../../operations/parameters/copy-source.js'
import { withEncryption } from '../../operations/parameters/encryption.js'
import { entityMetadata } from '../../operations/parameters/metadata.js'
import { storageOptions } from '../../operations/parameters/storage.js'
import type { UploadPartCopyInput } from '../../operations/upload-part-copy.js'
import type { PartRange } from '../../stages/plan-ranges.js'
import { PartBytes } from '../../stages/part-size.js'
import { Concurrency } from '../shared/concurrency.js'
import { withProgress, type WithProgress } from '../shared/progress.js'
import { headOptions } from '../multipart/complete-upload.js'
import type { OnOrphanedUpload } from '../multipart/create-upload.js'

/** All parameters of `copyObject`, and those of a copy in parts. */
export interface CopyInput extends CopyObjectInput, WithProgress {
  /** In bytes, 1 MiB to 5 GiB. Grows if 10,000 parts of this size do not suffice. Default: 10 MiB. */
  readonly partSize?: number
  /**
   * Parts in flight, 1 to 1,000. `'auto'`: as many as the service takes, at most 64. Their bytes do not pass through this
   * process. Default: 5.
   */
  readonly concurrency?: number | 'auto'
  /**
   * In bytes. A smaller object is copied by one request, all others in parts. Default: 5 GiB; without a limit if region and
   * storage class stay the same and COS does not respond `EntityTooLarge`.
   */
  readonly threshold?: number
  /**
   * What happens to uploads of this key without parts that COS may have created for a request whose response was lost.
   * `'abort'` only if nobody else uploads to this key: another run may have created them just now. Default: `'report'`,
   * they are named in `orphanedUploads`.
   */
  readonly onOrphanedUpload?: OnOrphanedUpload
}

export const copyDefaults = { partSize: 10 * MiB, concurrency: 5, threshold: 5 * GiB } as const

/** Fields for a codec. */
export const copyOptions: In.FieldsOf<CopyInput> = {
  ...objectRef,
  ...withCopySource,
  ...entityMetadata,
  ...accessControl,
  ...withEncryption,
  ...storageOptions,
  ...withProgress,
  copyStatus: In.optional(In.oneOf('Copy', 'Replaced')),
  taggingDirective: In.optional(In.oneOf('Copy', 'Replaced')),
  partSize: In.optional(PartBytes),
  concurrency: In.optional(Concurrency),
  threshold: In.optional(In.bytes(0)),
  onOrphanedUpload: In.optional(In.oneOf('report', 'abort'))
}

const Input = In.struct<CopyInput>('CopyInput', copyOptions)

// -- validation --
type ObjectName = Pick<CopySource, 'bucket' | 'key'>

/** Whether two references name the same object, of any version. */
export const isSameKey = (a: ObjectName, b: ObjectName): boolean =>
  a.bucket === b.bucket && withoutLeadingSlash(a.key) === withoutLeadingSlash(b.key)

/** Whether source and destination are one object. The name of a bucket is unique in all regions, so it is enough. */
const isItself = ({ bucket, key, copySource }: CopyInput): boolean =>
  isSameKey(copySource, { bucket, key }) && copySource.versionId === undefined

const refuseItself =
  (action: string) =>
  (input: CopyInput): E.Either<InvalidInput, CopyInput> =>
    isItself(input) && input.copyStatus !== 'Replaced'
      ? E.left(
          invalidInput(
            contextOf(action, input),
            conflict('copyStatus', "must be 'Replaced' when source and destination are one object")
          )
        )
      : E.right(input)

/** `copyObject` checks the fields that depend on each other. */
const crossCheckedInput =
  (action: string) =>
  (input: CopyInput): E.Either<InvalidInput, CopyInput> =>
    pipe(
      copyObject(copyObjectInput(input)).request,
      E.bimap(
        (problem) => ({ ...problem, context: { ...problem.context, operation: action } }),
        () => input
      )
    )

/** Checks the input before anything is sent. `refuse` checks a copy of an object onto itself. */
export const validateCopy =
  (action: string, refuse = refuseItself(action)) =>
  (input: CopyInput): E.Either<InvalidInput, CopyInput> =>
    pipe(validate(action, Input)(input), E.chain(refuse), E.chain(crossCheckedInput(action)))

// -- regions --
/** The client for the source, whose bucket may be in another region, with another host. */
export const atSource = (
  client: Client,
  { region, endpoint }: Omit<CopySource, 'bucket' | 'key'>
): Client => ({
  ...client,
  endpoint: {
    ...In.pick('scheme', 'address')(client.endpoint),
    ...(endpoint === undefined ? In.defined({ region }) : { endpoint })
  }
})

/** The host name of a region; undefined for a custom domain, whose region is not known. */
const regionHostOf = (endpoint: Endpoint): string | undefined =>
  endpoint.domain === undefined ? hostOf(endpoint, '').toLowerCase() : undefined

const classOf = (storageClass: string | undefined): string => (storageClass ?? 'STANDARD').toUpperCase()

/** Whether region and storage class stay the same: COS then copies no bytes. */
const staysInPlace = (client: Client, input: CopyInput, source: ObjectHead): boolean =>
  regionHostOf(client.endpoint) === regionHostOf(atSource(client, input.copySource).endpoint) &&
  classOf(input.storageClass) === classOf(source.storageClass)

/**
 * Whether to copy by one request. An object of 0 bytes has no parts.
 *
 * @source https://cloud.tencent.com/document/product/436/10881 speaks of 5 GB; COS's Python SDK, which COS tests with,
 *         copies any size in one request if endpoint and class stay the same
 */
export const inOneRequest = (client: Client, input: CopyInput, source: ObjectHead): boolean =>
  source.size === 0 ||
  source.size < (input.threshold ?? copyDefaults.threshold) ||
  (input.threshold === undefined && staysInPlace(client, input, source))

// -- inputs of operations --
/** The HEAD of the source checks the conditions, once. All later requests pin the source by its ETag. */
export const copyHeadInput = (input: CopyInput): HeadObjectInput => ({
  ...In.pick('bucket', 'key', 'versionId')(input.copySource),
  ...In.defined({
    allowPathLikeKey: input.allowPathLikeKey,
    sse: input.copySourceSse,
    ifMatch: input.copySourceIfMatch,
    ifNoneMatch: input.copySourceIfNoneMatch,
    ifModifiedSince: input.copySourceIfModifiedSince,
    ifUnmodifiedSince: input.copySourceIfUnmodifiedSince
  })
})

const copyObjectInput = ({
  partSize: _size,
  concurrency: _inFlight,
  threshold: _threshold,
  onOrphanedUpload: _onOrphanedUpload,
  progress: _progress,
  onProgress: _onProgress,
  ...input
}: CopyInput): CopyObjectInput => input

/** The source as its HEAD found it: if its key is overwritten meanwhile, the copy fails. */
export const pinSource = (
  { copySource, copySourceSse }: CopyInput,
  { etag, versionId }: ObjectHead
): Pick<CopyObjectInput, 'copySource' | 'copySourceSse' | 'copySourceIfMatch'> => ({
  copySource: versionId._tag === 'Some' ? { ...copySource, versionId: versionId.value } : copySource,
  ...In.defined({ copySourceSse }),
  // COS compares it with its own ETag, which is strong.
  copySourceIfMatch: strongEtag(etag)
})

export const pinnedCopyInput = (input: CopyInput, source: ObjectHead): CopyObjectInput => {
  const {
    copySourceIfNoneMatch: _noneMatch,
    copySourceIfModifiedSince: _modified,
    copySourceIfUnmodifiedSince: _unmodified,
    ...copy
  } = copyObjectInput(input)
  return { ...copy, ...pinSource(input, source) }
}

const entity = new Set([
  'cache-control',
  'content-disposition',
  'content-encoding',
  'content-language',
  'content-type',
  'expires'
])

/** The source's metadata as raw headers: objects may have names of metadata that our codec refuses. */
export const metadataHeaders = ({ headers: raw }: ObjectHead): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries(raw).filter(([name]) => entity.has(name) || name.startsWith('x-cos-meta-'))
  )

export const copyCreateInput = (input: CopyInput, source: ObjectHead): CreateMultipartUploadInput => {
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
  } = copyObjectInput(input)
  return copyStatus === 'Replaced'
    ? create
    : { ...create, headers: { ...metadataHeaders(source), ...create.headers } }
}

export const copyPartInput = (
  input: CopyInput,
  source: ObjectHead,
  uploadId: string,
  { number, first, last }: PartRange
): UploadPartCopyInput => ({
  ...refOf(input),
  ...headOptions(input),
  ...pinSource(input, source),
  uploadId,
  partNumber: number,
  copySourceRange: { first, last }
})

export const copyCompleteInput = (
  input: CopyInput,
  uploadId: string
): Omit<CompleteMultipartUploadInput, 'parts'> => ({
  ...refOf(input),
  ...In.pick('forbidOverwrite')(input),
  uploadId
})
