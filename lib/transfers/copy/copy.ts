/** Copies an object of any size, by one request or in parts. For one request as an operation, see `copyObject`. */
import * as E from 'fp-ts/lib/Either.js'
import type { CosError } from '../../core/error.js'
import { send, type CosEffect } from '../../client/send.js'
import { headObject, type ObjectHead } from '../../operations/head-object.js'
import { runTransfer, type Transfer } from '../shared/run-transfer.js'
import { copyInOneRequest } from './copy-in-one-request.js'
import { copyInParts, type CopyBehavior } from './copy-in-parts.js'
import type { CopyResult } from './copy-run.js'
import { atSource, copyHeadInput, inOneRequest, validateCopy, type CopyInput } from './options.js'

export type { CopyInput } from './options.js'
export type { CopyResult } from './copy-run.js'

const action = 'copy'

const isTooLarge = (error: CosError): boolean =>
  error._tag === 'ServiceError' && error.code === 'EntityTooLarge'

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
  const { scope, input } = transfer
  input.progress?.report({ _tag: 'Expected', size: source.size })
  const run = { ...transfer, source }
  if (inOneRequest(scope.client, input, source)) {
    const copied = await copyInOneRequest(run)()
    if (E.isRight(copied) || !isTooLarge(copied.left) || source.size === 0) return copied
  }
  return copyInParts(run, behavior)
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
