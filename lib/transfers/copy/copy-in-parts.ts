/** Copies an object as a multipart upload whose parts are ranges of the source. */
import { pipe } from 'fp-ts/lib/function.js'
import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import * as TE from 'fp-ts/lib/TaskEither.js'
import { CosException, hasStatus, invalidInput, type CosError } from '../../core/error.js'
import { compareCrc64, unverifiable, type Integrity } from '../../core/integrity.js'
import * as In from '../../core/input.js'
import { send } from '../../client/send.js'
import { uploadPartCopy } from '../../operations/upload-part-copy.js'
import { fromIterable } from '../../stages/iterables.js'
import { mapConcurrent } from '../../stages/map-concurrent.js'
import { forSize } from '../../stages/part-size.js'
import { planRanges, type PartRange } from '../../stages/plan-ranges.js'
import { completeUpload, crc64Of, headOptions, type PartSent } from '../multipart/complete-upload.js'
import { createUpload } from '../multipart/create-upload.js'
import { requestsInFlight } from '../shared/concurrency.js'
import { sendPart } from '../shared/send-part.js'
import { toObjectChanged, type CopyResult, type CopyRun } from './copy-run.js'
import { getObjectTagging, type ObjectTags } from './get-object-tagging.js'
import {
  atSource,
  copyCompleteInput,
  copyCreateInput,
  copyDefaults,
  copyHeadInput,
  copyPartInput
} from './options.js'

export interface CopyBehavior {
  /** Fails before anything is copied if the source's tags cannot be read. */
  readonly requireTags?: boolean
}

// -- tags --
interface Tags {
  readonly tagging: ObjectTags | undefined
  readonly notCopied: CopyResult['notCopied']
}

const isRefused = (error: CosError): boolean => hasStatus(403)(error) || hasStatus(501)(error)

/** A copy of parts does not copy the tags: they are read from the source, and set when the upload is created. */
const readTags = (
  { scope, input, source }: CopyRun,
  { requireTags = false }: CopyBehavior
): TE.TaskEither<CosError, Tags> => {
  const isReplaced = input.taggingDirective === 'Replaced' || input.tagging !== undefined
  if (isReplaced || O.getOrElse(() => 0)(source.taggingCount) === 0) {
    return TE.right({ tagging: input.tagging, notCopied: [] })
  }
  const ref = In.pick('bucket', 'key', 'versionId', 'allowPathLikeKey')(copyHeadInput(input))
  const version = { versionId: O.toUndefined(source.versionId) ?? ref.versionId }
  return pipe(
    send(getObjectTagging({ ...ref, ...In.defined(version) }))(atSource(scope.client, input.copySource)),
    TE.map((tagging): Tags => ({ tagging, notCopied: [] })),
    TE.orElse((error) =>
      isRefused(error) && !requireTags
        ? TE.right<CosError, Tags>({ tagging: undefined, notCopied: ['tags'] })
        : TE.left(error)
    )
  )
}

// -- parts --
const copyParts = async (
  run: CopyRun,
  partSize: number,
  uploadId: string
): Promise<ReadonlyArray<PartSent>> => {
  const { scope, input, source } = run
  const request = sendPart(
    run,
    'across'
  )((range: PartRange) => uploadPartCopy(copyPartInput(input, source, uploadId, range)))
  const copyAll = mapConcurrent<PartRange>({
    concurrency: requestsInFlight(scope.client, input.concurrency ?? copyDefaults.concurrency),
    controller: scope.controller
  })(async (range, signal): Promise<PartSent> => {
    const response = await request(range, signal)()
    if (E.isLeft(response)) throw new CosException(toObjectChanged(source)(response.left))
    const { etag, crc64 } = response.right
    return { number: range.number, size: range.size, etag, crc64 }
  })
  const sent: Array<PartSent> = []
  for await (const part of copyAll(fromIterable(planRanges({ to: source.size, partSize })))) sent.push(part)
  return sent.sort((a, b) => a.number - b.number)
}

/** Compares the checksums of the parts with the source's before the completion, and the copy's checksum after it. */
const complete = (
  { scope, context, input, source }: CopyRun,
  uploadId: string,
  parts: ReadonlyArray<PartSent>,
  left: Pick<CopyResult, 'notCopied' | 'orphanedUploads'>
): TE.TaskEither<CosError, CopyResult> => {
  const compared = compareCrc64(context)({ expected: source.crc64, got: crc64Of(parts), ours: 'expected' })
  return pipe(
    TE.fromEither<CosError, Integrity>(compared),
    TE.chain(() =>
      completeUpload(
        scope.client,
        context,
        copyCompleteInput(input, uploadId),
        headOptions(input),
        parts,
        O.alt(() => crc64Of(parts))(source.crc64)
      )
    ),
    TE.map(({ etag, versionId, location, integrity, requestId }) => ({
      bucket: input.bucket,
      key: input.key,
      etag,
      versionId,
      lastModified: O.none,
      location,
      size: source.size,
      parts: parts.length,
      multipart: true,
      crc64: integrity._tag === 'Verified' ? O.some(integrity.crc64) : O.none,
      // Without the source's checksum, those of the parts cannot be compared with the source.
      integrity: O.isSome(source.crc64) ? integrity : unverifiable('NoChecksum'),
      source,
      ...left,
      requestId
    }))
  )
}

/** Creates the upload, copies the parts, and completes it. The cleanup of the transfer deletes the parts of a failed copy. */
export const copyInParts = async (
  run: CopyRun,
  behavior: CopyBehavior
): Promise<E.Either<CosError, CopyResult>> => {
  const { context, input, source, onFailure } = run
  const sized = forSize({ size: source.size, partSize: input.partSize ?? copyDefaults.partSize })
  if (E.isLeft(sized)) return E.left(invalidInput(context, sized.left))
  const tags = await readTags(run, behavior)()
  if (E.isLeft(tags)) return tags
  const { tagging, notCopied } = tags.right
  const created = await createUpload(run, copyCreateInput({ ...input, ...In.defined({ tagging }) }, source), {
    onFailure: 'abort',
    onOrphanedUpload: input.onOrphanedUpload
  })()
  if (E.isLeft(created)) return created
  const { uploadId, orphanedUploads } = created.right
  const completed = await complete(run, uploadId, await copyParts(run, sized.right, uploadId), {
    notCopied,
    orphanedUploads
  })()
  if (E.isRight(completed)) onFailure(undefined)
  return completed
}
