/** The transfers of the demo: plain ones, or with `--encrypt` those of `encrypted`. */
import { randomBytes } from 'node:crypto'
import { pipe } from 'fp-ts/lib/function.js'
import * as E from 'fp-ts/lib/Either.js'
import * as RTE from 'fp-ts/lib/ReaderTaskEither.js'
import {
  aesKey,
  downloadDirectory,
  downloadStream,
  encrypted,
  uploadDirectory,
  uploadStream,
  type CosEffect,
  type CosError,
  type DownloadDirectoryInput,
  type DownloadDirectoryResult,
  type DownloadResult,
  type DownloadStreamInput,
  type EffectStream,
  type UploadDirectoryInput,
  type UploadDirectoryResult,
  type UploadResult,
  type UploadStreamInput
} from '../../lib/index.js'

export interface StoredUpload extends UploadResult {
  /** Of the object, in bytes. */
  readonly storedSize: number
}

export interface Transfers {
  readonly uploadStream: (
    input: UploadStreamInput
  ) => (source: AsyncIterable<Uint8Array>) => CosEffect<StoredUpload>
  readonly downloadStream: (
    input: DownloadStreamInput
  ) => CosEffect<Pick<DownloadResult, 'body' | 'verified'>>
  readonly uploadDirectory: (input: UploadDirectoryInput) => EffectStream<UploadDirectoryResult>
  readonly downloadDirectory: (input: DownloadDirectoryInput) => EffectStream<DownloadDirectoryResult>
  /** For the output. */
  readonly words: string
}

const plain: Transfers = {
  uploadStream: (input) => (source) =>
    pipe(
      uploadStream(input)(source),
      RTE.map((uploaded) => ({ ...uploaded, storedSize: uploaded.size }))
    ),
  downloadStream,
  uploadDirectory,
  downloadDirectory,
  words: ''
}

/** With a key that only this run has. Not bound to names: the demo copies a directory and downloads the copies. */
const sealed = (): E.Either<CosError, Transfers> =>
  pipe(
    aesKey(randomBytes(32)),
    E.map((key) => ({
      ...encrypted(key, { bindsName: false }),
      words: ', encrypted by a key of this run'
    }))
  )

export const selectTransfers = (encrypts: boolean): E.Either<CosError, Transfers> =>
  encrypts ? sealed() : E.right(plain)
