/** An upload that can be encrypted: its encryption, from the options of `encrypted`; its checks; and its result. */
import { pipe } from 'fp-ts/lib/function.js'
import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import * as RTE from 'fp-ts/lib/ReaderTaskEither.js'
import * as T from 'fp-ts/lib/Task.js'
import * as TE from 'fp-ts/lib/TaskEither.js'
import { encryptionError, invalidInput, type CosError } from '../../core/error.js'
import * as In from '../../core/input.js'
import { MiB } from '../../core/limits.js'
import { contextOf } from '../../core/operation.js'
import { conflict } from '../../core/problem.js'
import { crc64WithFront } from '../../encryption/crc64-with-front.js'
import { readEnvelope } from '../../encryption/envelope.js'
import { layouts, type WriteFormat } from '../../encryption/object-cipher.js'
import { restoreObjectCipher } from '../../encryption/restore-cipher.js'
import { createMemoryBudget } from '../../stages/memory-budget.js'
import type { UploadResult } from '../upload/result.js'
import type { UploadEncryption } from '../upload/upload-encryption.js'
import { drawDataKey } from './draw-data-key.js'
import { checkInput, type Config } from './options.js'
import { readFront } from './read-front.js'

/** In bytes: seven parts of the default size, so that five are in flight and one is prepared. */
const memoryLimit = 64 * MiB

const uploadEncryptionOf = (config: Config): UploadEncryption => ({
  ...layouts[config.format],
  memory: createMemoryBudget({ limit: memoryLimit }),
  hasFormat: (headers) => {
    const envelope = O.flatten(O.fromEither(readEnvelope(headers)))
    return O.isSome(envelope) && envelope.value.formats.some((format) => format === config.format)
  },
  storedCrc64: (ref, { headers, etag }, written) => {
    const envelope = O.flatten(O.fromEither(readEnvelope(headers)))
    if (O.isNone(envelope) || envelope.value.cipher !== 'sealed') return RTE.right(O.none)
    const { header } = envelope.value
    return pipe(
      readFront(ref, etag),
      // Without the permission to read, or of an archived object, the header is not known.
      RTE.orElse((error) => (error._tag === 'ServiceError' ? RTE.right(O.none) : RTE.left(error))),
      RTE.chainTaskK(
        O.match(
          () => T.of(O.none),
          (front) => () => crc64WithFront(header, front, written)
        )
      )
    )
  },
  create: (ref, context) => drawDataKey(config, ref, context),
  restore: (ref, context, metadata) =>
    pipe(restoreObjectCipher(config.keys.writes, ref, config, metadata), TE.mapLeft(encryptionError(context)))
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
  const resume = In.fieldOf(input, 'resume')
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
