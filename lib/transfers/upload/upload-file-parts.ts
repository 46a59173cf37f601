/** A file as a multipart upload: resumed or created, filled, completed. */
import { pipe } from 'fp-ts/lib/function.js'
import * as E from 'fp-ts/lib/Either.js'
import * as TE from 'fp-ts/lib/TaskEither.js'
import { CosException, fromUnknown, type CosError } from '../../core/error.js'
import { scoped } from '../../client/scope.js'
import { checkUnchanged } from '../../files/source-file.js'
import { uploadPart } from '../../operations/upload-part.js'
import { fromIterable } from '../../stages/iterables.js'
import { mapConcurrent } from '../../stages/map-concurrent.js'
import type { PartRange } from '../../stages/plan-ranges.js'
import { isUploadGone } from '../multipart/find-resumable.js'
import { requestsInFlight } from '../shared/concurrency.js'
import { sendPart } from '../shared/send-part.js'
import { planParts, type FilePart, type FileUpload } from './file-upload.js'
import { partInput } from './options.js'
import {
  cleanUpAfter,
  createOwn,
  openCheckpoints,
  resumeOrCreate,
  type StartedUpload
} from './resume-file.js'
import { completeParts, type HashedPartSent, type UploadResult } from './result.js'

const sendRest = async (
  run: FileUpload,
  { uploadId, resumed, bodyOf }: StartedUpload
): Promise<ReadonlyArray<HashedPartSent>> => {
  const { scope, input, concurrency } = run
  const put = sendPart(
    run,
    'up'
  )(({ number, body }: FilePart) => uploadPart(partInput(input, uploadId, { partNumber: number, body })))
  const rest = function* (): Generator<PartRange, void, undefined> {
    for (const range of planParts(run)) {
      const earlier = resumed.get(range.number)
      if (earlier === undefined) yield range
      else input.progress?.report({ _tag: 'PartSkipped', size: earlier.size })
    }
  }
  const sendAll = mapConcurrent<PartRange>({
    concurrency: requestsInFlight(scope.client, concurrency),
    controller: scope.controller
  })(async (range, signal): Promise<HashedPartSent> => {
    const { number } = range
    const response = await pipe(
      bodyOf(range),
      TE.chain((body) =>
        pipe(
          put({ number, size: body.size, body }, signal),
          TE.map(({ etag, sentCrc64 }) => ({ number, size: body.size, etag, crc64: sentCrc64 }))
        )
      )
    )()
    if (E.isLeft(response)) throw new CosException(response.left)
    return response.right
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
