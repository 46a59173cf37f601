/**
 * The journal of an encrypted upload, in its checkpoint. The first record has what the next run needs to encrypt as this one
 * does; each further record has the digest of a part, written before the part is first sent.
 */
import { pipe } from 'fp-ts/lib/function.js'
import * as E from 'fp-ts/lib/Either.js'
import type { Json } from 'fp-ts/lib/Json.js'
import * as O from 'fp-ts/lib/Option.js'
import * as TE from 'fp-ts/lib/TaskEither.js'
import * as t from 'io-ts'
import type { CosError } from '../../core/error.js'
import * as In from '../../core/input.js'
import { refOf } from '../../core/request.js'
import { withFileErrors } from '../../files/atomic-file.js'
import type { UploadCheckpoint } from '../../files/upload-checkpoint.js'
import { isSameDigest } from '../../encryption/journal-key.js'
import type { ObjectCipher } from '../../encryption/object-cipher.js'
import type { FileUpload } from './file-upload.js'
import type { UploadEncryption } from './upload-encryption.js'

export interface UploadJournal {
  readonly cipher: ObjectCipher
  /** By part number, of earlier runs. */
  readonly digests: ReadonlyMap<number, string>
  /** Waits until the digest is on the disk. */
  readonly append: (number: number, digest: string) => Promise<void>
}

const Header = t.type({
  cospipe: t.literal('encrypted upload'),
  metadata: t.record(t.string, t.string),
  mac: t.string
})

const PartDigest = t.tuple([In.integer(1), t.string])

/**
 * All that the ciphertext depends on, and the upload that it belongs to. Its MAC is in the header: a journal that was
 * changed, or that another data key opens, is not resumed.
 */
const bindingText = (
  { input, file, partSize }: FileUpload,
  { uploadId }: UploadCheckpoint,
  metadata: ObjectCipher['metadata']
): string => {
  const { dev, ino, size, mtimeNs, ctimeNs } = file.version
  const { bucket, key } = refOf(input)
  return JSON.stringify([
    ...[bucket, key, uploadId, partSize, Object.entries(metadata)],
    ...[dev, ino, size, mtimeNs, ctimeNs].map(String)
  ])
}

const journalOf = (
  { context }: FileUpload,
  checkpoint: UploadCheckpoint,
  cipher: ObjectCipher,
  digests: ReadonlyMap<number, string>
): UploadJournal => ({
  cipher,
  digests,
  append: (number, digest) =>
    withFileErrors(context, checkpoint.path)(() => checkpoint.append([number, digest]))
})

/**
 * Starts the journal of a new upload.
 *
 * @errors rejects with a `CosException` of a `FileError`
 */
export const createJournal = async (
  run: FileUpload,
  checkpoint: UploadCheckpoint,
  cipher: ObjectCipher
): Promise<UploadJournal> => {
  const { metadata } = cipher
  const header: Json = {
    cospipe: 'encrypted upload',
    metadata,
    mac: cipher.journal.signText(bindingText(run, checkpoint, metadata))
  }
  await withFileErrors(run.context, checkpoint.path)(() => checkpoint.append(header))
  return journalOf(run, checkpoint, cipher, new Map())
}

const digestsOf = (records: ReadonlyArray<Json>): ReadonlyMap<number, string> =>
  new Map(
    records.flatMap((record) => {
      const digest = PartDigest.decode(record)
      return E.isRight(digest) ? [digest.right] : []
    })
  )

/**
 * Opens the journal of an earlier run.
 *
 * @shape  none if there is no journal, if the key does not open it, or if the file, the part size, the object or the format
 *         differ
 * @errors `EncryptionError` with reason `Kms` if the key service fails
 */
export const openJournal = (
  run: FileUpload,
  encryption: UploadEncryption,
  checkpoint: UploadCheckpoint
): TE.TaskEither<CosError, O.Option<UploadJournal>> => {
  const [first, ...records] = checkpoint.records
  const header = Header.decode(first)
  if (E.isLeft(header)) return TE.right(O.none)
  const { metadata, mac } = header.right
  return pipe(
    encryption.restore(run.input, run.context, metadata),
    TE.map(
      O.chain((cipher) =>
        isSameDigest(cipher.journal.signText(bindingText(run, checkpoint, metadata)), mac)
          ? O.some(journalOf(run, checkpoint, cipher, digestsOf(records)))
          : O.none
      )
    )
  )
}
