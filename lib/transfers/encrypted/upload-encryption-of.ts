/** The encryption of uploads, from the options of `encrypted`, and what an encrypted upload refuses. */
import { pipe } from 'fp-ts/lib/function.js'
import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import * as TE from 'fp-ts/lib/TaskEither.js'
import { encryptionError, invalidInput, type CosError } from '../../core/error.js'
import { contextOf } from '../../core/operation.js'
import { conflict } from '../../core/problem.js'
import { readEnvelope } from '../../encryption/envelope.js'
import { layouts, type WriteFormat } from '../../encryption/object-cipher.js'
import { restoreObjectCipher } from '../../encryption/restore-cipher.js'
import type { UploadResult } from '../upload/result.js'
import type { UploadEncryption } from '../upload/upload-encryption.js'
import { drawDataKey } from './draw-data-key.js'
import { checkInput, fieldOf, type Config } from './options.js'

const uploadEncryptionOf = (config: Config): UploadEncryption => ({
  ...layouts[config.format],
  hasFormat: (headers) => {
    const envelope = O.flatten(O.fromEither(readEnvelope(headers)))
    return O.isSome(envelope) && envelope.value.formats.some((format) => format === config.format)
  },
  create: (ref, context) => drawDataKey(config, ref, context),
  restore: (ref, context, metadata) =>
    pipe(
      restoreObjectCipher(config.keys.writes, ref, config, metadata),
      TE.mapLeft((problem): CosError => encryptionError(context, problem))
    )
})

/** An upload that can be encrypted. */
export interface EncryptableUpload {
  readonly config: Config
  readonly encryption: UploadEncryption
}

/**
 * Checks the options, and the input for parameters that an encrypted upload cannot have.
 *
 * @shape `resumes`: the values of `resume` that the upload accepts
 */
export const checkUpload = (
  config: E.Either<CosError, Config>,
  action: string,
  input: unknown,
  resumes?: ReadonlyArray<string>
): E.Either<CosError, EncryptableUpload> => {
  const resume = fieldOf(input, 'resume')
  const isAccepted =
    resume === undefined || resumes === undefined || (typeof resume === 'string' && resumes.includes(resume))
  const message = `must be ${(resumes ?? []).join(' or ')}: COS does not return the data key of an unfinished upload`
  return pipe(
    config,
    E.chainFirst((): E.Either<CosError, void> => checkInput(action, input)),
    E.filterOrElse(
      () => isAccepted,
      (): CosError => invalidInput(contextOf(action, input), conflict('resume', message))
    ),
    E.map((valid) => ({ config: valid, encryption: uploadEncryptionOf(valid) }))
  )
}

/**
 * `size` is that of the plaintext. `etag`, `crc64`, `integrity` and `resumed` are those of the ciphertext, which COS stores.
 */
export interface EncryptedUploadResult extends UploadResult {
  /** Of the ciphertext, in bytes. */
  readonly storedSize: number
  readonly format: WriteFormat
  /** Of the master key. */
  readonly keyId: string
}

/** The result of the transfer, with the size of the plaintext. */
export const toEncryptedResult =
  ({ config: { format, keys } }: EncryptableUpload) =>
  <R extends UploadResult>(result: R): R & EncryptedUploadResult => ({
    ...result,
    size: layouts[format].plainSize(result.size),
    storedSize: result.size,
    format,
    keyId: keys.writes.id
  })
