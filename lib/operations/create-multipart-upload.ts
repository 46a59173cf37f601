/** Initiate Multipart Upload: starts an object that is uploaded in parts. */
import { Readable } from 'node:stream'
import { pipe } from 'fp-ts/lib/function.js'
import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import * as TE from 'fp-ts/lib/TaskEither.js'
import * as t from 'io-ts'
import * as D from '../core/decoder.js'
import { fromXml } from '../core/xml-decoder.js'
import type { CosError } from '../core/error.js'
import * as In from '../core/input.js'
import { withoutLeadingSlash } from '../core/key.js'
import { KiB } from '../core/limits.js'
import * as Op from '../core/operation.js'
import * as R from '../core/request.js'
import {
  responseMetadata,
  encryptionInfo,
  type ResponseMetadata,
  type EncryptionInfo
} from './responses/metadata.js'
import { withStatus } from './responses/status.js'
import { accessControl, accessHeaders, type AccessControl } from './parameters/access.js'
import { encryptionHeaders, withEncryption, type WithEncryption } from './parameters/encryption.js'
import { entityHeaders, entityMetadata, type EntityMetadata } from './parameters/metadata.js'
import { storageOptions, storageHeaders, type StorageOptions } from './parameters/storage.js'
import { UploadId } from './parameters/versions.js'

// -- input --
/** Metadata, access control, encryption and storage of the object; its parts have only bytes. */
export interface CreateMultipartUploadInput
  extends R.ObjectRef, EntityMetadata, AccessControl, WithEncryption, StorageOptions {}

const Input = In.struct<CreateMultipartUploadInput>('CreateMultipartUploadInput', {
  ...R.objectRef,
  ...entityMetadata,
  ...accessControl,
  ...withEncryption,
  ...storageOptions
})

// -- request --
const request = (input: CreateMultipartUploadInput): R.Request =>
  pipe(
    R.post(input),
    R.withQuery({ uploads: '' }),
    R.withHeaders({
      ...entityHeaders(input),
      ...accessHeaders(input),
      ...encryptionHeaders(input),
      ...storageHeaders(input)
    })
  )

// -- output --
export interface CreateMultipartUploadResult extends ResponseMetadata {
  readonly bucket: string
  readonly key: string
  /** Opaque. Store it: parts are billed until the upload is completed or aborted. */
  readonly uploadId: string
  readonly sse: O.Option<EncryptionInfo>
}

const root = 'InitiateMultipartUploadResult'

const Named = t.intersection([
  t.partial({ Bucket: t.string, Key: t.string }),
  // One of COS's pages spells it `UploadID`.
  t.union([t.type({ UploadId }), t.type({ UploadID: UploadId })])
])

const responseLimit = 64 * KiB

/**
 * Finds the upload id in a document that is not well-formed: a key may have characters that XML cannot express, and an
 * upload without a known id can be neither completed nor aborted.
 */
const fromText = (bytes: Uint8Array) => (error: CosError) =>
  pipe(
    O.fromNullable(/<UploadI[dD]>([^<]+)<\/UploadI[dD]>/.exec(Buffer.from(bytes).toString('latin1'))?.[1]),
    O.filter(() => error._tag !== 'ServiceError'),
    O.match(
      () => TE.left(error),
      (uploadId) => TE.right<CosError, t.TypeOf<typeof Named>>({ UploadId: uploadId })
    )
  )

const named: D.Decoder<t.TypeOf<typeof Named>> = (response) =>
  pipe(
    D.readBytes(responseLimit)(response),
    TE.chain((bytes) =>
      pipe(fromXml(root, Named)({ ...response, body: Readable.from([bytes]) }), TE.orElse(fromText(bytes)))
    )
  )

const decode = (input: CreateMultipartUploadInput): Op.Decoder<CreateMultipartUploadResult> =>
  pipe(
    named,
    D.chainEither((named, response) =>
      E.right({
        ...responseMetadata(response),
        bucket: named.Bucket ?? input.bucket,
        key: named.Key ?? withoutLeadingSlash(input.key),
        uploadId: 'UploadId' in named ? named.UploadId : named.UploadID,
        sse: encryptionInfo(response.headers)
      })
    ),
    withStatus(200)
  )

// -- operation --
/**
 * Starts an upload in parts. Listings of objects do not show it before it is completed.
 *
 * Set `contentType` here: changing it later takes a copy.
 *
 * @shape  `CreateMultipartUploadInput -> Operation<CreateMultipartUploadResult>`
 * @errors `InvalidInput`; `ServiceError` 403, 400 of the storage class or the encryption; `DecodeError`
 * @source https://cloud.tencent.com/document/product/436/7746
 */
export const createMultipartUpload: (
  input: CreateMultipartUploadInput
) => Op.Operation<CreateMultipartUploadResult> = Op.operationWith(
  'CreateMultipartUpload',
  Input,
  request,
  decode
)
