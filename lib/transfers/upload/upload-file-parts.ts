/** A file as a multipart upload: resumed or created, filled, completed. */
import { resolve } from 'node:path'
import { pipe } from 'fp-ts/lib/function.js'
import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import * as TE from 'fp-ts/lib/TaskEither.js'
import { hostOf } from '../../core/address.js'
import { CosException, fileError, fromUnknown, type CosError } from '../../core/error.js'
import * as In from '../../core/input.js'
import type { CosEffect } from '../../client/send.js'
import { scoped } from '../../client/scope.js'
import { hashOf, createRangeBody, checkUnchanged, type SourceFile } from '../../files/source-file.js'
import {
  defaultCheckpointDirectory,
  uploadCheckpoints,
  type UploadCheckpoint,
  type UploadCheckpoints
} from '../../files/upload-checkpoint.js'
import { uploadPart } from '../../operations/upload-part.js'
import { fromIterable } from '../../stages/iterables.js'
import { mapConcurrent } from '../../stages/map-concurrent.js'
import { planRanges, type PartRange } from '../../stages/plan-ranges.js'
import {
  findResumable,
  findUpload,
  isUploadGone,
  matchesPart,
  type ResumableUpload,
  type UploadedPart
} from '../multipart/find-resumable.js'
import { abortUpload, cleanUpFailed, createUpload } from '../multipart/lifecycle.js'
import type { Transfer } from '../shared/run-transfer.js'
import { sendPart } from '../shared/send-part.js'
import type { UploadFileInput } from './file-options.js'
import { partInput, uploadCreateInput, uploadDefaults } from './options.js'
import { completeParts, type HashedPartSent, type UploadResult } from './result.js'

export interface FileUpload extends Transfer<UploadFileInput> {
  readonly file: SourceFile
  readonly partSize: number
  readonly concurrency: number
}

const planParts = ({ file, partSize }: FileUpload): Iterable<PartRange> =>
  planRanges({ to: file.size, partSize })

const valueOf = async <A>({ scope }: FileUpload, effect: CosEffect<A>): Promise<A> => {
  const result = await effect(scope.client)()
  if (E.isLeft(result)) throw new CosException(result.left)
  return result.right
}

// -- confirm the parts of an earlier run --
/** Parts of an earlier run, by number, hashed here. */
type ResumedParts = ReadonlyMap<number, HashedPartSent>

/** Compares one part of an earlier run with the file; none if the bytes differ. */
const confirmPart = async (
  { file }: FileUpload,
  { number, first, size }: PartRange,
  known: UploadedPart
): Promise<O.Option<HashedPartSent>> => {
  const read = await hashOf(file, createRangeBody(file, first, size))()
  if (E.isLeft(read)) throw new CosException(read.left)
  const { md5, crc64 } = read.right
  return matchesPart(known, { size, md5 }) ? O.some({ number, size, etag: known.etag, crc64 }) : O.none
}

/**
 * Reads and hashes the bytes of the file for each part of an earlier run: a file may have changed but kept its size and
 * its date.
 *
 * @shape none if a part differs from the file, or has a number that the plan does not have
 */
