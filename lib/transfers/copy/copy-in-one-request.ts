/** Copies an object by one request. */
import { pipe } from 'fp-ts/lib/function.js'
import * as O from 'fp-ts/lib/Option.js'
import * as TE from 'fp-ts/lib/TaskEither.js'
import { isSameEtag } from '../../core/etag.js'
import type { CosError } from '../../core/error.js'
import { compareCrc64 } from '../../core/integrity.js'
import * as Op from '../../core/operation.js'
import { refOf } from '../../core/request.js'
import { send } from '../../client/send.js'
import { copyObject } from '../../operations/copy-object.js'
import { headIfSame } from '../../operations/head-if-same.js'
import { headObject, type ObjectHead } from '../../operations/head-object.js'
import type { CopyObjectResponse } from '../../operations/responses/copied.js'
import type { PartRange } from '../../stages/plan-ranges.js'
import { headOptions } from '../multipart/complete-upload.js'
import { sendPart } from '../shared/send-part.js'
import { toObjectChanged, type CopyResult, type CopyRun } from './copy-run.js'
import { pinnedCopyInput, type CopyInput } from './options.js'

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

/** Copies the source and compares the checksums. COS refuses a source above its limit with `EntityTooLarge`. */
export const copyInOneRequest = (run: CopyRun): TE.TaskEither<CosError, CopyResult> => {
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
