/** `uploadDirectory` with client-side encryption. */
import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import { CosException, type CosError } from '../../core/error.js'
import {
  uploadDirectoryWith,
  type UploadDirectoryInput,
  type UploadDirectoryResult
} from '../directory/upload-directory.js'
import { failedStream, type EffectStream } from '../shared/effect-stream.js'
import type { Config } from './options.js'
import {
  checkUpload,
  toEncryptedResult,
  type EncryptableUpload,
  type EncryptedUploadResult
} from './encryptable-upload.js'

export type UploadEncryptedDirectoryInput = Omit<UploadDirectoryInput, 'picOperations'>

/** As of `uploadDirectory`; sizes are those of the plaintext. */
export type EncryptedUploadDirectoryResult = UploadDirectoryResult<EncryptedUploadResult>

const action = 'uploadDirectory'

const toResult =
  (upload: EncryptableUpload) =>
  (result: UploadDirectoryResult): EncryptedUploadDirectoryResult => {
    switch (result._tag) {
      case 'Uploaded':
        return { ...result, uploaded: toEncryptedResult(upload)(result.uploaded) }
      case 'Skipped':
        // The object of an empty folder is not encrypted.
        return result.path.endsWith('/')
          ? result
          : { ...result, size: upload.encryption.plainSize(result.size) }
      default:
        return result
    }
  }

/**
 * `uploadDirectory` of `encrypted`: each file as by its `uploadFile`.
 *
 * Keys, sizes and times are not encrypted, and an empty folder is an empty plain object. With `skip: 'crc64'`, the data key of
 * an existing object is unwrapped and the file encrypted with it, to compare sizes and CRC64; of an object that differs, only
 * the header is downloaded. With `'time'`, an object is skipped if it has the format, the size of the encrypted file, and is
 * not older; no key is used.
 */
export const uploadEncryptedDirectory =
  (config: E.Either<CosError, Config>) =>
  (input: UploadEncryptedDirectoryInput): EffectStream<EncryptedUploadDirectoryResult> => {
    const upload = checkUpload(config, action, input)
    return E.isLeft(upload)
      ? failedStream(new CosException(upload.left))
      : uploadDirectoryWith({
          encryption: O.some(upload.right.encryption),
          toResult: toResult(upload.right)
        })(input)
  }
