/** `uploadStream` and `createUploadStream` with client-side encryption. */
import { pipe } from 'fp-ts/lib/function.js'
import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import * as TE from 'fp-ts/lib/TaskEither.js'
import type { CosError } from '../../core/error.js'
import type { Client } from '../../client/client.js'
import type { CosEffect } from '../../client/send.js'
import { closeSource } from '../../stages/claim-source.js'
import { createUploadStreamWith, type UploadWritable } from '../upload/create-upload-stream.js'
import { uploadStreamWith, type UploadStreamInput } from '../upload/upload-stream.js'
import type { Config } from './options.js'
import { checkUpload, toEncryptedResult, type EncryptedUploadResult } from './encryptable-upload.js'

/** As of `uploadStream`, without `resume`: an encrypted upload of a stream restarts with a new data key. */
export type UploadEncryptedStreamInput = Omit<UploadStreamInput, 'picOperations' | 'resume'>

const action = 'uploadStream'

/**
 * `uploadStream` of `encrypted`. The source is encrypted once, and the ciphertext is cut into parts of `partSize`, which stay in
 * memory until COS has acknowledged them.
 */
export const uploadEncryptedStream =
  (config: E.Either<CosError, Config>) =>
  (input: UploadEncryptedStreamInput) =>
  (source: AsyncIterable<Uint8Array>): CosEffect<EncryptedUploadResult> =>
  (client) =>
  async () => {
    const upload = checkUpload(config, action, input, ['never'])
    if (E.isLeft(upload)) {
      closeSource(source)
      return upload
    }
    return pipe(
      uploadStreamWith(O.some(upload.right.encryption))(input)(source)(client),
      TE.map(toEncryptedResult(upload.right))
    )()
  }

/** `createUploadStream` of `encrypted`. */
export const createEncryptedUploadStream = (
  config: E.Either<CosError, Config>
): ((client: Client) => (input: UploadEncryptedStreamInput) => UploadWritable<EncryptedUploadResult>) =>
  createUploadStreamWith(uploadEncryptedStream(config))
