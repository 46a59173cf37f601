/** The cleanup after a failed multipart upload, and the names of the uploads that may still exist. */
import { pipe } from 'fp-ts/lib/function.js'
import * as T from 'fp-ts/lib/Task.js'
import * as TE from 'fp-ts/lib/TaskEither.js'
import type { CosError } from '../../core/error.js'
import { refOf, type ObjectRef } from '../../core/request.js'
import type { Client } from '../../client/client.js'
import { detached, withRetry, withTimeout } from '../../client/combinators.js'
import { send } from '../../client/send.js'
import { abortMultipartUpload } from '../../operations/abort-multipart-upload.js'
import { isUploadGone } from './find-resumable.js'

/** What happens to the parts of a failed upload. COS bills them until the upload is completed or aborted. */
export type OnFailure =
  /** The upload is aborted: its parts are deleted. */
  | 'abort'
  /** The parts stay. The error's `context.uploadId` names the upload to resume. */
  | 'keep'

/** Limit of a cleanup, in milliseconds. If it fails, the error names the upload. */
export const cleanupTimeout = 10_000

/** Without the client's signals: an abort of the transfer is what it usually follows. */
export const abortUpload = (
  client: Client,
  ref: ObjectRef,
  uploadId: string
): TE.TaskEither<CosError, unknown> =>
  pipe(
    send(abortMultipartUpload({ ...refOf(ref), uploadId })),
    withRetry({ attempts: 3 }),
    withTimeout(cleanupTimeout)
  )(detached(client))

/** Uploads that the transfer may leave besides the one that it uses. */
export interface OtherUploads {
  /** See `findOrphans`. Those that still exist. */
  readonly orphanedUploads: ReadonlyArray<string>
  /** Whether there may be others, whose ids are not known. */
  readonly mayHaveUnknownUpload: boolean
}

/** Adds the uploads to the context of an error. */
export const withUploads =
  ({ uploadId, orphanedUploads = [], mayHaveUnknownUpload }: Partial<OtherUploads & { uploadId: string }>) =>
  (error: CosError): CosError => ({
    ...error,
    context: {
      ...error.context,
      ...(uploadId === undefined ? {} : { uploadId }),
      ...(orphanedUploads.length === 0 ? {} : { orphanedUploads }),
      ...(mayHaveUnknownUpload === true ? { mayHaveUnknownUpload } : {})
    }
  })

export interface FailedUpload extends Partial<OtherUploads> {
  readonly uploadId: string
  readonly onFailure: OnFailure
  /** Called when it is known whether the upload still exists. */
  readonly onSettled?: (exists: boolean) => Promise<void>
}

/**
 * Cleans up after a failed upload.
 *
 * After an abort of the transfer, the parts are deleted in the background: the caller does not wait, and the error names the
 * upload, because it is not known yet whether it still exists.
 *
 * @shape  the error; it names the uploads that may still exist
 */
export const cleanUpFailed =
  (client: Client, ref: ObjectRef, { uploadId, onFailure, onSettled, ...others }: FailedUpload) =>
  (failure: CosError): T.Task<CosError> => {
    const gone = withUploads(others)(failure)
    const left = withUploads({ uploadId })(gone)
    const settle = async (exists: boolean): Promise<CosError> => {
      await onSettled?.(exists)
      return exists ? left : gone
    }
    if (isUploadGone(failure)) return () => settle(false)
    if (onFailure === 'keep') return () => settle(true)
    const abort = pipe(
      abortUpload(client, ref, uploadId),
      TE.matchE(
        (problem) => () => settle(!isUploadGone(problem)),
        () => () => settle(false)
      )
    )
    const wasAborted =
      failure._tag === 'Aborted' || (failure._tag === 'Timeout' && failure.phase === 'overall')
    if (!wasAborted) return abort
    void abort()
    return T.of(left)
  }