const confirmParts = async (run: FileUpload, earlier: ResumableUpload): Promise<O.Option<ResumedParts>> => {
  const planned = [...planParts(run)].filter(({ number }) => earlier.parts.has(number))
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

// -- resume or create --
interface StartedUpload {
  readonly uploadId: string
  readonly orphanedUploads?: ReadonlyArray<string>
  readonly resumed: ResumedParts
  /**
   * `own`: created by this run, or by an earlier run whose checkpoint this run has claimed. `found`: listed by COS, and
   * perhaps of another process. `named`: given by the caller.
   */
  readonly origin: 'own' | 'found' | 'named'
  /** Whether an earlier run created it: it may have been aborted since. */
  readonly isEarlier: boolean
  readonly checkpoint: UploadCheckpoint | undefined
}

const openCheckpoints = ({ scope, input }: FileUpload): UploadCheckpoints | undefined => {
  if (input.checkpoint === false) return undefined
  const { endpoint } = scope.client
  return uploadCheckpoints(
    input.checkpoint ?? defaultCheckpointDirectory(),
    JSON.stringify([
      endpoint.address ?? '',
      hostOf(endpoint, input.bucket),
      input.bucket,
      input.key,
      resolve(input.file)
    ])
  )
}

/** Writes the checkpoint. A failure is an error only if the caller gave a directory: the upload works without it. */
const writeCheckpoint = async (
  { context, input }: FileUpload,
  checkpoints: UploadCheckpoints | undefined,
  uploadId: string
): Promise<UploadCheckpoint | undefined> => {
  try {
    return await checkpoints?.create(uploadId)
  } catch (thrown) {
    if (typeof input.checkpoint !== 'string') return undefined
    throw new CosException(fileError(context, input.checkpoint)(thrown))
  }
}

const createOwn = async (
  run: FileUpload,
  checkpoints: UploadCheckpoints | undefined
): Promise<StartedUpload> => {
  const { context, input } = run
  const { uploadId, orphanedUploads } = await valueOf(run, (client) =>
    createUpload(client, context, uploadCreateInput(input))
  )
  const created = { uploadId, orphanedUploads, resumed: new Map(), origin: 'own', isEarlier: false } as const
  cleanUpAfter(run, { ...created, checkpoint: undefined })
  return { ...created, checkpoint: await writeCheckpoint(run, checkpoints, uploadId) }
}

const policyOf = ({ input }: FileUpload): 'abort' | 'keep' => input.onFailure ?? uploadDefaults.onFailure

/** Discards an upload of an earlier run on this machine: the file has changed, or COS has aborted the upload. */
const discard = async (run: FileUpload, checkpoint: UploadCheckpoint, exists: boolean): Promise<void> => {
  if (exists && policyOf(run) === 'abort')
    await abortUpload(run.scope.client, run.input, checkpoint.uploadId)()
  await checkpoint.remove()
}

/** Resumes the newest upload that has a checkpoint of an earlier run, if all of its parts match the file. */
const resumeOwn = async (
  run: FileUpload,
  checkpoints: UploadCheckpoints
): Promise<StartedUpload | undefined> => {
  for (;;) {
    const checkpoint = await checkpoints.claim().catch(() => undefined)
    if (checkpoint === undefined) return undefined
    try {
      run.scope.controller.signal.throwIfAborted()
      const { uploadId } = checkpoint
      const found = await valueOf(run, findUpload(run.input, uploadId))
      const resumed = O.isSome(found) ? await confirmParts(run, found.value) : O.none
      if (O.isSome(resumed)) {
        return { uploadId, resumed: resumed.value, origin: 'own', isEarlier: true, checkpoint }
      }
      await discard(run, checkpoint, O.isSome(found))
    } catch (thrown) {
      await checkpoint.release().catch(() => undefined)
      throw thrown
    }
  }
}

/** Resumes an upload that COS lists, if all of its parts match the file. Other uploads are not changed. */
const resumeFound = async (run: FileUpload): Promise<StartedUpload | undefined> => {
  const { resume = 'newest' } = run.input
  const found = await valueOf(run, findResumable(run.input, resume))
  const resumed = O.isSome(found) ? await confirmParts(run, found.value) : O.none
  if (O.isNone(found) || O.isNone(resumed)) return undefined
  const origin = typeof resume === 'object' && 'uploadId' in resume ? 'named' : 'found'
  return {
    uploadId: found.value.uploadId,
    resumed: resumed.value,
    origin,
    isEarlier: true,
    checkpoint: undefined
  }
}

const resumeOrCreate = async (
  run: FileUpload,
  checkpoints: UploadCheckpoints | undefined
): Promise<StartedUpload> => {
  const { resume = 'newest' } = run.input
  const looksForOwn = resume === 'newest' || (typeof resume === 'object' && 'minAge' in resume)
  const own = looksForOwn && checkpoints !== undefined ? await resumeOwn(run, checkpoints) : undefined
  return own ?? (await resumeFound(run)) ?? (await createOwn(run, checkpoints))
}

/** Sets the cleanup after a failure. An upload of another run is aborted only if the caller set `onFailure: 'abort'`. */
const cleanUpAfter = (run: FileUpload, { uploadId, origin, checkpoint }: StartedUpload): void => {
  const { scope, input } = run
  run.onFailure(
    cleanUpFailed(scope.client, input, {
      uploadId,
      onFailure: origin === 'own' ? policyOf(run) : (input.onFailure ?? 'keep'),
      onSettled: async (exists) => {
        await (exists ? checkpoint?.release() : checkpoint?.remove())?.catch(() => undefined)
      }
    })
  )
}

// -- send and complete --
const sendRest = async (
  run: FileUpload,
  { uploadId, resumed }: StartedUpload
): Promise<ReadonlyArray<HashedPartSent>> => {
  const { scope, input, file, concurrency } = run
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
    for (const range of planParts(run)) {
      if (!resumed.has(range.number)) yield range
      else input.progress?.report({ _tag: 'PartSkipped', size: range.size })
    }
  }
  const sendAll = mapConcurrent<PartRange>({ concurrency, controller: scope.controller })(async (
    range,
    signal
  ): Promise<HashedPartSent> => {
    const response = await put(range, signal)()
    if (E.isLeft(response)) throw new CosException(response.left)
    const { etag, sentCrc64 } = response.right
    return { number: range.number, size: range.size, etag, crc64: sentCrc64 }
  })
  const sent = [...resumed.values()]
  for await (const part of sendAll(fromIterable(rest()))) sent.push(part)
  return sent
}

/** In a separate scope: a failure must not end the scope of the transfer, in which the upload may be restarted. */
const sendAndComplete = (run: FileUpload, started: StartedUpload): TE.TaskEither<CosError, UploadResult> => {
  const resumed = [...started.resumed.values()].reduce((sum, { size }) => sum + size, 0)
  return () =>
    scoped(run.scope.client, run.context, (scope) =>
      pipe(
        TE.tryCatch(() => sendRest({ ...run, scope }, started), fromUnknown(run.context)),
        TE.chainFirst(() => checkUnchanged(run.file)),
        TE.chain((sent) => completeParts({ ...run, scope }, started, sent, resumed))
      )()
    )
}

/**
 * Uploads the file in parts.
 *
 * If the resumed upload no longer exists, because another run has completed or aborted it, a new upload is created.
 */
export const uploadInParts = async (run: FileUpload): Promise<E.Either<CosError, UploadResult>> => {
  const checkpoints = openCheckpoints(run)
  const fill = async (started: StartedUpload): Promise<E.Either<CosError, UploadResult>> => {
    cleanUpAfter(run, started)
    const result = await sendAndComplete(run, started)()
    if (E.isRight(result)) await started.checkpoint?.remove().catch(() => undefined)
    return result
  }
  const started = await resumeOrCreate(run, checkpoints)
  const result = await fill(started)
  if (E.isRight(result) || !isUploadGone(result.left)) return result
  if (!started.isEarlier || started.origin === 'named') return result
  await started.checkpoint?.remove().catch(() => undefined)
  return fill(await createOwn(run, checkpoints))
}
