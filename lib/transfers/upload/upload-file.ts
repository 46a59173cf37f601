/** Uploads a file by one PUT or in parts, and resumes an interrupted upload. */
import { pipe } from 'fp-ts/lib/function.js'
import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import * as TE from 'fp-ts/lib/TaskEither.js'
import type { Crc64Run } from '../../core/crc64.js'
import { fromUnknown, invalidInput, type Context, type CosError } from '../../core/error.js'
import { KiB } from '../../core/limits.js'
import { validate } from '../../core/operation.js'
import type { BodyInput, Chunks } from '../../core/body.js'
import { refOf } from '../../core/request.js'
import { tryTask } from '../../core/try-task.js'
import type { CosEffect } from '../../client/send.js'
import type { ObjectCipher } from '../../encryption/object-cipher.js'
import { hashOf, openSource, readWhole, type Replayable, type KnownPath } from '../../files/source-file.js'
import type { ObjectHead } from '../../operations/head-object.js'
import { putObject } from '../../operations/put-object.js'
import { forSize } from '../../stages/part-size.js'
import { headOptions } from '../multipart/complete-upload.js'
import { headIfExists } from '../shared/head-if-exists.js'
import { runTransfer, type Transfer } from '../shared/run-transfer.js'
import { sendWhole } from '../shared/send-part.js'
import { fileBodies, wholeFile } from './file-bodies.js'
import { UploadFileInput, uploadFileDefaults } from './file-options.js'
import type { FileUpload } from './file-upload.js'
import { putInput, uploadDefaults } from './options.js'
import { putResultOf, type UploadResult } from './result.js'
import {
  checkPartSize,
  createCipher,
  storedSize,
  wholeObject,
  withMetadata,
  type WithUploadEncryption
} from './upload-encryption.js'
import { uploadInParts } from './upload-file-parts.js'

export type { UploadFileInput } from './file-options.js'

export interface UploadFileResult extends UploadResult {
  /** Nothing was sent: see `skipExisting`. */
  readonly skipped: boolean
}

const action = 'uploadFile'

// -- the whole --
// In bytes: a request sends a body of this size in one write with its head. It is read before, and not again for a retry.
const atOnce = 64 * KiB

const readAll = (context: Context, body: Replayable): TE.TaskEither<CosError, Chunks> =>
  tryTask(async () => {
    const chunks: Array<Uint8Array> = []
    for await (const chunk of body.open()) chunks.push(chunk)
    return { chunks }
  }, fromUnknown(context))

interface WholeBody {
  readonly body: BodyInput
  /** In bytes, encrypted if the object is. */
  readonly size: number
}

const openWhole = async (
  { context, file }: FileUpload,
  cipher: O.Option<ObjectCipher>
): Promise<E.Either<CosError, WholeBody>> => {
  const { size } = file
  if (O.isNone(cipher) && size <= atOnce) {
    const read = await readWhole(file)()
    return E.isLeft(read) ? read : E.right({ body: read.right, size })
  }
  const opened = await fileBodies(file, cipher, O.none)(wholeFile(file))()
  if (E.isLeft(opened)) return opened
  const body = opened.right
  const toSend = body.size > atOnce ? opened : await readAll(context, body)()
  return E.isLeft(toSend) ? toSend : E.right({ body: toSend.right, size: body.size })
}

// By `await`, as all that each file of a directory passes: `TE.chain` makes five promises, and a file had 200 of them.
const uploadInOnePut = async (run: FileUpload): Promise<E.Either<CosError, UploadResult>> => {
  const { scope, context, encryption } = run
  const cipher = await createCipher(encryption, scope.outerClient, context, run.input)()
  if (E.isLeft(cipher)) return cipher
  const opened = await openWhole(run, cipher.right)
  if (E.isLeft(opened)) return opened
  const { body, size } = opened.right
  const input = withMetadata(cipher.right)(run.input)
  const put = sendWhole(run, 'up')(() => putObject(putInput(input, { body })))
  return E.map(putResultOf(input, size))(await put({ number: 1, size }, undefined)())
}

/** The cipher of an object that exists; none if the object is not one that this upload would write. */
const cipherOfExisting = (
  { input, context, encryption }: FileUpload,
  { metadata }: ObjectHead
): TE.TaskEither<CosError, O.Option<ObjectCipher>> =>
  O.isNone(encryption) ? TE.right(O.none) : encryption.value.restore(input, context, metadata)

/** Whether a rewrapped object has these bytes: its metadata were changed, and the header before its bytes was not. */
const isRewrapped = (
  { input, encryption, scope }: FileUpload,
  head: ObjectHead,
  written: Crc64Run,
  theirs: bigint
): TE.TaskEither<CosError, boolean> =>
  O.isNone(encryption)
    ? TE.right(false)
    : pipe(
        encryption.value.storedCrc64(
          { ...refOf(input), ...headOptions(input) },
          head,
          written
        )(scope.outerClient),
        TE.map(O.exists((stored) => stored === theirs))
      )

