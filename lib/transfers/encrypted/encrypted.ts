/** Client-side encryption: the functions for one object, with keys that COS never sees. */
import type { UploadPartResult } from '../../operations/upload-part.js'
import type { CreateMultipartUploadInput } from '../../operations/create-multipart-upload.js'
import type { HeadObjectInput } from '../../operations/head-object.js'
import type { Client } from '../../client/client.js'
import type { CosEffect } from '../../client/send.js'
import type { DownloadDirectoryInput, DownloadDirectoryResult } from '../directory/download-directory.js'
import type { DownloadFileInput } from '../download/download-file.js'
import type { DownloadStreamInput } from '../download/download-stream.js'
import type { EffectStream } from '../shared/effect-stream.js'
import type { Keyring } from '../../encryption/keyring.js'
import type { MasterKey } from '../../encryption/master-key.js'
import type { UploadWritable } from '../upload/create-upload-stream.js'
import { createEncryptedUpload, type EncryptedUpload } from './create-encrypted-upload.js'
import type { DecryptedObject } from './decrypted-object.js'
import {
  downloadEncryptedFile,
  downloadEncryptedStream,
  type DecryptedDownload,
  type DecryptedFile
} from './download-encrypted.js'
import { downloadEncryptedDirectory } from './download-encrypted-directory.js'
import { getEncrypted, type GetEncryptedInput } from './get-encrypted.js'
import { headEncrypted, type EncryptedHead } from './head-encrypted.js'
import { configOf, type EncryptedOptions } from './options.js'
import { putEncrypted, type PutEncryptedInput, type PutEncryptedResult } from './put-encrypted.js'
import { unsupportedCalls, type UnsupportedCalls } from './unsupported-calls.js'
import { rewrap, type RewrapInput, type RewrapResult } from './rewrap.js'
import {
  uploadEncryptedDirectory,
  type EncryptedUploadDirectoryResult,
  type UploadEncryptedDirectoryInput
} from './upload-encrypted-directory.js'
import {
  uploadEncryptedFile,
  type EncryptedUploadFileResult,
  type UploadEncryptedFileInput
} from './upload-encrypted-file.js'
import { uploadEncryptedPart, type UploadEncryptedPartInput } from './upload-encrypted-part.js'
import {
  createEncryptedUploadStream,
  uploadEncryptedStream,
  type UploadEncryptedStreamInput
} from './upload-encrypted-stream.js'
import type { EncryptedUploadResult } from './encryptable-upload.js'

/**
 * Functions with the names and inputs of the operations and transfers. They return effects and not operations: each run
 * draws a new data key, so that no two plaintexts are encrypted with one.
 *
 * All other operations serve encrypted objects as they are: listings, `completeMultipartUpload`, `listParts`, copies with
 * their metadata, deletions. They show the ciphertext's size and checksum.
 */
export interface EncryptionClient extends UnsupportedCalls {
  readonly putObject: (input: PutEncryptedInput) => CosEffect<PutEncryptedResult>
  readonly getObject: (input: GetEncryptedInput) => CosEffect<DecryptedObject>
  readonly headObject: (input: HeadObjectInput) => CosEffect<EncryptedHead>
  readonly createMultipartUpload: (input: CreateMultipartUploadInput) => CosEffect<EncryptedUpload>
  readonly uploadPart: (input: UploadEncryptedPartInput) => CosEffect<UploadPartResult>
  readonly uploadStream: (
    input: UploadEncryptedStreamInput
  ) => (source: AsyncIterable<Uint8Array>) => CosEffect<EncryptedUploadResult>
  readonly createUploadStream: (
    client: Client
  ) => (input: UploadEncryptedStreamInput) => UploadWritable<EncryptedUploadResult>
  readonly uploadFile: (input: UploadEncryptedFileInput) => CosEffect<EncryptedUploadFileResult>
  readonly uploadDirectory: (
    input: UploadEncryptedDirectoryInput
  ) => EffectStream<EncryptedUploadDirectoryResult>
  readonly downloadStream: (input: DownloadStreamInput) => CosEffect<DecryptedDownload>
  readonly downloadFile: (input: DownloadFileInput) => CosEffect<DecryptedFile>
  readonly downloadDirectory: (
    input: DownloadDirectoryInput
  ) => EffectStream<DownloadDirectoryResult<DecryptedFile>>
  readonly rewrap: (input: RewrapInput) => CosEffect<RewrapResult>
}

/**
 * Encrypts objects before they leave and decrypts them after they arrive.
 *
 * @shape  `(key or keyring, options) -> EncryptionClient`; invalid options are an `InvalidInput` of each call
 * @errors those of the operations, and `EncryptionError`
 * @example
 * const vault = encrypted(key)
 * await pipe(vault.getObject({ bucket, key: 'a.txt' }), RTE.chain(toText(1024)), run(client))()
 */
export const encrypted = (keys: MasterKey | Keyring, options: EncryptedOptions = {}): EncryptionClient => {
  const config = configOf(keys, options)
  return {
    putObject: putEncrypted(config),
    getObject: getEncrypted(config),
    headObject: headEncrypted(config),
    createMultipartUpload: createEncryptedUpload(config),
    uploadPart: uploadEncryptedPart(config),
    uploadStream: uploadEncryptedStream(config),
    createUploadStream: createEncryptedUploadStream(config),
    uploadFile: uploadEncryptedFile(config),
    uploadDirectory: uploadEncryptedDirectory(config),
    downloadStream: downloadEncryptedStream(config),
    downloadFile: downloadEncryptedFile(config),
    downloadDirectory: downloadEncryptedDirectory(config),
    rewrap: rewrap(config),
    ...unsupportedCalls
  }
}
