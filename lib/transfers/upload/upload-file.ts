/** A file becomes an object, and goes on where an earlier run was cut off. */
import { pipe } from 'fp-ts/lib/function.js'
import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import * as TE from 'fp-ts/lib/TaskEither.js'
import { CosException, fromUnknown, invalidInput, type CosError } from '../../core/error.js'
import * as In from '../../core/input.js'
import { MiB } from '../../core/limits.js'
import { validate } from '../../core/operation.js'
import { refOf } from '../../core/request.js'
import type { CosEffect } from '../../client/send.js'
import { putObject } from '../../operations/put-object.js'
import { uploadPart } from '../../operations/upload-part.js'
import { fromIterable } from '../../stages/iterables.js'
import { mapConcurrent } from '../../stages/map-concurrent.js'
import { forSize } from '../../stages/part-size.js'
import { planRanges, type PartRange } from '../../stages/plan-ranges.js'
import { headIfExists } from '../shared/head-if-exists.js'
import { withProgress, type WithProgress } from '../shared/progress.js'
import { runTransfer, type Transfer } from '../shared/run-transfer.js'
import { sendPart } from '../shared/send-part.js'
import { headOptions, createUpload, cleanUpFailed } from '../multipart/lifecycle.js'
import {
  matchesPart,
  Resume,
  findResumable,
  type UploadedPart,
  type ResumableUpload
} from '../multipart/find-resumable.js'
import {
  uploadDefaults,
  uploadCreateInput,
  partInput,
  putInput,
  uploadOptions,
  type UploadOptions
} from './options.js'
import {
  hashOf,
  openSource,
  createRangeBody,
  checkUnchanged,
  type SourceFile
} from '../../files/source-file.js'
import { completeParts, putResultOf, type HashedPartSent, type UploadResult } from './result.js'

export interface UploadFileInput extends UploadOptions, WithProgress {
  /** The file's path. */
  readonly file: string
  /** In bytes: up to so many go in one plain PUT; 20 MiB unless said. */
  readonly threshold?: number
  /**
   * What an earlier run left is gone on with: the newest upload of the key, or one by its id, if every part of it is a
   * part of this file. Its metadata are those that it was begun with. `newest` unless said; `never` begins anew.
   */
  readonly resume?: Resume
  /** Sends nothing where the key has an object of the file's size and CRC64 already. Metadata are not compared. */
  readonly skipExisting?: boolean
}

const Input = In.struct<UploadFileInput>('UploadFileInput', {
  ...uploadOptions,
  ...withProgress,
  file: In.guarded(
    'the path of a file',
    (u): u is string => typeof u === 'string' && u !== '' && !u.includes('\0')
  ),
  threshold: In.optional(In.integer(0)),
  resume: In.optional(Resume),
  skipExisting: In.optional(In.boolean)
})

export interface UploadFileResult extends UploadResult {
  /** Nothing was sent: see `skipExisting`. */
  readonly skipped: boolean
}

const action = 'uploadFile'
// Those of COS's Python SDK: above the threshold, parts that can be gone on with are worth their requests.
const uploadFileDefaults = { threshold: 20 * MiB, concurrency: 5 }

// -- parts --
interface UploadRun extends Transfer<UploadFileInput> {
  readonly file: SourceFile
  readonly partSize: number
}

const plan = ({ file, partSize }: UploadRun): Iterable<PartRange> => planRanges({ to: file.size, partSize })

/** Parts of an earlier run, by number, hashed here. */
type ResumedParts = ReadonlyMap<number, HashedPartSent>

/** One part of an earlier run, compared with the file; none if its bytes are not the file's. */
const confirmPart = async (
  { file }: UploadRun,
  { number, first, size }: PartRange,
  known: UploadedPart
): Promise<O.Option<HashedPartSent>> => {
  const read = await hashOf(file, createRangeBody(file, first, size))()
  if (E.isLeft(read)) throw new CosException(read.left)
  const { md5, crc64 } = read.right
  return matchesPart(known, { size, md5 }) === 'same'
    ? O.some({ number, size, etag: known.etag, crc64 })
    : O.none
}

/**
 * Reads and hashes the file's bytes for every part of an earlier run: a file may have changed and kept its size and
 * its date.
 *
 * @shape none if a part is not the file's, or is not one of the plan
 */
const confirmParts = async (run: UploadRun, earlier: ResumableUpload): Promise<O.Option<ResumedParts>> => {
  const planned = [...plan(run)].filter(({ number }) => earlier.parts.has(number))
  if (planned.length < earlier.parts.size) return O.none
  const confirm = mapConcurrent<PartRange>({ concurrency: 2 })(async (range) => {
    const known = earlier.parts.get(range.number)
    return known === undefined ? O.none : confirmPart(run, range, known)
  })
  const confirmed = new Map<number, HashedPartSent>()
  for await (const part of confirm(fromIterable(planned))) {
    if (O.isNone(part)) return O.none
    confirmed.set(part.value.number, part.value)
  }
  return O.some(confirmed)
}

interface StartedUpload {
  readonly uploadId: string
  readonly resumed: ResumedParts
}

const startUpload = ({ scope, context, input }: UploadRun): TE.TaskEither<CosError, StartedUpload> =>
  pipe(
    createUpload(scope.client, context, uploadCreateInput(input)),
    TE.map((uploadId) => ({ uploadId, resumed: new Map() }))
  )