/** Whether the object has the bytes of the file, as this upload would send them. */
const isSame = (run: FileUpload, head: ObjectHead): TE.TaskEither<CosError, boolean> => {
  const { file, encryption } = run
  if (O.isNone(head.crc64) || head.size !== storedSize(encryption, wholeObject, file.size))
    return TE.right(false)
  const theirs = head.crc64.value
  return pipe(
    cipherOfExisting(run, head),
    TE.chain((cipher) =>
      O.isSome(encryption) && O.isNone(cipher)
        ? TE.right(false)
        : pipe(
            fileBodies(file, cipher, O.none)(wholeFile(file)),
            TE.chain((body) => hashOf(file, body)),
            TE.chain(({ crc64 }) =>
              crc64 === theirs ? TE.right(true) : isRewrapped(run, head, { crc64, size: head.size }, theirs)
            )
          )
    )
  )
}

const existingResult = ({ input }: FileUpload, head: ObjectHead, crc64: bigint): UploadResult => ({
  bucket: input.bucket,
  key: input.key,
  etag: head.etag,
  versionId: head.versionId,
  size: head.size,
  parts: 0,
  multipart: false,
  resumed: head.size,
  crc64,
  integrity: { _tag: 'Verified', crc64 },
  orphanedUploads: [],
  requestId: head.requestId
})

/** The existing object, if its bytes are the file's. */
const existingObject = (run: FileUpload): TE.TaskEither<CosError, O.Option<UploadResult>> =>
  pipe(
    headIfExists({ ...refOf(run.input), ...headOptions(run.input) })(run.scope.outerClient),
    TE.chain(
      O.match(
        () => TE.right(O.none),
        (head) =>
          pipe(
            isSame(run, head),
            TE.map((same) =>
              same ? O.map((crc64: bigint) => existingResult(run, head, crc64))(head.crc64) : O.none
            )
          )
      )
    )
  )

const uploadUnlessExisting = async (run: FileUpload): Promise<E.Either<CosError, UploadFileResult>> => {
  if (run.input.skipExisting === true) {
    const existing = await existingObject(run)()
    if (E.isLeft(existing)) return existing
    if (O.isSome(existing.right)) return E.right({ skipped: true, ...existing.right.value })
  }
  const isOnePut = run.file.size <= (run.input.threshold ?? uploadFileDefaults.threshold)
  const uploaded = await (isOnePut ? uploadInOnePut(run) : uploadInParts(run))
  return E.isLeft(uploaded) ? uploaded : E.right({ skipped: false, ...uploaded.right })
}

const openAndUpload =
  (encryption: WithUploadEncryption, known: KnownPath) =>
  async (transfer: Transfer<UploadFileInput>): Promise<E.Either<CosError, UploadFileResult>> => {
    const { context, input } = transfer
    const { concurrency = uploadFileDefaults.concurrency, partSize = uploadDefaults.partSize } = input
    const encryptable = checkPartSize(encryption, context, partSize)
    if (E.isLeft(encryptable)) return encryptable
    const opened = await openSource(context, input.file, input, known)()
    if (E.isLeft(opened)) return opened
    const file = opened.right
    // Reads that are under way end with the handle.
    transfer.defer(() => file.handle.close())
    // If it grows, it is a whole number of MiB, which can be encrypted too.
    const sized = forSize({ size: file.size, partSize })
    if (E.isLeft(sized)) return E.left(invalidInput(context, sized.left))
    input.progress?.report({ _tag: 'Expected', size: storedSize(encryption, wholeObject, file.size) })
    return uploadUnlessExisting({ file, partSize: sized.right, concurrency, encryption, ...transfer })
  }

/** The same transfer for plain and for encrypted objects. Of `resume`, an encrypted one has `'newest'` and `'never'`. */
export const uploadFileWith = (
  encryption: WithUploadEncryption,
  known: KnownPath = {}
): ((input: UploadFileInput) => CosEffect<UploadFileResult>) =>
  runTransfer(action, validate(action, UploadFileInput), openAndUpload(encryption, known))

/**
 * Uploads a file, and resumes an upload that an earlier run left incomplete, including after `kill -9`.
 *
 * Up to the threshold it is one PUT. Above it, an incomplete upload of this file and key is looked up: by the checkpoint
 * that an earlier run on this machine left, if its process is dead, or on COS, if nothing was added to it for an hour. If
 * each of its parts is, by size and MD5, a part of this file, only the others are sent.
 *
 * The file is opened once and read part by part. Each part's CRC64 is compared with COS's, and so is that of the whole
 * object. If the file is written to meanwhile, the upload fails; the object is never a mixture.
 *
 * Of two runs that upload to one key at the same time, both succeed, and the object is that of the later completion. A
 * run never joins or aborts the incomplete upload of another one.
 *
 * @shape  `UploadFileInput -> CosEffect<UploadFileResult>`
 * @units  `partSize` and `threshold` in bytes; holds some 512 KiB for each part in flight, whatever its size
 * @errors `FileError` with the system's code; those of `putObject` and of the multipart operations; `SourceError` if
 *         the file changed; `IntegrityError`; `error.context.uploadId` if an upload was left open, as it is for
 *         `onFailure: 'keep'`
 * @source https://cloud.tencent.com/document/product/436/14112
 * @example uploadFile({ bucket, key: 'film.mp4', file: 'film.mp4' })(client)()
 */
export const uploadFile: (input: UploadFileInput) => CosEffect<UploadFileResult> = uploadFileWith(O.none)
