/** A file as a multipart upload: resumed or created, filled, completed. */
import { pipe } from 'fp-ts/lib/function.js'
import * as E from 'fp-ts/lib/Either.js'
import * as TE from 'fp-ts/lib/TaskEither.js'
import { CosException, fromUnknown, type CosError } from '../../core/error.js'
import { tryTask } from '../../core/try-task.js'
import { scoped } from '../../client/scope.js'
import { checkUnchanged } from '../../files/source-file.js'
import { uploadPart } from '../../operations/upload-part.js'
import { mapConcurrent } from '../../stages/map-concurrent.js'
import { isUploadGone } from '../multipart/find-resumable.js'
import { requestsInFlight } from '../shared/concurrency.js'
import { sendPart } from '../shared/send-part.js'
import { planParts, type FileUpload } from './file-upload.js'
import { partInput } from './options.js'
import type { PartBody } from './part-bodies.js'
import {
  cleanUpAfter,
  createOwn,
  openCheckpoints,
  resumeOrCreate,
  type StartedUpload
} from './resume-file.js'
import { completeParts, type HashedPartSent, type UploadResult } from './result.js'

interface FilePart extends PartBody {
  readonly number: number
}

/**
 * The parts that are not on COS, each with its body. The next body is made while others are sent.
 *
 * @errors `CosException` of those of `bodyOf`
 */
async function* restOf(
  run: FileUpload,
  { resumed, bodyOf }: StartedUpload
): AsyncGenerator<FilePart, void, undefined> {
  for (const range of planParts(run)) {
    const { number } = range
    const earlier = resumed.get(number)
    if (earlier !== undefined) {
      run.input.progress?.report({ _tag: 'PartSkipped', size: earlier.size })
      continue
    }
    const body = await bodyOf(range)()
    if (E.isLeft(body)) throw new CosException(body.left)
    yield { ...body.right, number }
  }
}

const sendRest = async (run: FileUpload, started: StartedUpload): Promise<ReadonlyArray<HashedPartSent>> => {
  const { scope, input, concurrency } = run
  const put = sendPart(
    run,
    'up'
  )(({ number, body }: FilePart) =>
    uploadPart(partInput(input, started.uploadId, { partNumber: number, body }))
  )
  const sendAll = mapConcurrent<FilePart>({
    concurrency: requestsInFlight(scope.client, concurrency),
    controller: scope.controller,
    discard: ({ release }) => {
      release()
    }
  })(async (part, signal): Promise<HashedPartSent> => {
    const { number, size, release } = part
    const response = await put(part, signal)()
    if (E.isLeft(response)) {
      // The connection may still send from it: the bytes of another part must not be there before their digest is on the disk.
      run.defer(async () => {
        release()
      })
      throw new CosException(response.left)
    }
    release()
    const { etag, sentCrc64 } = response.right
    return { number, size, etag, crc64: sentCrc64 }
  })
  const sent = [...started.resumed.values()]
  for await (const part of sendAll(restOf(run, started))) sent.push(part)
  return sent
}

/** In a separate scope: a failure must not end the scope of the transfer, in which the upload may be restarted. */
const sendAndComplete = (run: FileUpload, started: StartedUpload): TE.TaskEither<CosError, UploadResult> => {
  const resumed = [...started.resumed.values()].reduce((sum, { size }) => sum + size, 0)
  return () =>
    scoped(run.scope.client, run.context, (scope) =>
      pipe(
        tryTask(() => sendRest({ ...run, scope }, started), fromUnknown(run.context)),
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
