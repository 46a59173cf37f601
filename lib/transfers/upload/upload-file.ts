/** A file becomes an object, and goes on where an earlier run was cut off. */
import { pipe } from 'fp-ts/lib/function.js'
import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import * as TE from 'fp-ts/lib/TaskEither.js'
import { CosException, fromUnknown, type Context, type CosError } from '../../core/error.js'
import * as In from '../../core/input.js'
import type { Integrity } from '../../core/integrity.js'
import { MiB } from '../../core/limits.js'
import { contextOf, validate } from '../../core/operation.js'
import { refOf } from '../../core/request.js'
import { publishPart, publish } from '../../client/diagnostics.js'
import { scoped, type Scope } from '../../client/scope.js'
import { send, type CosEffect } from '../../client/send.js'
import { putObject } from '../../operations/put-object.js'
import { uploadPart } from '../../operations/upload-part.js'
import { fromIterable } from '../../stages/iterables.js'
import { mapConcurrent } from '../../stages/map-concurrent.js'
import { forSize } from '../../stages/part-size.js'
import { planRanges, type PartRange } from '../../stages/plan-ranges.js'
import { headIfExists } from '../shared/head-if-exists.js'
import { withProgress, reportPartsOf, type WithProgress } from '../shared/progress.js'
import {
  headOptions,
  createUpload,
  completeUpload,
  cleanUpFailed,
  type PartSent
} from '../multipart/lifecycle.js'
import {
  matchesPart,
  Resume,
  findResumable,
  type UploadedPart,
  type ResumableUpload
} from '../multipart/find-resumable.js'
import {
  uploadDefaults,
  uploadCompleteInput,
  uploadCreateInput,
  partInput,
  putInput,
  uploadOptions,
  type UploadOptions
} from './options.js'
import { hashOf, openSource, readStretch, unchanged, type SourceFile } from '../../files/source-file.js'
import { uploadResultOf, type UploadResult } from './upload-stream.js'

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

const about = ({
  bucket,
  key
}: UploadFileInput): { readonly operation: string; readonly bucket: string; readonly key: string } => ({
  operation: action,
  bucket,
  key
})

// -- parts --
interface UploadRun {
  readonly scope: Scope
  readonly context: Context
  readonly input: UploadFileInput
  readonly file: SourceFile
  readonly partSize: number
}

const plan = ({ file, partSize }: UploadRun): Iterable<PartRange> =>
  planRanges({ to: file.stats.size, partSize })

type Skipped = ReadonlyMap<number, PartSent>

/** One part of an earlier run, held against the file; none where it is another file's. */
const confirmedParts = async (
  { file }: UploadRun,
  range: PartRange,
  known: UploadedPart
): Promise<O.Option<PartSent>> => {
  const read = await hashOf(file, readStretch(file, range.first, range.size))()
  if (E.isLeft(read)) throw new CosException(read.left)
  const { md5, crc64 } = read.right
  return matchesPart(known, { size: range.size, md5 }) === 'same'
    ? O.some({ number: range.number, size: range.size, etag: known.etag, crc64: O.some(crc64) })
    : O.none
}

/**
 * The parts of an earlier run that are parts of this file: read, hashed and compared one by one, for a file may have
 * changed and kept its size and its date.
 *
 * @shape none where one of them is another file's, or no part of the plan
 */
const parts = async (now: UploadRun, earlier: ResumableUpload): Promise<O.Option<Skipped>> => {
  const planned = [...plan(now)].filter(({ number }) => earlier.parts.has(number))
  if (planned.length < earlier.parts.size) return O.none
  const comparing = mapConcurrent<PartRange>({ concurrency: 2 })(async (range) => {
    const known = earlier.parts.get(range.number)
    return known === undefined ? O.none : confirmedParts(now, range, known)
  })
  const same = new Map<number, PartSent>()
  for await (const part of comparing(fromIterable(planned))) {
    if (O.isNone(part)) return O.none
    same.set(part.value.number, part.value)
  }
  return O.some(same)
}

interface StartedUpload {
  readonly uploadId: string
  readonly skipped: Skipped
}

const startUpload = ({ scope, context, input }: UploadRun): TE.TaskEither<CosError, StartedUpload> =>
  pipe(
    createUpload(scope.client, context, uploadCreateInput(input)),
    TE.map((uploadId) => ({ uploadId, skipped: new Map() }))
  )

