/** The life of a multipart upload: begun, filled, completed once, verified; or aborted, or left to go on with. */
import { pipe } from 'fp-ts/lib/function.js'
import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import * as T from 'fp-ts/lib/Task.js'
import * as TE from 'fp-ts/lib/TaskEither.js'
import { combineAllCrc64 } from '../../core/crc64.js'
import type { Context, CosError } from '../../core/error.js'
import { compareCrc64, type Integrity } from '../../core/integrity.js'
import { refOf, type ObjectRef } from '../../core/request.js'
import type { Client } from '../../client/client.js'
import { aborted } from '../../client/abort.js'
import { detached, withRetry, withTimeout } from '../../client/combinators.js'
import { send } from '../../client/send.js'
import { abortMultipartUpload } from '../../operations/abort-multipart-upload.js'
import {
  completeMultipartUpload,
  type CompleteMultipartUploadInput,
  type CompleteMultipartUploadResult
} from '../../operations/complete-multipart-upload.js'
import {
  createMultipartUpload,
  type CreateMultipartUploadInput,
  type CreateMultipartUploadResult
} from '../../operations/create-multipart-upload.js'
import { headObject, type HeadObjectInput } from '../../operations/head-object.js'
import type { WithEncryption } from '../../operations/parameters/encryption.js'

/** What becomes of the parts of an upload that failed: they are billed until it is completed or aborted. */
export type OnFailure =
  /** They are deleted; nothing is left. */
  | 'abort'
  /** They stay; the error's `context.uploadId` names what to go on with. */
  | 'keep'

/** One part that COS acknowledged. */
export interface PartSent {
  readonly number: number
  readonly etag: string
  /** In bytes. */
  readonly size: number
  /** None where nobody knows: of a part that was copied, or that an earlier run sent. */
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
  /** Of the whole, unsigned: what it should be; none where that is not known. */
  readonly crc64: O.Option<bigint>
  readonly integrity: Integrity
}

/** What a HEAD must say again: the version and the customer's key. */
export type HeadOptions = Pick<HeadObjectInput, 'sse'>

/** A customer's key goes with every request that carries object bytes or asks about them; COS's own encryption does not. */
export const headOptions = ({ sse }: WithEncryption): HeadOptions => (sse?.type === 'C' ? { sse } : {})

/** Of the parts together, unsigned; none where one of theirs is not known. */
export const crc64Of = (parts: ReadonlyArray<PartSent>): O.Option<bigint> => {
  const known = parts.flatMap(({ crc64, size }) => (O.isSome(crc64) ? [{ crc64: crc64.value, size }] : []))
  return known.length === parts.length ? O.some(combineAllCrc64(known).crc64) : O.none
}

const sizeOf = (parts: ReadonlyArray<PartSent>): number => parts.reduce((sum, { size }) => sum + size, 0)

// -- begun, and cleared away --
/** How long a cleanup may take, in milliseconds; what it could not delete the error names. */
const cleanup = 10_000

/** Not for a signal to end: as a rule it is what follows one. */
const abortUpload = (client: Client, ref: ObjectRef, uploadId: string): TE.TaskEither<CosError, unknown> =>
  pipe(
    send(abortMultipartUpload({ ...refOf(ref), uploadId })),
    withRetry({ attempts: 3 }),
    withTimeout(cleanup)
  )(detached(client))

/** A signal that fires so long after the first of some others. */
const delayedSignal = (
  signals: ReadonlyArray<AbortSignal>,
  milliseconds: number
): { readonly signal: AbortSignal; readonly close: () => void } => {
  const late = new AbortController()
  let timer: NodeJS.Timeout | undefined
  const wait = (): void => {
    timer ??= setTimeout(() => {
      late.abort()
    }, milliseconds)
  }
  for (const signal of signals) signal.addEventListener('abort', wait, { once: true })
  return {
    signal: late.signal,
    close: () => {
      clearTimeout(timer)
      for (const signal of signals) signal.removeEventListener('abort', wait)
    }
  }
}

/**
 * Begins an upload.
 *
 * A signal does not hang up on it: COS may have made the upload by then, and nobody else would ever hear its id. It is
 * waited for a while behind the back of the caller, who has long settled, and the upload is deleted again.
 */
export const createUpload =
  (client: Client, context: Context, input: CreateMultipartUploadInput): TE.TaskEither<CosError, string> =>
  async () => {
    const fired = (): AbortSignal | undefined => client.signals.find((signal) => signal.aborted)
    const before = fired()
    if (before !== undefined) return E.left(aborted(context, before.reason))
    const { signal, close } = delayedSignal(client.signals, cleanup)
    const begun = await send(createMultipartUpload(input))({ ...detached(client), signals: [signal] })()
    close()
    const meanwhile = fired()
    if (meanwhile === undefined) return E.map(({ uploadId }: CreateMultipartUploadResult) => uploadId)(begun)
    if (E.isRight(begun)) void abortUpload(client, input, begun.right.uploadId)()
    return E.left(aborted(context, meanwhile.reason))
  }

