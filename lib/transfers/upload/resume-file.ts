/** The upload in parts of a file: resumed, or created. */
import { resolve } from 'node:path'
import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import * as T from 'fp-ts/lib/Task.js'
import { hostOf } from '../../core/address.js'
import { CosException, fileError } from '../../core/error.js'
import * as In from '../../core/input.js'
import { hashOf } from '../../files/source-file.js'
import {
  defaultCheckpointDirectory,
  uploadCheckpoints,
  type UploadCheckpoint,
  type UploadCheckpoints
} from '../../files/upload-checkpoint.js'
import type { ObjectCipher } from '../../encryption/object-cipher.js'
import { fromIterable } from '../../stages/iterables.js'
import { mapConcurrent } from '../../stages/map-concurrent.js'
import type { PartRange } from '../../stages/plan-ranges.js'
import {
  findResumable,
  findUpload,
  isUploadGone,
  matchesPart,
  type ResumableUpload,
  type UploadedPart
} from '../multipart/find-resumable.js'
import { abortUpload, cleanUpFailed, withUploads, type OtherUploads } from '../multipart/clean-up.js'
import { createUpload } from '../multipart/create-upload.js'
import { fileBodies, isAsRecorded, type BodyOfRange } from './file-bodies.js'
import { planParts, valueOf, type FileUpload } from './file-upload.js'
import { uploadCreateInput, uploadDefaults } from './options.js'
import { partBodies, type PartBodyOf } from './part-bodies.js'
import type { HashedPartSent } from './result.js'
import { createCipher, withMetadata } from './upload-encryption.js'
import { createJournal, openJournal, type UploadJournal } from './upload-journal.js'

// -- confirm the parts of an earlier run --
/** Parts of an earlier run, by number, hashed here. */
type ResumedParts = ReadonlyMap<number, HashedPartSent>

/** Compares one part of an earlier run with the file; none if the bytes differ. */
const confirmPart = async (
  { file }: FileUpload,
  bodyOf: BodyOfRange,
  range: PartRange,
  known: UploadedPart
): Promise<O.Option<HashedPartSent>> => {
  const body = await bodyOf(range)()
  if (E.isLeft(body)) throw new CosException(body.left)
  const read = await hashOf(file, body.right)()
  if (E.isLeft(read)) throw new CosException(read.left)
  const { md5, crc64 } = read.right
  const { size } = body.right
  return matchesPart(known, { size, md5 })
    ? O.some({ number: range.number, size, etag: known.etag, crc64 })
    : O.none
}

/**
 * Reads and hashes the bytes of the file for each part of an earlier run: a file may have changed but kept its size and
 * its date.
 *
 * @shape none if a part differs from the file, or has a number that the plan does not have
 */
const confirmParts = async (
  run: FileUpload,
  earlier: ResumableUpload,
  cipher: O.Option<ObjectCipher> = O.none
): Promise<O.Option<ResumedParts>> => {
  const bodyOf = fileBodies(run.file, cipher, O.none)
  const planned = [...planParts(run)].filter(({ number }) => earlier.parts.has(number))
  if (planned.length < earlier.parts.size) return O.none
  const confirm = mapConcurrent<PartRange>({ concurrency: 2 })(async (range) => {
    const known = earlier.parts.get(range.number)
    return known === undefined ? O.none : confirmPart(run, bodyOf, range, known)
  })
  const confirmed = new Map<number, HashedPartSent>()
  for await (const part of confirm(fromIterable(planned))) {
    if (O.isNone(part)) return O.none
    confirmed.set(part.value.number, part.value)
  }
  return O.some(confirmed)
}

/** Whether each part that was sent, and that COS does not have, still has the bytes of its digest. */
const confirmDigests = async (
  run: FileUpload,
  journal: UploadJournal,
  confirmed: ResumedParts
): Promise<boolean> => {
  for (const range of planParts(run)) {
    if (confirmed.has(range.number)) continue
    if (!(await valueOf(run, () => isAsRecorded(run.file, journal, range)))) return false
  }
  return true
}

