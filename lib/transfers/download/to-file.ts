/** Saves a response as a file: verified, replaced atomically. */
import { constants } from 'node:fs'
import { resolve } from 'node:path'
import type { Readable } from 'node:stream'
import * as E from 'fp-ts/lib/Either.js'
import type { TaskEither } from 'fp-ts/lib/TaskEither.js'
import { CosException, type Context, type CosError } from '../../core/error.js'
import * as In from '../../core/input.js'
import type { Integrity } from '../../core/integrity.js'
import { validate } from '../../core/operation.js'
import type { CosEffect } from '../../client/send.js'
import { temporaryMode } from '../../files/file-mode.js'
import { replaceFile, replaceAtomically, withFileErrors, writeAll } from '../../files/atomic-file.js'
import { scopedWithCleanup } from '../../client/scope.js'
import { acquireDownloadSlot, FilePath } from '../../files/download-lock.js'

/** The fields of a `getObject` or `downloadStream` result that are used here. */
export interface VerifiableBody {
  readonly body: Readable
  readonly verified: TaskEither<CosError, Integrity>
  readonly context: Context
}

export interface ToFileOptions {
  /** Flushes the file to the disk before it replaces the target. Default: true. */
  readonly durable?: boolean
}

/** The metadata of the response, and the saved file. */
export type SavedFileResult<A> = Omit<A, keyof VerifiableBody> & {
  /** Absolute path. */
  readonly file: string
  /** Bytes in the file. */
  readonly written: number
  readonly integrity: Integrity
}

interface Target extends ToFileOptions {
  readonly file: string
}

const Target = In.struct<Target>('a target', { file: FilePath, durable: In.optional(In.boolean) })

const bytesOf = (body: Readable): AsyncIterable<Uint8Array> => body

interface SavedBody {
  readonly written: number
  readonly integrity: Integrity
}

const saveBody = async (
  context: Context,
  target: string,
  { durable = true, signal }: { readonly durable: boolean | undefined; readonly signal: AbortSignal },
  { body, verified }: Omit<VerifiableBody, 'context'>
): Promise<SavedBody> => {
  const slot = await acquireDownloadSlot(context, target, signal)
  try {
    const handle = await withFileErrors(
      context,
      slot.part
    )(() => replaceFile(slot.part, constants.O_WRONLY, temporaryMode))
    try {
      let written = 0
      for await (const chunk of bytesOf(body)) {
        const position = written
        await withFileErrors(context, slot.part)(() => writeAll(handle, [chunk], position))
        written += chunk.length
      }
      const integrity = await verified()
      if (E.isLeft(integrity)) throw new CosException(integrity.left)
      await withFileErrors(
        context,
        target
      )(() => replaceAtomically(handle, { from: slot.part, target, durable, signal }))
      return { written, integrity: integrity.right }
    } finally {
      await handle.close()
    }
  } finally {
    await slot.release(false)
  }
}

/**
 * Saves the body of a response as a file.
 *
 * Writes to a temporary file beside the target. After all bytes have been received and verified, a rename replaces the target. A
 * failure leaves the old file untouched and no other file.
 *
 * @shape  `toFile(path)(response)` is a `CosEffect<SavedFileResult>`, for a result of `getObject` or `downloadStream`
 * @units  holds one chunk at a time
 * @errors those of the body; `FileError` with the system's code, such as `ENOENT` if the directory is missing, `EISDIR`
 * @example pipe(send(getObject({ bucket, key })), RTE.chain(toFile('a.txt')))(client)()
 */
export const toFile =
  (file: string, options: ToFileOptions = {}) =>
  <A extends VerifiableBody>(response: A): CosEffect<SavedFileResult<A>> =>
  (client) =>
  async () => {
    const validated = validate('toFile', Target)({ ...options, file })
    const { body, verified, context: responseContext, ...rest } = response
    const context = { ...responseContext, operation: 'toFile' }
    try {
      if (E.isLeft(validated)) return E.left({ ...validated.left, context })
      const target = resolve(validated.right.file)
      const { durable } = validated.right
      return await scopedWithCleanup(client, context, async ({ controller }) => {
        const saved = await saveBody(
          context,
          target,
          { durable, signal: controller.signal },
          { body, verified }
        )
        return E.right({ ...rest, file: target, ...saved })
      })
    } finally {
      // An unread body keeps its connection.
      body.destroy()
    }
  }
