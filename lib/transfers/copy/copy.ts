/** An object made of another, however large: by one request, or by many of them for parts of it. */
import { pipe } from 'fp-ts/lib/function.js'
import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import * as TE from 'fp-ts/lib/TaskEither.js'
import { isSameEtag } from '../../core/etag.js'
import { CosException, invalidInput, type CosError } from '../../core/error.js'
import { compareCrc64, unverifiable, type Integrity } from '../../core/integrity.js'
import { refOf } from '../../core/request.js'
import { send, type CosEffect } from '../../client/send.js'
import { copyObject } from '../../operations/copy-object.js'
import { headObject, type ObjectHead } from '../../operations/head-object.js'
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
import { runTransfer, type Transfer } from '../shared/run-transfer.js'
import { sendPart } from '../shared/send-part.js'
import {
  createUpload,
  completeUpload,
  crc64Of,
  cleanUpFailed,
  type PartSent
} from '../multipart/lifecycle.js'
import { headOptions } from '../multipart/lifecycle.js'

export type { CopyInput } from './options.js'

export interface CopyResult {
  readonly bucket: string
  readonly key: string
  /** Opaque, quotes included; the source's own only as a rule, and never of a copy in parts. */
  readonly etag: string
  /** Of the copy; none where the bucket never had versioning. */
  readonly versionId: O.Option<string>
  /** In bytes. */
  readonly size: number
  /** Parts of the copy: 1 for a single request. */
  readonly parts: number
  /** Whether it was copied in parts. */
  readonly multipart: boolean
  /** Of the copy, unsigned; none where COS did not say it. */
  readonly crc64: O.Option<bigint>
  /** How it compared with the source's. */
  readonly integrity: Integrity
  /** The source as it was when it was copied. */
  readonly source: ObjectHead
  readonly requestId: string
}

const action = 'copy'

interface CopyRun extends Transfer<CopyInput> {
  readonly source: ObjectHead
}

const gone = new Set(['NoSuchKey', 'NoSuchVersion', 'NoSuchCopySource'])

/** It was there a moment ago, with this ETag. */
const changed =
  ({ etag }: ObjectHead) =>
  (error: CosError): CosError =>
    error._tag === 'ServiceError' && (error.status === 412 || gone.has(error.code))
      ? { _tag: 'ObjectChanged', context: error.context, expected: etag, got: O.none }
      : error

const isTooLarge = (error: CosError): boolean =>
  error._tag === 'ServiceError' && error.code === 'EntityTooLarge'

// -- by one request --
/** Of an answer that does not say the checksum, the copy itself is asked. What it can not say is not known. */
const findCrc64 = (
  { scope, input, source }: CopyRun,
  etag: string,
  said: O.Option<bigint>
): TE.TaskEither<CosError, O.Option<bigint>> =>
  O.isSome(said) || O.isNone(source.crc64)
    ? TE.right(said)
    : pipe(
        send(headObject({ ...refOf(input), ...headOptions(input) }))(scope.client),
        TE.match(
          () => O.none,
          (found) => (isSameEtag(found.etag, etag) ? found.crc64 : O.none)
        ),
        TE.fromTask
      )

const copyInOneRequest = (run: CopyRun): TE.TaskEither<CosError, CopyResult> => {
  const { scope, context, input, source } = run
  const request = sendPart(
    run,
    'across'
  )((_whole: Pick<PartRange, 'number' | 'size'>) => copyObject(pinnedCopyInput(input, source)))
  return pipe(
    request({ number: 1, size: source.size }, scope.controller.signal),
    TE.bimap(changed(source), (answer) => ({ answer })),
    TE.bind('crc64', ({ answer }) => findCrc64(run, answer.etag, answer.crc64)),
    TE.bindW('integrity', ({ crc64 }) => TE.fromEither(compareCrc64(context)(source.crc64, crc64))),
    TE.map(({ answer: { etag, versionId, requestId }, crc64, integrity }) => ({
      bucket: input.bucket,
      key: input.key,
      etag,
      versionId,
      size: source.size,
      parts: 1,
      multipart: false,
      crc64,
      integrity,
      source,
      requestId
    }))
  )
}