/** Goes on with an earlier upload where all of it is ours. Another's is left alone: its owner may be at work on it. */
const findExisting = (now: UploadRun): TE.TaskEither<CosError, StartedUpload> =>
  pipe(
    findResumable(now.input, now.input.resume ?? 'newest')(now.scope.client),
    TE.chain((found) =>
      O.isNone(found)
        ? startUpload(now)
        : pipe(
            TE.tryCatch(() => parts(now, found.value), fromUnknown(now.context)),
            TE.chain((skipped) =>
              O.isNone(skipped)
                ? startUpload(now)
                : TE.right({ uploadId: found.value.uploadId, skipped: skipped.value })
            )
          )
    )
  )

const countedOf = (integrity: Integrity): O.Option<bigint> =>
  integrity._tag === 'Verified' ? O.some(integrity.crc64) : integrity.crc64

const sendRest = async (
  now: UploadRun,
  { uploadId, skipped }: StartedUpload
): Promise<ReadonlyArray<PartSent>> => {
  const { scope, input, file } = now
  const put = reportPartsOf(input)((range: PartRange, signal) =>
    pipe(
      send(
        uploadPart({
          ...partInput(input, uploadId, {
            partNumber: range.number,
            body: readStretch(file, range.first, range.size)
          }),
          ...In.pick('enableMd5')(input)
        })
      )({ ...scope.client, signals: [signal] }),
      publishPart({ ...about(input), part: range.number, size: range.size, direction: 'up' })
    )
  )
  const rest = function* (): Generator<PartRange, void, undefined> {
    for (const range of plan(now)) {
      if (!skipped.has(range.number)) yield range
      else input.progress?.tell({ _tag: 'PartSkipped', size: range.size })
    }
  }
  const sending = mapConcurrent<PartRange>({
    concurrency: input.concurrency ?? uploadFileDefaults.concurrency,
    controller: scope.controller
  })(async (range, signal): Promise<PartSent> => {
    const answer = await put(range, signal)()
    if (E.isLeft(answer)) throw new CosException(answer.left)
    const { etag, integrity } = answer.right
    return { number: range.number, size: range.size, etag, crc64: countedOf(integrity) }
  })
  const sent = [...skipped.values()]
  for await (const part of sending(fromIterable(rest()))) sent.push(part)
  return sent.sort((a, b) => a.number - b.number)
}

const uploadInParts = (
  now: UploadRun,
  began: (uploadId: string) => void
): TE.TaskEither<CosError, UploadResult> =>
  pipe(
    findExisting(now),
    TE.chainFirstIOK(({ uploadId }) => () => {
      began(uploadId)
    }),
    TE.bindTo('begun'),
    TE.bind('sent', ({ begun }) => TE.tryCatch(() => sendRest(now, begun), fromUnknown(now.context))),
    TE.chainFirst(() => unchanged(now.file)),
    TE.chain(({ begun, sent }) =>
      pipe(
        completeUpload(
          now.scope.client,
          now.context,
          uploadCompleteInput(now.input, begun.uploadId),
          headOptions(now.input),
          sent
        ),
        TE.map(
          uploadResultOf(
            now.input,
            [...begun.skipped.values()].reduce((sum, { size }) => sum + size, 0)
          )
        )
      )
    )
  )

// -- the whole --
const uploadInOnePut = ({ scope, input, file }: UploadRun): TE.TaskEither<CosError, UploadResult> => {
  const { size } = file.stats
  const put = reportPartsOf(input)((_whole: { readonly size: number }, signal) =>
    pipe(
      send(putObject({ ...putInput(input, readStretch(file, 0, size)), ...In.pick('enableMd5')(input) }))({
        ...scope.client,
        signals: [signal]
      }),
      publishPart({ ...about(input), part: 1, size, direction: 'up' })
    )
  )
  return pipe(
    put({ size }, scope.controller.signal),
    TE.chainFirst(() => unchanged(file)),
    TE.map(({ etag, versionId, integrity, requestId }) => ({
      bucket: input.bucket,
      key: input.key,
      etag,
      versionId,
      size,
      parts: 0,
      resumed: 0,
      crc64: O.getOrElse(() => 0n)(countedOf(integrity)),
      integrity,
      requestId
    }))
  )
}