// -- resume or create --
export interface StartedUpload extends Partial<OtherUploads> {
  readonly uploadId: string
  readonly resumed: ResumedParts
  /**
   * `own`: created by this run, or by an earlier run whose checkpoint this run has claimed. `found`: listed by COS, and
   * perhaps of another process. `named`: given by the caller.
   */
  readonly origin: 'own' | 'found' | 'named'
  /** Whether an earlier run created it: it may have been aborted since. */
  readonly isEarlier: boolean
  readonly checkpoint: UploadCheckpoint | undefined
  readonly bodyOf: PartBodyOf
}

/** The checkpoints of encrypted uploads are separate: a plain upload cannot resume an encrypted one. */
export const openCheckpoints = ({ scope, input, encryption }: FileUpload): UploadCheckpoints | undefined => {
  if (input.checkpoint === false) return undefined
  const { endpoint } = scope.client
  return uploadCheckpoints(
    input.checkpoint ?? defaultCheckpointDirectory(),
    JSON.stringify([
      endpoint.address ?? '',
      hostOf(endpoint, input.bucket),
      input.bucket,
      input.key,
      resolve(input.file),
      ...(O.isSome(encryption) ? ['encrypted'] : [])
    ])
  )
}

/** Writes the checkpoint. A failure is an error only if the caller gave a directory: the upload works without it. */
const writeIfPossible = async <A>(
  { context, input }: FileUpload,
  write: () => Promise<A>
): Promise<A | undefined> => {
  try {
    return await write()
  } catch (thrown) {
    if (typeof input.checkpoint !== 'string') return undefined
    throw thrown instanceof CosException
      ? thrown
      : new CosException(fileError(context, input.checkpoint)(thrown))
  }
}

export const createOwn = async (
  run: FileUpload,
  checkpoints: UploadCheckpoints | undefined
): Promise<StartedUpload> => {
  const { context, input, encryption } = run
  const { onOrphanedUpload } = input
  const cipher = await valueOf(run, (client) => createCipher(encryption, client, context, input))
  const upload = await valueOf(run, () =>
    createUpload(run, uploadCreateInput(withMetadata(cipher)(input)), {
      onFailure: policyOf(run),
      onOrphanedUpload
    })
  )
  const created = { ...upload, resumed: new Map(), origin: 'own', isEarlier: false } as const
  const withoutJournal = partBodies(run, cipher, O.none)
  const checkpoint = await writeIfPossible(run, async () => checkpoints?.create(upload.uploadId))
  if (checkpoint === undefined || O.isNone(cipher)) return { ...created, bodyOf: withoutJournal, checkpoint }
  const started = { ...created, bodyOf: withoutJournal, checkpoint }
  cleanUpAfter(run, started)
  const journal = await writeIfPossible(run, () => createJournal(run, checkpoint, cipher.value))
  // Without its first record, the checkpoint is not resumed.
  return journal === undefined ? started : { ...started, bodyOf: partBodies(run, cipher, O.some(journal)) }
}

const policyOf = ({ input }: FileUpload): 'abort' | 'keep' => input.onFailure ?? uploadDefaults.onFailure

/**
 * Discards an upload of an earlier run on this machine: the file has changed, or COS has aborted the upload. If it cannot be
 * aborted, its checkpoint stays for the next run.
 */
const discard = async (run: FileUpload, checkpoint: UploadCheckpoint, exists: boolean): Promise<void> => {
  if (exists && policyOf(run) === 'abort') {
    const result = await abortUpload(run.scope.client, run.input, checkpoint.uploadId)()
    if (E.isLeft(result) && !isUploadGone(result.left)) return run.defer(() => checkpoint.release())
  }
  await checkpoint.remove()
}

type ResumedUpload = Pick<StartedUpload, 'resumed' | 'bodyOf'>

const resumePlain = async (run: FileUpload, found: ResumableUpload): Promise<O.Option<ResumedUpload>> =>
  O.map((resumed: ResumedParts): ResumedUpload => ({ resumed, bodyOf: partBodies(run, O.none, O.none) }))(
    await confirmParts(run, found)
  )

