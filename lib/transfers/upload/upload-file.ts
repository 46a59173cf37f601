/** Uploads a file by one PUT or in parts, and resumes an interrupted upload. */
import { pipe } from 'fp-ts/lib/function.js'
import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import * as TE from 'fp-ts/lib/TaskEither.js'
import { invalidInput, type CosError } from '../../core/error.js'
import * as In from '../../core/input.js'
import { validate } from '../../core/operation.js'
import { refOf } from '../../core/request.js'
import type { CosEffect } from '../../client/send.js'
import { hashOf, openSource, createRangeBody } from '../../files/source-file.js'
import { putObject } from '../../operations/put-object.js'
import { forSize } from '../../stages/part-size.js'
import type { PartRange } from '../../stages/plan-ranges.js'
import { headOptions } from '../multipart/lifecycle.js'
import { headIfExists } from '../shared/head-if-exists.js'
import { runTransfer, type Transfer } from '../shared/run-transfer.js'
import { sendPart } from '../shared/send-part.js'
import { UploadFileInput, uploadFileDefaults } from './file-options.js'
import { putInput, uploadDefaults } from './options.js'
import { putResultOf, type UploadResult } from './result.js'
import { uploadInParts, type FileUpload } from './upload-file-parts.js'

export type { UploadFileInput } from './file-options.js'

export interface UploadFileResult extends UploadResult {
  /** Nothing was sent: see `skipExisting`. */
  readonly skipped: boolean
}

const action = 'uploadFile'

// -- the whole --
const uploadInOnePut = (run: FileUpload): TE.TaskEither<CosError, UploadResult> => {
  const { scope, input, file } = run
  const { size } = file
  const put = sendPart(
    run,
    'up'
  )((whole: Pick<PartRange, 'number' | 'size'>) =>
    putObject({ ...putInput(input, createRangeBody(file, 0, whole.size)), ...In.pick('enableMd5')(input) })
  )
  return pipe(put({ number: 1, size }, scope.controller.signal), TE.map(putResultOf(input, size)))
}

/** The existing object, if its bytes are the file's. */
const existingObject = ({
  scope,
  input,
  file
}: FileUpload): TE.TaskEither<CosError, O.Option<UploadResult>> =>
  pipe(
    headIfExists({ ...refOf(input), ...headOptions(input) })(scope.client),
    TE.chain(
      O.match(
        () => TE.right(O.none),
        (head) => {
          if (head.size !== file.size || O.isNone(head.crc64)) return TE.right(O.none)
          const theirs = head.crc64.value
          return pipe(
            hashOf(file, createRangeBody(file, 0, head.size)),
            TE.map(({ crc64 }) =>
              crc64 === theirs
                ? O.some({
                    bucket: input.bucket,
                    key: input.key,
                    etag: head.etag,
                    versionId: head.versionId,
                    size: head.size,
                    parts: 0,
                    multipart: false,
                    resumed: head.size,
                    crc64,
                    integrity: { _tag: 'Verified' as const, crc64 },
                    orphanedUploads: [],
                    requestId: head.requestId
                  })
                : O.none
            )
          )
        }
      )
    )
  )

const uploadUnlessExisting = (run: FileUpload): TE.TaskEither<CosError, UploadFileResult> =>
  pipe(
    run.input.skipExisting === true ? existingObject(run) : TE.right(O.none),
    TE.chain(
      O.match(
        () =>
          pipe(
            run.file.size <= (run.input.threshold ?? uploadFileDefaults.threshold)
              ? uploadInOnePut(run)
              : () => uploadInParts(run),
            TE.map((uploaded): UploadFileResult => ({ ...uploaded, skipped: false }))
          ),
        (same) => TE.right({ ...same, skipped: true })
      )
    )
  )

const openAndUpload = async (
  transfer: Transfer<UploadFileInput>
): Promise<E.Either<CosError, UploadFileResult>> => {
  const { context, input } = transfer
  const opened = await openSource(context, input.file, In.pick('length')(input))()
  if (E.isLeft(opened)) return opened
  const file = opened.right
  // Reads that are under way end with the handle.
  transfer.defer(() => file.handle.close())
  const sized = forSize({ size: file.size, partSize: input.partSize ?? uploadDefaults.partSize })
  if (E.isLeft(sized)) return E.left(invalidInput(context, sized.left))
  input.progress?.report({ _tag: 'Expected', size: file.size })
  const { concurrency = uploadFileDefaults.concurrency } = input
  return uploadUnlessExisting({ ...transfer, file, partSize: sized.right, concurrency })()
}

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
export const uploadFile: (input: UploadFileInput) => CosEffect<UploadFileResult> = runTransfer(
  action,
  validate(action, UploadFileInput),
  openAndUpload
)