/** The object that is there, if it is this file. */
const existingObject = ({ scope, input, file }: UploadRun): TE.TaskEither<CosError, O.Option<UploadResult>> =>
  pipe(
    headIfExists({ ...refOf(input), ...headOptions(input) })(scope.client),
    TE.chain(
      O.match(
        () => TE.right(O.none),
        (head) => {
          if (head.size !== file.stats.size || O.isNone(head.crc64)) return TE.right(O.none)
          const theirs = head.crc64.value
          return pipe(
            hashOf(file, readStretch(file, 0, head.size)),
            TE.map(({ crc64 }) =>
              crc64 === theirs
                ? O.some({
                    bucket: input.bucket,
                    key: input.key,
                    etag: head.etag,
                    versionId: head.versionId,
                    size: head.size,
                    parts: 0,
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

const runUpload = (
  now: UploadRun,
  began: (uploadId: string) => void
): TE.TaskEither<CosError, UploadFileResult> =>
  pipe(
    now.input.skipExisting === true ? existingObject(now) : TE.right(O.none),
    TE.chain(
      O.match(
        () =>
          pipe(
            now.file.stats.size <= (now.input.threshold ?? uploadFileDefaults.threshold)
              ? uploadInOnePut(now)
              : uploadInParts(now, began),
            TE.map((uploaded): UploadFileResult => ({ ...uploaded, skipped: false }))
          ),
        (same) => TE.right({ ...same, skipped: true })
      )
    )
  )

/**
 * Uploads a file, and goes on where an earlier run was cut off, by whatever.
 *
 * Up to the threshold it is one PUT. Above it, the newest upload of the key is looked up on COS: where each of its parts
 * is, by size and MD5, a part of this file, only the others are sent; nothing needs to be kept on this machine. The file
 * is opened once and read part by part, each part's CRC64 is compared with COS's answer, and that of the whole with what
 * COS assembled. A file that is written to meanwhile is an error, never a mixture.
 *
 * Two runs for one key and file at once end well; for different files, the later completion wins, or the earlier fails.
 *
 * @shape  `UploadFileInput -> Effect<UploadedFile>`
 * @units  `partSize` and `threshold` in bytes; holds some 512 KiB for each part in flight, whatever its size
 * @errors `FileError` with the system's code; those of `putObject` and of the multipart operations; `SourceError` where
 *         the file changed; `IntegrityError`; `error.context.uploadId` where an upload was left open, as it is for
 *         `onFailure: 'keep'`
 * @source https://cloud.tencent.com/document/product/436/14112
 * @example uploadFile({ bucket, key: 'film.mp4', file: 'film.mp4', onFailure: 'keep' })(client)()
 */
export const uploadFile =
  (input: UploadFileInput): CosEffect<UploadFileResult> =>
  (client) =>
  async () => {
    const context = contextOf(action, input)
    const judged = validate(action, Input)(input)
    if (E.isLeft(judged)) return judged
    const valid = judged.right
    const opened = await openSource(context, valid.file)()
    if (E.isLeft(opened)) return opened
    const file = opened.right
    const sized = forSize({ size: file.stats.size, partSize: valid.partSize ?? uploadDefaults.partSize })
    if (E.isLeft(sized)) {
      await file.handle.close()
      return E.left({ _tag: 'InvalidInput', context, ...sized.left })
    }

    let uploadId: string | undefined
    valid.progress?.tell({ _tag: 'Expected', size: file.stats.size })
    publish('transfer', () => ({ ...about(valid), phase: 'start', transferred: 0, error: '' }))
    const result = await scoped(client, context, (scope) =>
      runUpload({ scope, context, input: valid, file, partSize: sized.right }, (id) => {
        uploadId = id
      })()
    )
    // Reads that were under way end with the handle.
    await file.handle.close()
    valid.progress?.end()
    publish('transfer', () => ({
      ...about(valid),
      phase: 'end',
      transferred: E.isRight(result) ? result.right.size : 0,
      error: E.isLeft(result) ? result.left._tag : ''
    }))
    if (E.isRight(result) || uploadId === undefined) return result
    return E.left(
      await cleanUpFailed(client, valid, uploadId, valid.onFailure ?? uploadDefaults.onFailure)(result.left)()
    )
  }
