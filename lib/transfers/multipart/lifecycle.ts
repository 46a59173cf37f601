/** The life of a multipart upload: created, completed and verified; or aborted, or left to be resumed. */
import { pipe } from 'fp-ts/lib/function.js'
import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import * as T from 'fp-ts/lib/Task.js'
import * as TE from 'fp-ts/lib/TaskEither.js'
import { combineAllCrc64 } from '../../core/crc64.js'
import type { Context, CosError } from '../../core/error.js'
import { compareCrc64, type Integrity } from '../../core/integrity.js'
import * as Op from '../../core/operation.js'
import { refOf, type ObjectRef } from '../../core/request.js'
import type { Runtime } from '../../core/runtime.js'
import type { Client } from '../../client/client.js'
import { aborted } from '../../client/abort.js'
import { detached, withRetry, withTimeout } from '../../client/combinators.js'
import { send } from '../../client/send.js'
import { abortMultipartUpload } from '../../operations/abort-multipart-upload.js'
import {
  completeMultipartUpload,
  type CompleteMultipartUploadInput
} from '../../operations/complete-multipart-upload.js'
import {
  createMultipartUpload,
  type CreateMultipartUploadInput,
  type CreateMultipartUploadResult
} from '../../operations/create-multipart-upload.js'
import { headIfSame, type ExpectedContent } from '../../operations/head-if-same.js'
import { headObject, type HeadObjectInput } from '../../operations/head-object.js'
import type { WithEncryption } from '../../operations/parameters/encryption.js'
import { findOrphans } from './find-orphans.js'
import { isUploadGone } from './find-resumable.js'

/** What happens to the parts of a failed upload. COS bills them until the upload is completed or aborted. */
export type OnFailure =
  /** The upload is aborted: its parts are deleted. */
  | 'abort'
  /** The parts stay. The error's `context.uploadId` names the upload to resume. */
  | 'keep'

/** One part that COS acknowledged. */
export interface PartSent {
  readonly number: number
  readonly etag: string
  /** In bytes. */
  readonly size: number
  /** None for a copied part whose checksum COS did not send. */
  readonly crc64: O.Option<bigint>
}

export interface Completed {
  readonly etag: string
  readonly versionId: O.Option<string>
  readonly location: O.Option<string>
  readonly requestId: string
  /** In bytes. */
  readonly size: number
  readonly parts: number
  /** Of the whole object, unsigned, as expected; none if that is not known. */
  readonly crc64: O.Option<bigint>
  readonly integrity: Integrity
}

/** Parameters that a HEAD must repeat. */
export type HeadOptions = Pick<HeadObjectInput, 'sse'>

/** A customer's key goes with every request that carries or describes object bytes; COS's own encryption does not. */
export const headOptions = ({ sse }: WithEncryption): HeadOptions => (sse?.type === 'C' ? { sse } : {})

/** Of the parts together, unsigned; none if the checksum of one of them is not known. */
export const crc64Of = (parts: ReadonlyArray<PartSent>): O.Option<bigint> => {
  const known = parts.flatMap(({ crc64, size }) => (O.isSome(crc64) ? [{ crc64: crc64.value, size }] : []))
  return known.length === parts.length ? O.some(combineAllCrc64(known).crc64) : O.none
}

const sizeOf = (parts: ReadonlyArray<PartSent>): number => parts.reduce((sum, { size }) => sum + size, 0)

// -- create and abort --
/** Limit of a cleanup, in milliseconds. If it fails, the error names the upload. */
const cleanupTimeout = 10_000

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

/** A signal that fires `milliseconds` after the first of `signals`. */
const delayedSignal = (
  { startTimer }: Runtime,
  signals: ReadonlyArray<AbortSignal>,
  milliseconds: number
): { readonly signal: AbortSignal; readonly close: () => void } => {
  const delayed = new AbortController()
  let stopTimer: (() => void) | undefined
  const wait = (): void => {
    stopTimer ??= startTimer(milliseconds, () => {
      delayed.abort()
    })
  }
  for (const signal of signals) signal.addEventListener('abort', wait, { once: true })
  return {
    signal: delayed.signal,
    close: () => {
      stopTimer?.()
      for (const signal of signals) signal.removeEventListener('abort', wait)
    }
  }
}

