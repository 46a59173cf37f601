/** Downloads a small object into memory, and then replaces a file by it. */
import { resolve } from 'node:path'
import { pipe } from 'fp-ts/lib/function.js'
import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import type * as TE from 'fp-ts/lib/TaskEither.js'
import { crc64 } from '../../core/crc64.js'
import { CosException, fromUnknown, overallTimeout, type CosError } from '../../core/error.js'
import { compareCrc64, type Integrity } from '../../core/integrity.js'
import { ioChunkSize } from '../../core/limits.js'
import { tryTask } from '../../core/try-task.js'
import { publishPart } from '../../client/diagnostics.js'
import { readRange } from '../../client/read-range.js'
import { withFileErrors } from '../../files/atomic-file.js'
import type { AcquireSlot } from '../../files/download-lock.js'
import { displayPath, withDirectory } from '../../files/open-directory.js'
import { replaceWithBytes } from '../../files/replace-with-bytes.js'
import type { ObjectHead } from '../../operations/head-object.js'
import { reportPartsOf } from '../shared/progress.js'
import type { Transfer } from '../shared/run-transfer.js'
import type { DownloadFileInput } from './file-options.js'
import type { DownloadFileResult } from './fill-file.js'
import { pinnedGetInput } from './options.js'

/** In bytes: the largest object that is held in memory. */
export const largestAtOnce = ioChunkSize

/** An object that was listed. */
export interface SmallObject {
  readonly etag: string
  /** In bytes. */
  readonly size: number
}

interface ReceivedObject {
  readonly head: ObjectHead
  readonly bytes: Uint8Array
}

const receive = async (
  { scope: { outerClient }, context, input }: Transfer<DownloadFileInput>,
  { etag, size }: SmallObject
): Promise<ReceivedObject> => {
  const { overall } = outerClient.timeouts
  const timedOut = new AbortController()
  const stopTimer = outerClient.runtime.startTimer(overall, () => {
    timedOut.abort(new CosException(overallTimeout(context, overall)))
  })
  let head: ObjectHead | undefined
  const chunks: Array<Uint8Array> = []
  try {
    for await (const chunk of readRange(
      { ...outerClient, signals: [...outerClient.signals, timedOut.signal] },
      context,
      pinnedGetInput(input, { etag, versionId: O.none }),
      { first: 0, last: size - 1 },
      ({ body, host, ...response }) => {
        if (head === undefined) input.progress?.report({ _tag: 'Expected', size })
        head ??= { ...response, size }
      }
    ))
      chunks.push(chunk)
  } finally {
    stopTimer()
  }
  if (head === undefined) throw new Error('no response: the object is empty')
  return { head, bytes: chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks) }
}

const verify = async (
  { context }: Transfer<DownloadFileInput>,
  { head, bytes }: ReceivedObject
): Promise<Integrity> => {
  const integrity = compareCrc64(context)({
    expected: head.crc64,
    got: O.some(await crc64(bytes)),
    ours: 'got'
  })
  if (E.isLeft(integrity)) throw new CosException(integrity.left)
  return integrity.right
}

/**
 * Receives an object of 1 byte to `largestAtOnce`, compares its CRC64, and writes it to a temporary file that then replaces the
 * target. The temporary file has all of its bytes when it is closed, so there is nothing to resume: no file is open during the
 * request, and no journal is written.
 */
export const downloadAtOnce =
  (object: SmallObject, acquireSlot: AcquireSlot) =>
  async (transfer: Transfer<DownloadFileInput>): Promise<E.Either<CosError, DownloadFileResult>> => {
    const { scope, context, input } = transfer
    const { size } = object
    const target = resolve(input.file)
    const fetch = (): TE.TaskEither<CosError, ReceivedObject> =>
      pipe(
        tryTask(() => receive(transfer, object), fromUnknown(context)),
        publishPart(context, { part: 1, size, direction: 'down' })
      )
    return withDirectory(target, async () => {
      const slot = await acquireSlot(context, target, () => scope.controller.signal)
      let isMoved = false
      try {
        const received = await reportPartsOf(input)(fetch)({ size }, undefined)()
        if (E.isLeft(received)) return received
        const { head, bytes } = received.right
        const integrity = await verify(transfer, received.right)
        await withFileErrors(
          context,
          target
        )(() =>
          replaceWithBytes({
            bytes,
            from: slot.part,
            target,
            durable: input.durable ?? true,
            throwIfAborted: scope.throwIfEnded
          })
        )
        isMoved = true
        return E.right({
          ...head,
          file: displayPath(target),
          parts: 1,
          multipart: false,
          resumed: 0,
          integrity
        })
      } finally {
        await slot.release(false, isMoved)
      }
    })
  }