// -- in parts --
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
    concurrency: input.concurrency ?? copyDefaults.concurrency,
    controller: scope.controller
  })(async (range, signal): Promise<PartSent> => {
    const answer = await request(range, signal)()
    if (E.isLeft(answer)) throw new CosException(changed(source)(answer.left))
    const { etag, crc64 } = answer.right
    return { number: range.number, size: range.size, etag, crc64 }
  })
  const sent: Array<PartSent> = []
  for await (const part of copyAll(fromIterable(planRanges({ to: source.size, partSize })))) sent.push(part)
  return sent.sort((a, b) => a.number - b.number)
}

/** What COS says of the parts is compared with the source before they become an object, and what became of them after. */
const complete = (
  { scope, context, input, source }: CopyRun,
  uploadId: string,
  parts: ReadonlyArray<PartSent>
): TE.TaskEither<CosError, CopyResult> => {
  const compared = compareCrc64(context)(source.crc64, crc64Of(parts))
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
    TE.map(({ etag, versionId, integrity, requestId }) => ({
      bucket: input.bucket,
      key: input.key,
      etag,
      versionId,
      size: source.size,
      parts: parts.length,
      multipart: true,
      crc64: integrity._tag === 'Verified' ? O.some(integrity.crc64) : O.none,
      // That the parts are what COS made of them says nothing of the source.
      integrity: O.isSome(source.crc64) ? integrity : unverifiable('NoChecksum'),
      source,
      requestId
    }))
  )
}

// -- copying --
/** The work of a copy, within a transfer: `copy`, or the first half of `move`. */
export const copyWithin = async (transfer: Transfer<CopyInput>): Promise<E.Either<CosError, CopyResult>> => {
  const { scope, context, input, onFailure } = transfer
  const head = await send(headObject(copyHeadInput(input)))(atSource(scope.client, input.copySource))()
  if (E.isLeft(head)) return head
  const source = head.right
  input.progress?.tell({ _tag: 'Expected', size: source.size })
  const run: CopyRun = { ...transfer, source }
  if (inOneRequest(scope.client, input, source)) {
    const copied = await copyInOneRequest(run)()
    if (E.isRight(copied) || !isTooLarge(copied.left) || source.size === 0) return copied
  }
  const sized = forSize({ size: source.size, partSize: input.partSize ?? copyDefaults.partSize })
  if (E.isLeft(sized)) return E.left(invalidInput(context, sized.left))
  const created = await createUpload(scope.client, context, copyCreateInput(input, source))()
  if (E.isLeft(created)) return created
  const uploadId = created.right
  onFailure(cleanUpFailed(scope.client, input, { uploadId, onFailure: 'abort' }))
  const completed = await complete(run, uploadId, await copyParts(run, sized.right, uploadId))()
  if (E.isRight(completed)) onFailure(undefined)
  return completed
}

/**
 * Copies an object of any size, within a region or from another. No byte of it passes through here.
 *
 * It begins with a HEAD of the source, where the source is, and copies what that found: by ETag, and by version where
 * the source's bucket has them. What is smaller than 5 GiB, or keeps its region and storage class, is one request;
 * anything else is copied in parts, and so is what COS calls too large. The copy's CRC64 is compared with the source's.
 *
 * Metadata is the source's, unless `copyStatus` is `Replaced`. ACL, storage class and encryption never are. Tags are the
 * source's where one request does it, but no part brings them along: a copy in parts has those of `tagging`, or none.
 *
 * @shape  `CopyInput -> Effect<Copied>`
 * @units  at most `concurrency` requests at a time; parts grow so that 10,000 of them suffice
 * @errors those of `headObject`, of the source: 304 and 412 by the conditions; those of `copyObject` and of the multipart
 *         operations; `ObjectChanged` where the source was replaced or deleted meanwhile; `IntegrityError` where the copy
 *         is not the source. Parts of a copy that failed are deleted; `error.context.uploadId` where they could not be
 * @source https://cloud.tencent.com/document/product/436/10881, https://cloud.tencent.com/document/product/436/8287
 * @example copy({ bucket, key: 'b', copySource: { bucket, region: 'ap-guangzhou', key: 'a' } })
 */
export const copy: (input: CopyInput) => CosEffect<CopyResult> = runTransfer(
  action,
  validateCopy(action),
  copyWithin
)