/** What happens to uploads that COS may have created for a request whose response was lost; they have no parts. */
export type OnOrphanedUpload =
  /** They are named in the result, or in the error's `context`: another run may have created them just now. */
  | 'report'
  /** They are aborted. Those that could not be aborted are named. */
  | 'abort'

export interface CreatedUpload {
  readonly uploadId: string
  /** See `findOrphans`. Those that still exist. */
  readonly orphanedUploads: ReadonlyArray<string>
}

/** The operation with the fact that an earlier attempt failed: COS may have carried it out. */
const withRetried = ({
  decode,
  ...operation
}: Op.Operation<CreateMultipartUploadResult>): Op.Operation<{ uploadId: string; isRetried: boolean }> => ({
  action: operation.action,
  request: operation.request,
  decode: (response) =>
    pipe(
      decode(response),
      TE.map(({ uploadId }) => ({ uploadId, isRetried: response.retried === true }))
    )
})

/** Aborts uploads; returns those that still exist. */
const abortOrphans = async (
  client: Client,
  ref: ObjectRef,
  uploadIds: ReadonlyArray<string>
): Promise<ReadonlyArray<string>> => {
  const left: Array<string> = []
  for (const uploadId of uploadIds) {
    const result = await abortUpload(client, ref, uploadId)()
    if (E.isLeft(result) && !isUploadGone(result.left)) left.push(uploadId)
  }
  return left
}

const lostResponses: ReadonlySet<CosError['_tag']> = new Set(['TransportError', 'Timeout', 'DecodeError'])

const mayHaveCreated = (error: CosError): boolean =>
  error.context.attempts > 1 || (error.context.attempts > 0 && lostResponses.has(error._tag))

/**
 * Creates a multipart upload.
 *
 * Not cancelled by the signal: COS may already have created the upload, and only this response has its id. The caller
 * gets `Aborted` at once; we wait up to 10 s in the background and abort the upload.
 *
 * If the response to an attempt was lost, COS may have created an upload that nobody knows of: see `findOrphans`. With
 * `onOrphanedUpload: 'abort'` these are aborted.
 *
 * @errors those of `createMultipartUpload`; `context.orphanedUploads` if there are some
 */
export const createUpload =
  (
    client: Client,
    context: Context,
    input: CreateMultipartUploadInput,
    onOrphanedUpload: OnOrphanedUpload = 'report'
  ): TE.TaskEither<CosError, CreatedUpload> =>
  async () => {
    const start = client.runtime.elapsed()
    const orphans = async (ours?: string): Promise<ReadonlyArray<string>> => {
      const found = await findOrphans(input, client.runtime.elapsed() - start, ours)(client)()
      return onOrphanedUpload === 'abort' ? abortOrphans(client, input, found) : found
    }
    const fired = (): AbortSignal | undefined => client.signals.find((signal) => signal.aborted)
    const early = fired()
    if (early !== undefined) return E.left(aborted(context, early.reason))
    const { signal, close } = delayedSignal(client.runtime, client.signals, cleanupTimeout)
    const created = await send(withRetried(createMultipartUpload(input)))({
      ...detached(client),
      signals: [signal]
    })()
    close()
    const late = fired()
    if (late === undefined && E.isRight(created)) {
      const { uploadId, isRetried } = created.right
      return E.right({ uploadId, orphanedUploads: isRetried ? await orphans(uploadId) : [] })
    }
    if (late === undefined && E.isLeft(created)) {
      const error = created.left
      const orphanedUploads = mayHaveCreated(error) ? await orphans() : []
      return E.left(withOrphans(orphanedUploads)(error))
    }
    if (E.isRight(created)) void abortUpload(client, input, created.right.uploadId)()
    return E.left(aborted(context, late?.reason))
  }

// -- complete --
interface CompletedObject {
  readonly etag: string
  readonly versionId: O.Option<string>
  readonly location: O.Option<string>
  readonly requestId: string
  readonly crc64: O.Option<bigint>
}

/**
 * If an earlier attempt of a completion succeeded and its response was lost, its retry is refused: the upload no longer
 * exists (404), or the object does (409, with `forbidOverwrite`). Then the object has our size and checksum. An object with
 * another checksum is not ours.
 */