// -- completed --
interface Seen {
  readonly etag: string
  readonly versionId: O.Option<string>
  readonly location: O.Option<string>
  readonly requestId: string
  readonly crc64: O.Option<bigint>
}

/** The object itself, where an answer did not say all there is to know. */
const headCompleted = (
  client: Client,
  ref: ObjectRef,
  head: HeadOptions
): TE.TaskEither<CosError, Seen & { size: number }> =>
  pipe(
    send(headObject({ ...refOf(ref), ...head }))(client),
    TE.map(({ etag, versionId, crc64, requestId, size }) => ({
      etag,
      versionId,
      crc64,
      requestId,
      size,
      location: O.none
    }))
  )

/**
 * A completion that was sent twice may be refused because the first one won. Then the object is there, with our
 * checksum; anything else that is there is not ours.
 */
const completedByEarlierAttempt =
  (
    client: Client,
    ref: ObjectRef,
    head: HeadOptions,
    parts: ReadonlyArray<PartSent>,
    ours: O.Option<bigint>
  ) =>
  (error: CosError): TE.TaskEither<CosError, Seen> => {
    const mayHave =
      error._tag === 'ServiceError' && error.code === 'NoSuchUpload' && error.context.attempts > 1
    if (!mayHave || O.isNone(ours)) return TE.left(error)
    return pipe(
      headCompleted(client, ref, head),
      TE.chain((found) =>
        found.size === sizeOf(parts) && O.isSome(found.crc64) && found.crc64.value === ours.value
          ? TE.right(found)
          : TE.left(error)
      ),
      TE.mapLeft(() => error)
    )
  }

const seen = (answer: CompleteMultipartUploadResult): Seen => ({
  etag: answer.etag,
  versionId: answer.versionId,
  location: answer.location,
  requestId: answer.requestId,
  crc64: answer.crc64
})

/**
 * Completes an upload and compares the combined CRC64 of its parts with COS's: that of the completion, or of a HEAD
 * where a slow completion could not say it. `ours` is what the object's should be, where it is known otherwise.
 *
 * @errors those of Complete Multipart Upload; `IntegrityError` where COS assembled other bytes
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
    send(
      completeMultipartUpload({
        ...input,
        parts: parts.map(({ number, etag }) => ({ partNumber: number, etag }))
      })
    )(client),
    TE.map(seen),
    TE.orElse(completedByEarlierAttempt(client, input, head, parts, ours)),
    TE.chain((done) =>
      O.isSome(done.crc64) || O.isNone(ours)
        ? TE.right(done)
        : pipe(
            headCompleted(client, input, head),
            // What a HEAD could not find out is not known; that the upload succeeded is.
            TE.match(
              () => done,
              (found) => (found.etag === done.etag ? { ...done, crc64: found.crc64 } : done)
            ),
            TE.fromTask
          )
    ),
    TE.chainEitherKW(({ crc64, ...done }) =>
      pipe(
        compareCrc64(context)(ours, crc64),
        E.map((integrity) => ({
          ...done,
          integrity,
          crc64: ours,
          size: sizeOf(parts),
          parts: parts.length
        }))
      )
    )
  )

// -- failed --
const withUploadId =
  (uploadId: string) =>
  (error: CosError): CosError => ({ ...error, context: { ...error.context, uploadId } })

/**
 * What a failed upload leaves behind, by the caller's choice.
 *
 * After an abort the parts are deleted behind the caller's back, who must not wait for it.
 *
 * @shape  the error, naming the upload where its parts are still there
 */
export const cleanUpFailed =
  (client: Client, ref: ObjectRef, uploadId: string, onFailure: OnFailure) =>
  (error: CosError): T.Task<CosError> => {
    const wasAborted = error._tag === 'Aborted' || (error._tag === 'Timeout' && error.phase === 'overall')
    const isGone = error._tag === 'ServiceError' && error.code === 'NoSuchUpload'
    if (isGone) return T.of(error)
    if (onFailure === 'keep') return T.of(withUploadId(uploadId)(error))
    const deleted = pipe(
      abortUpload(client, ref, uploadId),
      TE.match(
        (problem) =>
          problem._tag === 'ServiceError' && problem.code === 'NoSuchUpload'
            ? error
            : withUploadId(uploadId)(error),
        () => error
      )
    )
    if (!wasAborted) return deleted
    void deleted()
    return T.of(error)
  }
