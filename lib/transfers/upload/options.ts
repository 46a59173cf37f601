/** The parameters of all uploads, and the inputs of operations made from them. */
import * as O from 'fp-ts/lib/Option.js'
import * as In from '../../core/input.js'
import { MiB } from '../../core/limits.js'
import { objectRef, refOf, type BodyInput, type ObjectRef } from '../../core/request.js'
import type { HashedPart } from '../../stages/hash-parts.js'
import { PartBytes } from '../../stages/part-size.js'
import type { CompleteMultipartUploadInput } from '../../operations/complete-multipart-upload.js'
import type { CreateMultipartUploadInput } from '../../operations/create-multipart-upload.js'
import { accessControl, type AccessControl } from '../../operations/parameters/access.js'
import { uploadCallback, type UploadCallback } from '../../operations/parameters/callback.js'
import { withEncryption, type WithEncryption } from '../../operations/parameters/encryption.js'
import { entityMetadata, entityNames, type EntityMetadata } from '../../operations/parameters/metadata.js'
import {
  trafficLimit,
  storageOptions,
  type TrafficLimit,
  type StorageOptions
} from '../../operations/parameters/storage.js'
import type { PutObjectInput } from '../../operations/put-object.js'
import type { UploadPartInput } from '../../operations/upload-part.js'
import { headOptions, type OnFailure } from '../multipart/lifecycle.js'

/** All parameters of `putObject` except the body, and those of an upload in parts. */
export interface UploadOptions
  extends
    ObjectRef,
    EntityMetadata,
    AccessControl,
    WithEncryption,
    StorageOptions,
    TrafficLimit,
    UploadCallback {
  /** In bytes, 1 MiB to 5 GiB. Grows if 10,000 parts of this size do not suffice. Default: 8 MiB. */
  readonly partSize?: number
  /** Parts in flight. Default and memory: see the transfer. */
  readonly concurrency?: number
  /** Sends the MD5 of each part; COS refuses a part that differs. CRC64 is compared in any case. Default: false. */
  readonly enableMd5?: boolean
  /** What happens to the parts of a failed upload. Default: `'abort'`, for uploads that this run created. */
  readonly onFailure?: OnFailure
}

export const uploadDefaults = { partSize: 8 * MiB, concurrency: 4, onFailure: 'abort' } as const

/** Fields for a codec. */
export const uploadOptions: In.FieldsOf<UploadOptions> = {
  ...objectRef,
  ...entityMetadata,
  ...accessControl,
  ...withEncryption,
  ...storageOptions,
  ...trafficLimit,
  ...uploadCallback,
  partSize: In.optional(PartBytes),
  concurrency: In.optional(In.integer(1, 1000)),
  enableMd5: In.optional(In.boolean),
  onFailure: In.optional(In.oneOf('abort', 'keep'))
}

const access = [
  'acl',
  'grantRead',
  'grantWrite',
  'grantReadAcp',
  'grantWriteAcp',
  'grantFullControl'
] as const satisfies ReadonlyArray<keyof AccessControl>
const extras = ['headers', 'query'] as const
const storage = ['storageClass', 'tagging', 'forbidOverwrite'] as const
const callbacks = ['callback', 'callbackVar', 'picOperations'] as const

/** For one PUT. */
export const putInput = (options: UploadOptions, body: BodyInput, contentMd5?: string): PutObjectInput => ({
  ...refOf(options),
  ...In.pick(...extras, ...entityNames, ...access, ...storage, ...callbacks, 'sse', 'trafficLimit')(options),
  body,
  ...(contentMd5 === undefined ? {} : { contentMd5 })
})

/** For Create Multipart Upload, which fixes the object's metadata. */
export const uploadCreateInput = (options: UploadOptions): CreateMultipartUploadInput => ({
  ...refOf(options),
  ...In.pick(...extras, ...entityNames, ...access, ...storage, 'sse')(options)
})

/** A body of chunks that are already hashed. */
export const bodyOf = ({ chunks, crc64 }: Pick<HashedPart, 'chunks' | 'crc64'>): BodyInput => ({
  chunks,
  crc64
})

export const partInput = (
  options: UploadOptions,
  uploadId: string,
  part: { readonly partNumber: number; readonly body: BodyInput; readonly contentMd5?: string }
): UploadPartInput => ({
  ...refOf(options),
  ...headOptions(options),
  ...In.pick('trafficLimit')(options),
  ...part,
  uploadId
})

/** For a part in memory that is already hashed. */
export const hashedPartInput = (
  options: UploadOptions,
  uploadId: string,
  part: HashedPart
): UploadPartInput =>
  partInput(options, uploadId, {
    partNumber: part.number,
    body: bodyOf(part),
    ...(O.isSome(part.md5) ? { contentMd5: part.md5.value } : {})
  })

export const uploadCompleteInput = (
  options: UploadOptions,
  uploadId: string
): Omit<CompleteMultipartUploadInput, 'parts'> => ({
  ...refOf(options),
  ...In.pick('forbidOverwrite', ...callbacks)(options),
  uploadId
})
