/** `uploadFile` with client-side encryption. */
import { pipe } from 'fp-ts/lib/function.js'
import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import * as TE from 'fp-ts/lib/TaskEither.js'
import type { CosError } from '../../core/error.js'
import type { CosEffect } from '../../client/send.js'
import { uploadFileWith, type UploadFileInput, type UploadFileResult } from '../upload/upload-file.js'
import type { Config } from './options.js'
import { checkUpload, toEncryptedResult, type EncryptedUploadResult } from './encryptable-upload.js'

export interface UploadEncryptedFileInput extends Omit<UploadFileInput, 'picOperations' | 'resume'> {
  /**
   * `'newest'`: resumes the upload that an earlier run on this machine left, by the journal in its checkpoint. A new upload with
   * a new data key is created if there is no journal, if the file, the part size or the key differ, or if only the public key is
   * known. `'never'`: always creates a new one. Default: `'newest'`.
   */
  readonly resume?: 'newest' | 'never'
}

export interface EncryptedUploadFileResult extends EncryptedUploadResult, Pick<UploadFileResult, 'skipped'> {}

const action = 'uploadFile'

/**
 * `uploadFile` of `encrypted`.
 *
 * The checkpoint is a journal: it has the wrapped data key, and for each part, before the part is sent, a keyed digest of its
 * plaintext. A run after a crash resumes with the same data key only if the file is the same and each part that was sent has
 * the bytes of its digest. So no two plaintexts are encrypted with one key stream.
 *
 * A part is encrypted into memory, and a retry sends the same bytes. A part that does not fit is read twice: its bytes are
 * compared again while it is encrypted and sent.
 *
 * With `skipExisting`, the file is encrypted with the data key of the existing object, if the key opens it, and compared by
 * CRC64. For a sealed object that `rewrap` changed, one more request reads its header, which has the wrapping before.
 *
 * @units `partSize` is a multiple of 65,536 bytes, of 16 in Python's format; holds the parts in flight and one more, at most 64
 *        MiB, or what is free of the client's `memoryLimit`; a part without room holds below 1 MiB
 */
export const uploadEncryptedFile =
  (config: E.Either<CosError, Config>) =>
  (input: UploadEncryptedFileInput): CosEffect<EncryptedUploadFileResult> =>
  (client) =>
  async () => {
    const upload = checkUpload(config, action, input, ['newest', 'never'])
    if (E.isLeft(upload)) return upload
    return pipe(
      uploadFileWith(O.some(upload.right.encryption))(input)(client),
      TE.map(toEncryptedResult(upload.right))
    )()
  }