/** Resumes an earlier upload if all of its parts are the file's. Any other upload is left alone. */
const resumeOrStart = (run: UploadRun): TE.TaskEither<CosError, StartedUpload> =>
  pipe(
    findResumable(run.input, run.input.resume ?? 'newest')(run.scope.client),
    TE.chain((found) =>
      O.isNone(found)
        ? startUpload(run)
        : pipe(
            TE.tryCatch(() => confirmParts(run, found.value), fromUnknown(run.context)),
            TE.chain((resumed) =>
              O.isNone(resumed)
                ? startUpload(run)
                : TE.right({ uploadId: found.value.uploadId, resumed: resumed.value })
            )
          )
    )
  )

const sendRest = async (
  run: UploadRun,
  { uploadId, resumed }: StartedUpload
): Promise<ReadonlyArray<HashedPartSent>> => {
  const { scope, input, file } = run
  const put = sendPart(
    run,
    'up'
  )((range: PartRange) =>
    uploadPart({
      ...partInput(input, uploadId, {
        partNumber: range.number,
        body: createRangeBody(file, range.first, range.size)
      }),
      ...In.pick('enableMd5')(input)
    })
  )
  const rest = function* (): Generator<PartRange, void, undefined> {
    for (const range of plan(run)) {
      if (!resumed.has(range.number)) yield range
      else input.progress?.tell({ _tag: 'PartSkipped', size: range.size })
    }
  }
  const sendAll = mapConcurrent<PartRange>({
    concurrency: input.concurrency ?? uploadFileDefaults.concurrency,
    controller: scope.controller
  })(async (range, signal): Promise<HashedPartSent> => {
    const answer = await put(range, signal)()
    if (E.isLeft(answer)) throw new CosException(answer.left)
    const { etag, sentCrc64 } = answer.right
    return { number: range.number, size: range.size, etag, crc64: sentCrc64 }
  })
  const sent = [...resumed.values()]
  for await (const part of sendAll(fromIterable(rest()))) sent.push(part)
  return sent
}

const uploadInParts = (run: UploadRun): TE.TaskEither<CosError, UploadResult> =>
  pipe(
    resumeOrStart(run),
    TE.chainFirstIOK(({ uploadId }) => () => {
      const { scope, input } = run
      run.onFailure(cleanUpFailed(scope.client, input, uploadId, input.onFailure ?? uploadDefaults.onFailure))
    }),
    TE.bindTo('started'),
    TE.bind('sent', ({ started }) => TE.tryCatch(() => sendRest(run, started), fromUnknown(run.context))),
    TE.chainFirst(() => checkUnchanged(run.file)),
    TE.chain(({ started, sent }) =>
      completeParts(
        run,
        started.uploadId,
        sent,
        [...started.resumed.values()].reduce((sum, { size }) => sum + size, 0)
      )
    )
  )

// -- the whole --
const uploadInOnePut = (run: UploadRun): TE.TaskEither<CosError, UploadResult> => {
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
const existingObject = ({ scope, input, file }: UploadRun): TE.TaskEither<CosError, O.Option<UploadResult>> =>
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
                    requestId: head.requestId
                  })
                : O.none
            )
          )
        }
      )
    )
  )

const uploadUnlessExisting = (run: UploadRun): TE.TaskEither<CosError, UploadFileResult> =>
  pipe(
    run.input.skipExisting === true ? existingObject(run) : TE.right(O.none),
    TE.chain(
      O.match(
        () =>
          pipe(
            run.file.size <= (run.input.threshold ?? uploadFileDefaults.threshold)
              ? uploadInOnePut(run)
              : uploadInParts(run),
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
  const opened = await openSource(context, input.file)()
  if (E.isLeft(opened)) return opened
  const file = opened.right
  // Reads that are under way end with the handle.
  transfer.defer(() => file.handle.close())
  const sized = forSize({ size: file.size, partSize: input.partSize ?? uploadDefaults.partSize })
  if (E.isLeft(sized)) return E.left(invalidInput(context, sized.left))
  input.progress?.tell({ _tag: 'Expected', size: file.size })
  return uploadUnlessExisting({ ...transfer, file, partSize: sized.right })()
}

/**
 * Uploads a file, and resumes an upload that an earlier run left unfinished, whatever ended it.
 *
 * Up to the threshold it is one PUT. Above it, the newest upload of the key is looked up on COS: if each of its parts
 * is, by size and MD5, a part of this file, only the others are sent; no state is kept on this machine. The file is
 * opened once and read part by part. Each part's CRC64 is compared with COS's, and so is that of the whole object. If
 * the file is written to meanwhile, the upload fails; the object is never a mixture.
 *
 * @shape  `UploadFileInput -> CosEffect<UploadFileResult>`
 * @units  `partSize` and `threshold` in bytes; holds some 512 KiB for each part in flight, whatever its size
 * @errors `FileError` with the system's code; those of `putObject` and of the multipart operations; `SourceError` if
 *         the file changed; `IntegrityError`; `error.context.uploadId` if an upload was left open, as it is for
 *         `onFailure: 'keep'`
 * @source https://cloud.tencent.com/document/product/436/14112
 * @example uploadFile({ bucket, key: 'film.mp4', file: 'film.mp4', onFailure: 'keep' })(client)()
 */
export const uploadFile: (input: UploadFileInput) => CosEffect<UploadFileResult> = runTransfer(
  action,
  validate(action, Input),
  openAndUpload
)
