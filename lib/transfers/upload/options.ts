/** What every upload takes, and which of it goes to which call: to one PUT, or to an upload's beginning, parts and end. */
import * as O from 'fp-ts/lib/Option.js'
import * as In from '../../core/input.js'
import { MiB } from '../../core/limits.js'
import { objectRef, refOf, type BodyInput, type ObjectRef } from '../../core/request.js'
import type { HashedPart } from '../../stages/hash-parts.js'
import { largestPart, smallestPart } from '../../stages/part-size.js'
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

/** All of `putObject`'s parameters but the body, and how to cut it. */
export interface UploadOptions
  extends
    ObjectRef,
    EntityMetadata,
    AccessControl,
    WithEncryption,
    StorageOptions,
    TrafficLimit,
    UploadCallback {
  /** In bytes, 1 MiB to 5 GiB; 8 MiB unless said. It grows where 10,000 parts of it would not do. */
  readonly partSize?: number
  /** 4 unless said; the upload holds that many parts and one more in memory. */
  readonly concurrency?: number
  /** Sends the MD5 of each part, which COS compares before it takes the part. CRC64 is compared in any case. */
  readonly enableMd5?: boolean
  /** `abort` unless said. */
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
  partSize: In.optional(In.integer(smallestPart, largestPart)),
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
const keeping = ['storageClass', 'tagging', 'forbidOverwrite'] as const
const after = ['callback', 'callbackVar', 'picOperations'] as const

/** One request for it all. */
export const putInput = (options: UploadOptions, body: BodyInput, contentMd5?: string): PutObjectInput => ({
  ...refOf(options),
  ...In.pick(...extras, ...entityNames, ...access, ...keeping, ...after, 'sse', 'trafficLimit')(options),
  body,
  ...(contentMd5 === undefined ? {} : { contentMd5 })
})

/** What the object will say of itself is said here. */
export const uploadCreateInput = (options: UploadOptions): CreateMultipartUploadInput => ({
  ...refOf(options),
  ...In.pick(...extras, ...entityNames, ...access, ...keeping, 'sse')(options)
})

/** A body of chunks that were hashed already. */
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

/** A part in memory, hashed already. */
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
  ...In.pick('forbidOverwrite', ...after)(options),
  uploadId
})
