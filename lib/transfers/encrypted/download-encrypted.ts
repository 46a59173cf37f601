/** Downloads of encrypted objects: the transfers of `downloadStream` and `downloadFile`, whose content is the plaintext. */
import { pipe } from 'fp-ts/lib/function.js'
import type * as E from 'fp-ts/lib/Either.js'
import type * as O from 'fp-ts/lib/Option.js'
import * as RTE from 'fp-ts/lib/ReaderTaskEither.js'
import type { CosError } from '../../core/error.js'
import type { CosEffect } from '../../client/send.js'
import { userMetadata } from '../../encryption/metadata-names.js'
import {
  downloadFileContent,
  withoutContent,
  type DownloadFileInput,
  type DownloadFileResult,
  type FileDownload
} from '../download/download-file.js'
import {
  downloadContent,
  type DownloadResult,
  type DownloadStreamInput
} from '../download/download-stream.js'
import { openDecrypted, type DecryptedContent, type DecryptionInfo } from './decrypted-content.js'
import { checkInput, type Config } from './options.js'

/** As of `downloadStream`; `body` is the plaintext, and `crc64` and `etag` are those of the stored object. */
export interface DecryptedDownload extends Omit<DownloadResult, 'size'>, DecryptionInfo {
  /** Of the plaintext, in bytes; none for CBC, whose padding is known only after decryption, unless the metadata have it. */
  readonly size: O.Option<number>
}

/** As of `downloadFile`; `size` is that of the file, and `crc64`, `etag` and `resumed` are those of the stored object. */
export interface DecryptedFile extends DownloadFileResult, DecryptionInfo {}

/** The result of a file whose content was decrypted. */
export const toDecryptedFile = (download: FileDownload<DecryptedContent>): DecryptedFile => ({
  ...withoutContent(download),
  ...download.content.info,
  metadata: userMetadata(download.metadata)
})

/** `downloadStream` of `encrypted`. */
export const downloadEncryptedStream =
  (config: E.Either<CosError, Config>) =>
  (input: DownloadStreamInput): CosEffect<DecryptedDownload> =>
    pipe(
      RTE.fromEither(config),
      RTE.chainFirstEitherK((): E.Either<CosError, void> => checkInput('downloadStream', input)),
      RTE.chain((valid) => downloadContent(openDecrypted(valid))(input)),
      RTE.map(({ download, content }) => ({
        ...download,
        ...content.info,
        metadata: userMetadata(download.metadata),
        size: content.size
      }))
    )

/**
 * `downloadFile` of `encrypted`.
 *
 * Sealed objects and those of CTR are fetched in ranges and resumed: a range in the partial file is encrypted again, and
 * the CRC64 of its ciphertext compared with the journal. GCM and CBC of the Java SDK are fetched by one request.
 */
export const downloadEncryptedFile =
  (config: E.Either<CosError, Config>) =>
  (input: DownloadFileInput): CosEffect<DecryptedFile> =>
    pipe(
      RTE.fromEither(config),
      RTE.chainFirstEitherK((): E.Either<CosError, void> => checkInput('downloadFile', input)),
      RTE.chain((valid) => downloadFileContent(openDecrypted(valid))(input)),
      RTE.map(toDecryptedFile)
    )