/** None if the journal does not prove that all parts are encrypted from the bytes that they had. */
const resumeEncrypted = async (
  run: FileUpload,
  journal: UploadJournal,
  found: ResumableUpload
): Promise<O.Option<ResumedUpload>> => {
  const cipher = O.some(journal.cipher)
  const resumed = await confirmParts(run, found, cipher)
  if (O.isNone(resumed) || !(await confirmDigests(run, journal, resumed.value))) return O.none
  return O.some({ resumed: resumed.value, bodyOf: partBodies(run, cipher, O.some(journal)) })
}

const resumeFrom = async (
  run: FileUpload,
  checkpoint: UploadCheckpoint,
  found: ResumableUpload
): Promise<O.Option<ResumedUpload>> => {
  const { encryption } = run
  if (O.isNone(encryption)) return resumePlain(run, found)
  const journal = await valueOf(run, () => openJournal(run, encryption.value, checkpoint))
  return O.isSome(journal) ? resumeEncrypted(run, journal.value, found) : O.none
}

/** Resumes the newest upload that has a checkpoint of an earlier run, if all of its parts match the file. */
const resumeOwn = async (
  run: FileUpload,
  checkpoints: UploadCheckpoints
): Promise<StartedUpload | undefined> => {
  for (;;) {
    // A checkpoint that cannot be read is none: the file is uploaded from its beginning.
    const checkpoint = await checkpoints.claim().catch(() => undefined)
    if (checkpoint === undefined) return undefined
    try {
      run.scope.controller.signal.throwIfAborted()
      const { uploadId } = checkpoint
      const found = await valueOf(run, findUpload(run.input, uploadId))
      // Until all parts are compared, which an abort may interrupt, the upload stays as it is.
      run.onFailure(O.isSome(found) ? (error) => T.of(withUploads({ uploadId })(error)) : undefined)
      const resumed = O.isSome(found) ? await resumeFrom(run, checkpoint, found.value) : O.none
      if (O.isSome(resumed)) return { uploadId, ...resumed.value, origin: 'own', isEarlier: true, checkpoint }
      await discard(run, checkpoint, O.isSome(found))
      run.onFailure(undefined)
    } catch (thrown) {
      await checkpoint.release().catch(() => undefined)
      throw thrown
    }
  }
}

/**
 * Resumes an upload that COS lists, if all of its parts match the file. Other uploads are not changed. Not an encrypted one:
 * COS does not return its metadata, which have the data key.
 */
const resumeFound = async (run: FileUpload): Promise<StartedUpload | undefined> => {
  if (O.isSome(run.encryption)) return undefined
  const { resume = 'newest' } = run.input
  const found = await valueOf(run, findResumable(run.input, resume))
  const resumed = O.isSome(found) ? await resumePlain(run, found.value) : O.none
  if (O.isNone(found) || O.isNone(resumed)) return undefined
  const origin = typeof resume === 'object' && 'uploadId' in resume ? 'named' : 'found'
  return {
    uploadId: found.value.uploadId,
    ...resumed.value,
    origin,
    isEarlier: true,
    checkpoint: undefined
  }
}

export const resumeOrCreate = async (
  run: FileUpload,
  checkpoints: UploadCheckpoints | undefined
): Promise<StartedUpload> => {
  const { resume = 'newest' } = run.input
  const looksForOwn = resume === 'newest' || (typeof resume === 'object' && 'minAge' in resume)
  const own = looksForOwn && checkpoints !== undefined ? await resumeOwn(run, checkpoints) : undefined
  return own ?? (await resumeFound(run)) ?? (await createOwn(run, checkpoints))
}

/** Sets the cleanup after a failure. An upload of another run is aborted only if the caller set `onFailure: 'abort'`. */
export const cleanUpAfter = (
  run: FileUpload,
  { uploadId, orphanedUploads, mayHaveUnknownUpload, origin, checkpoint }: StartedUpload
): void => {
  const { scope, input } = run
  run.onFailure(
    cleanUpFailed(scope.client, input, {
      uploadId,
      ...In.defined({ orphanedUploads, mayHaveUnknownUpload }),
      onFailure: origin === 'own' ? policyOf(run) : (input.onFailure ?? 'keep'),
      onSettled: async (exists) => {
        await (exists ? checkpoint?.release() : checkpoint?.remove())?.catch(() => undefined)
      }
    })
  )
}