const confirmCompletion =
  (input: HeadObjectInput, expected: ExpectedContent): Op.Confirm<CompletedObject> =>
  ({ code, status }) =>
    O.isSome(expected.crc64) && (code === 'NoSuchUpload' || status === 409)
      ? O.some(() =>
          pipe(headIfSame(input, expected), Op.map(O.map((found) => ({ ...found, location: O.none }))))
        )
      : O.none

/**
 * Completes an upload and compares the combined CRC64 of its parts with COS's: that of the response, or of a HEAD if
 * the response has none, as after a slow completion. `ours` is the expected CRC64, if it is known otherwise.
 *
 * @errors those of Complete Multipart Upload; `IntegrityError` if COS assembled other bytes
 */
export const completeUpload = (
  client: Client,
  context: Context,
  input: Omit<CompleteMultipartUploadInput, 'parts'>,
  head: HeadOptions,
  parts: ReadonlyArray<PartSent>,
  ours: O.Option<bigint> = crc64Of(parts)
): TE.TaskEither<CosError, Completed> =>
  pipe(
    completeMultipartUpload({
      ...input,
      parts: parts.map(({ number, etag }) => ({ partNumber: number, etag }))
    }),
    Op.map((completed): CompletedObject => completed),
    Op.withConfirm(confirmCompletion({ ...refOf(input), ...head }, { size: sizeOf(parts), crc64: ours })),
    (operation) => send(operation)(client),
    TE.chain((done) =>
      O.isSome(done.crc64) || O.isNone(ours)
        ? TE.right(done)
        : pipe(
            send(headObject({ ...refOf(input), ...head }))(client),
            // The upload has succeeded even if this HEAD fails.
            TE.match(
              () => done,
              (found) => (found.etag === done.etag ? { ...done, crc64: found.crc64 } : done)
            ),
            TE.fromTask
          )
    ),
    TE.chainEitherKW(({ etag, versionId, location, requestId, crc64 }) =>
      pipe(
        compareCrc64(context)({ expected: ours, got: crc64, ours: 'expected' }),
        E.map((integrity) => ({
          etag,
          versionId,
          location,
          requestId,
          integrity,
          crc64: ours,
          size: sizeOf(parts),
          parts: parts.length
        }))
      )
    )
  )

// -- clean up --
const withUploadId =
  (uploadId: string) =>
  (error: CosError): CosError => ({ ...error, context: { ...error.context, uploadId } })

const withOrphans =
  (orphanedUploads: ReadonlyArray<string>) =>
  (error: CosError): CosError =>
    orphanedUploads.length === 0 ? error : { ...error, context: { ...error.context, orphanedUploads } }

export interface FailedUpload {
  readonly uploadId: string
  readonly onFailure: OnFailure
  /** See `findOrphans`: the error names them too. */
  readonly orphanedUploads?: ReadonlyArray<string> | undefined
  /** Called when it is known whether the upload still exists. */
  readonly onSettled?: (exists: boolean) => Promise<void>
}

/**
 * Cleans up after a failed upload.
 *
 * After an abort of the transfer, the parts are deleted in the background: the caller does not wait.
 *
 * @shape  the error; it names the upload if its parts still exist
 */
export const cleanUpFailed =
  (client: Client, ref: ObjectRef, { uploadId, onFailure, orphanedUploads = [], onSettled }: FailedUpload) =>
  (failure: CosError): T.Task<CosError> => {
    const error = withOrphans(orphanedUploads)(failure)
    const settle = async (exists: boolean): Promise<CosError> => {
      await onSettled?.(exists)
      return exists ? withUploadId(uploadId)(error) : error
    }
    if (isUploadGone(error)) return () => settle(false)
    if (onFailure === 'keep') return () => settle(true)
    const abort = pipe(
      abortUpload(client, ref, uploadId),
      TE.matchE(
        (problem) => () => settle(!isUploadGone(problem)),
        () => () => settle(false)
      )
    )
    const wasAborted = error._tag === 'Aborted' || (error._tag === 'Timeout' && error.phase === 'overall')
    if (!wasAborted) return abort
    void abort()
    return T.of(error)
  }
