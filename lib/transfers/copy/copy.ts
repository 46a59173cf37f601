/** Copies an object of any size, by one request or in parts. For one request as an operation, see `copyObject`. */
import { pipe } from 'fp-ts/lib/function.js'
import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import * as TE from 'fp-ts/lib/TaskEither.js'
import { isSameEtag } from '../../core/etag.js'
import { CosException, invalidInput, type CosError } from '../../core/error.js'
import { compareCrc64, unverifiable, type Integrity } from '../../core/integrity.js'
import * as In from '../../core/input.js'
import * as Op from '../../core/operation.js'
import { refOf } from '../../core/request.js'
import { send, type CosEffect } from '../../client/send.js'
import { copyObject } from '../../operations/copy-object.js'
import { headIfSame } from '../../operations/head-if-same.js'
import { headObject, type ObjectHead } from '../../operations/head-object.js'
import type { CopyObjectResponse } from '../../operations/responses/copied.js'
import { uploadPartCopy } from '../../operations/upload-part-copy.js'
import { fromIterable } from '../../stages/iterables.js'
import { mapConcurrent } from '../../stages/map-concurrent.js'
import { forSize } from '../../stages/part-size.js'
import { planRanges, type PartRange } from '../../stages/plan-ranges.js'
import {
  atSource,
  copyDefaults,
  inOneRequest,
  validateCopy,
  copyCompleteInput,
  copyCreateInput,
  copyHeadInput,
  copyPartInput,
  pinnedCopyInput,
  type CopyInput
} from './options.js'
import { getObjectTagging, type ObjectTags } from './get-object-tagging.js'
import { requestsInFlight } from '../shared/concurrency.js'
import { runTransfer, type Transfer } from '../shared/run-transfer.js'
import { sendPart } from '../shared/send-part.js'
import { completeUpload, crc64Of, headOptions, type PartSent } from '../multipart/complete-upload.js'
import { createUpload } from '../multipart/create-upload.js'

export type { CopyInput } from './options.js'

export interface CopyResult {
  readonly bucket: string
  readonly key: string
  /** Opaque, quotes included. Usually equal to the source's; never for a copy in parts. */
  readonly etag: string
  /** Of the copy; none if the bucket has no versioning. */
  readonly versionId: O.Option<string>
  /** Of the copy, to the second; none for a copy in parts, whose completion has no date. */
  readonly lastModified: O.Option<Date>
  /** URL of the copy as COS wrote it; only for a copy in parts. */
  readonly location: O.Option<string>
  /** In bytes. */
  readonly size: number
  /** Parts of the copy: 1 for a single request. */
  readonly parts: number
  /** Whether it was copied in parts. */
  readonly multipart: boolean
  /** Of the copy, unsigned; none if COS did not send it. */
  readonly crc64: O.Option<bigint>
  /** Result of comparing it with the source's. */
  readonly integrity: Integrity
  /** The source when it was copied. */
  readonly source: ObjectHead
  /** Properties of the source that could not be copied: `tags`, if a copy in parts may not read them. */
  readonly notCopied: ReadonlyArray<'tags'>
  /** As in `UploadResult`. */
  readonly orphanedUploads: ReadonlyArray<string>
  readonly requestId: string
}

const action = 'copy'

interface CopyRun extends Transfer<CopyInput> {
  readonly source: ObjectHead
}

const missing = new Set(['NoSuchKey', 'NoSuchVersion', 'NoSuchCopySource'])

/** The HEAD has just found the source with this ETag. */
const toObjectChanged =
  ({ etag }: ObjectHead) =>
  (error: CosError): CosError =>
    error._tag === 'ServiceError' && (error.status === 412 || missing.has(error.code))
      ? { _tag: 'ObjectChanged', context: error.context, expected: etag, got: O.none }
      : error

const isTooLarge = (error: CosError): boolean =>
  error._tag === 'ServiceError' && error.code === 'EntityTooLarge'

// -- by one request --
/** The checksum of the response, or of a HEAD of the copy; none if neither has it. */
const findCrc64 = (
  { scope, input, source }: CopyRun,
  etag: string,
  received: O.Option<bigint>
): TE.TaskEither<CosError, O.Option<bigint>> =>
  O.isSome(received) || O.isNone(source.crc64)
    ? TE.right(received)
    : pipe(
        send(headObject({ ...refOf(input), ...headOptions(input) }))(scope.client),
        TE.match(
          () => O.none,
          (found) => (isSameEtag(found.etag, etag) ? found.crc64 : O.none)
        ),
        TE.fromTask
      )

type CopiedObject = Pick<CopyObjectResponse, 'etag' | 'versionId' | 'lastModified' | 'crc64' | 'requestId'>

/** The copy of an earlier attempt whose response was lost: with `forbidOverwrite` the retry is refused with 409. */
const confirmCopy =
  (input: CopyInput, source: ObjectHead): Op.Confirm<CopiedObject> =>
  ({ status }) =>
    status === 409 && O.isSome(source.crc64)
      ? O.some(() => headIfSame({ ...refOf(input), ...headOptions(input) }, source))
      : O.none

