/** The creation of a multipart upload, whose response may be lost or come after an abort. */
import { pipe } from 'fp-ts/lib/function.js'
import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import * as T from 'fp-ts/lib/Task.js'
import * as TE from 'fp-ts/lib/TaskEither.js'
import type { CosError } from '../../core/error.js'
import type * as Op from '../../core/operation.js'
import type { ObjectRef } from '../../core/request.js'
import type { Runtime } from '../../core/runtime.js'
import { aborted } from '../../client/abort.js'
import type { Client } from '../../client/client.js'
import { detached } from '../../client/combinators.js'
import { onAbort } from '../../client/on-abort.js'
import { send } from '../../client/send.js'
import {
  createMultipartUpload,
  type CreateMultipartUploadInput,
  type CreateMultipartUploadResult
} from '../../operations/create-multipart-upload.js'
import type { Transfer } from '../shared/run-transfer.js'
import {
  abortUpload,
  cleanUpFailed,
  cleanupTimeout,
  withUploads,
  type OnFailure,
  type OtherUploads
} from './clean-up.js'
import { findOrphans } from './find-orphans.js'
import { isUploadGone } from './find-resumable.js'

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
  const removeListeners = onAbort(signals, wait)
  return {
    signal: delayed.signal,
    close: () => {
      stopTimer?.()
      removeListeners()
    }
  }
}

/** What happens to uploads that COS may have created for a request whose response was lost; they have no parts. */
export type OnOrphanedUpload =
  /** They are named in the result, or in the error's `context`: another run may have created them just now. */
  | 'report'
  /** They are aborted. Those that could not be aborted are named. */
  | 'abort'

export interface CreatedUpload extends OtherUploads {
  readonly uploadId: string
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
const abortAll = async (
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

export interface CreateOptions {
  /** Default: `'report'`. */
  readonly onOrphanedUpload?: OnOrphanedUpload | undefined
  /** The policy for this upload if the transfer fails. */
  readonly onFailure: OnFailure
}

/**
 * Creates a multipart upload, and sets the cleanup of the transfer for it.
 *
 * Not cancelled by the signal: COS may already have created the upload, and only this response has its id. The caller
 * gets `Aborted` at once, with `context.mayHaveUnknownUpload`; we wait up to 10 s in the background and abort the upload.
 *
 * If the response to an attempt was lost, COS may have created an upload that nobody knows of: see `findOrphans`. With
 * `onOrphanedUpload: 'abort'` these are aborted.
 *
 * @errors those of `createMultipartUpload`; the context names the uploads that may still exist
 */
export const createUpload =
  (
    { scope: { client }, context, onFailure }: Pick<Transfer<unknown>, 'scope' | 'context' | 'onFailure'>,
    input: CreateMultipartUploadInput,
    options: CreateOptions
  ): TE.TaskEither<CosError, CreatedUpload> =>
  async () => {
    const start = client.runtime.elapsed()
    const unknown: OtherUploads = { orphanedUploads: [], mayHaveUnknownUpload: true }
    const findOthers = async (by: Client, ours: string | undefined): Promise<OtherUploads> => {
      const found = await findOrphans(input, client.runtime.elapsed() - start, ours)(by)()
      if (O.isNone(found)) return unknown
      const orphanedUploads =
        options.onOrphanedUpload === 'abort' ? await abortAll(client, input, found.value) : found.value
      return { orphanedUploads, mayHaveUnknownUpload: false }
    }
    const findFired = (): AbortSignal | undefined => client.signals.find((signal) => signal.aborted)
    const early = findFired()
    if (early !== undefined) return E.left(aborted(context, early.reason))
    onFailure((error) => T.of(withUploads(unknown)(error)))
    const { signal, close } = delayedSignal(client.runtime, client.signals, cleanupTimeout)
    const created = await send(withRetried(createMultipartUpload(input)))({
      ...detached(client),
      signals: [signal]
    })()
    close()
    const uploadId = E.isRight(created) ? created.right.uploadId : undefined
    const mayHaveOthers = E.isRight(created) ? created.right.isRetried : mayHaveCreated(created.left)
    const late = findFired()
    if (late !== undefined) {
      // Nobody reads a report now.
      if (uploadId !== undefined) void abortUpload(client, input, uploadId)()
      if (mayHaveOthers && options.onOrphanedUpload === 'abort') void findOthers(detached(client), uploadId)
      return E.left(aborted(context, late.reason))
    }
    const cleanUpWith = (others: OtherUploads): void => {
      if (uploadId !== undefined)
        onFailure(cleanUpFailed(client, input, { uploadId, onFailure: options.onFailure, ...others }))
    }
    // A signal may fire during the search.
    if (mayHaveOthers) cleanUpWith(unknown)
    const others = mayHaveOthers
      ? await findOthers(client, uploadId)
      : { orphanedUploads: [], mayHaveUnknownUpload: false }
    if (E.isRight(created)) {
      cleanUpWith(others)
      return E.right({ uploadId: created.right.uploadId, ...others })
    }
    onFailure(undefined)
    return E.left(withUploads(others)(created.left))
  }