const copyInOneRequest = (run: CopyRun): TE.TaskEither<CosError, CopyResult> => {
  const { scope, context, input, source } = run
  const request = sendPart(
    run,
    'across'
  )((_whole: Pick<PartRange, 'number' | 'size'>) =>
    pipe(
      copyObject(pinnedCopyInput(input, source)),
      Op.map((copied): CopiedObject => copied),
      Op.withConfirm(confirmCopy(input, source))
    )
  )
  return pipe(
    request({ number: 1, size: source.size }, scope.controller.signal),
    TE.bimap(toObjectChanged(source), (copied) => ({ copied })),
    TE.bind('crc64', ({ copied }) => findCrc64(run, copied.etag, copied.crc64)),
    TE.bindW('integrity', ({ crc64 }) =>
      TE.fromEither(compareCrc64(context)({ expected: source.crc64, got: crc64, ours: 'expected' }))
    ),
    TE.map(({ copied: { etag, versionId, lastModified, requestId }, crc64, integrity }) => ({
      bucket: input.bucket,
      key: input.key,
      etag,
      versionId,
      lastModified,
      location: O.none,
      size: source.size,
      parts: 1,
      multipart: false,
      crc64,
      integrity,
      source,
      notCopied: [],
      orphanedUploads: [],
      requestId
    }))
  )
}

// -- in parts --
interface Tags {
  readonly tagging: ObjectTags | undefined
  readonly notCopied: CopyResult['notCopied']
}

const isRefused = (error: CosError): boolean =>
  error._tag === 'ServiceError' && (error.status === 403 || error.status === 501)

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

// -- copy --
export interface CopyBehavior {
  /** Fails before anything is copied if the source's tags cannot be read. */
  readonly requireTags?: boolean
}

/** Copies within a transfer: all of `copy`, or the first half of `move`. */
export const copyWithin = async (
  transfer: Transfer<CopyInput>,
  behavior: CopyBehavior = {}
): Promise<E.Either<CosError, CopyResult>> => {
  const { scope, input } = transfer
  const head = await send(headObject(copyHeadInput(input)))(atSource(scope.client, input.copySource))()
  return E.isLeft(head) ? head : copyFound(transfer, head.right, behavior)
}

/** Copies a source whose HEAD was sent. It fails with `ObjectChanged` if the source has another ETag now. */
export const copyFound = async (
  transfer: Transfer<CopyInput>,
  source: ObjectHead,
  behavior: CopyBehavior
): Promise<E.Either<CosError, CopyResult>> => {
  const { scope, context, input, onFailure } = transfer
  input.progress?.report({ _tag: 'Expected', size: source.size })
  const run: CopyRun = { ...transfer, source }
  if (inOneRequest(scope.client, input, source)) {
    const copied = await copyInOneRequest(run)()
    if (E.isRight(copied) || !isTooLarge(copied.left) || source.size === 0) return copied
  }
  const sized = forSize({ size: source.size, partSize: input.partSize ?? copyDefaults.partSize })
  if (E.isLeft(sized)) return E.left(invalidInput(context, sized.left))
  const tags = await readTags(run, behavior)()
  if (E.isLeft(tags)) return tags
  const { tagging, notCopied } = tags.right
  const created = await createUpload(
    transfer,
    copyCreateInput({ ...input, ...In.defined({ tagging }) }, source),
    { onFailure: 'abort', onOrphanedUpload: input.onOrphanedUpload }
  )()
  if (E.isLeft(created)) return created
  const { uploadId, orphanedUploads } = created.right
  const completed = await complete(run, uploadId, await copyParts(run, sized.right, uploadId), {
    notCopied,
    orphanedUploads
  })()
  if (E.isRight(completed)) onFailure(undefined)
  return completed
}

/**
 * Copies an object of any size, within a region or from another. Its bytes do not pass through this process.
 *
 * A HEAD of the source is sent first. The copy is of the ETag in its response, and of the version if the bucket has
 * versions. An object is copied by one request if it is smaller than 5 GiB, or keeps its region and storage class. All
 * others, and those for which COS responds `EntityTooLarge`, are copied in parts. The CRC64 of the copy is compared with the
 * source's.
 *
 * Metadata are copied if `copyStatus` is not `Replaced`. ACL, storage class and encryption are never copied. Tags are copied
 * if `tagging` is not given. A copy in parts reads them first, which needs the permission `cos:GetObjectTagging`; without
 * it the copy has no tags, and `notCopied` contains `tags`.
 *
 * @shape  `CopyInput -> CosEffect<CopyResult>`
 * @units  at most `concurrency` requests at a time; parts grow so that 10,000 of them suffice
 * @errors those of `headObject` for the source: 304 and 412 of the conditions; those of `copyObject` and of the multipart
 *         operations; `ObjectChanged` if the source is replaced or deleted meanwhile; `IntegrityError` if the copy
 *         differs from the source. The parts of a failed copy are deleted; if that fails, the error has
 *         `context.uploadId`
 * @source https://cloud.tencent.com/document/product/436/10881, https://cloud.tencent.com/document/product/436/8287
 * @example copy({ bucket, key: 'b', copySource: { bucket, region: 'ap-guangzhou', key: 'a' } })
 */
export const copy: (input: CopyInput) => CosEffect<CopyResult> = runTransfer(
  action,
  validateCopy(action),
  (transfer) => copyWithin(transfer)
)
