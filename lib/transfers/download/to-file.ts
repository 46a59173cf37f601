/** The bytes of an answer become a file: whole and verified, or the old file stays. */
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
import { replaceFile, replaceAtomically, withFileErrors, writeAll } from '../../files/atomic-file.js'
import { scopedWithCleanup } from '../../client/scope.js'
import { acquireDownloadSlot, FilePath } from '../../files/download-lock.js'

/** What `getObject` and `downloadStream` give, as far as it is read here. */
export interface VerifiableBody {
  readonly body: Readable
  readonly verified: TaskEither<CosError, Integrity>
  readonly context: Context
}

export interface ToFileOptions {
  /** Waits for the disk, so that a power failure costs no file. True unless said. */
  readonly durable?: boolean
}

/** All that the answer said, and what became of its bytes. */
export type SavedFileResult<A> = Omit<A, keyof VerifiableBody> & {
  /** Its whole path. */
  readonly file: string
  /** Bytes in it. */
  readonly written: number
  readonly integrity: Integrity
}

interface Target extends ToFileOptions {
  readonly file: string
}

const Target = In.struct<Target>('a target', { file: FilePath, durable: In.optional(In.boolean) })

const bytesOf = (body: Readable): AsyncIterable<Uint8Array> => body

interface Saved {
  readonly written: number
  readonly integrity: Integrity
}

const saveBody = async (
  context: Context,
  target: string,
  { durable = true, signal }: { readonly durable: boolean | undefined; readonly signal: AbortSignal },
  { body, verified }: Omit<VerifiableBody, 'context'>
): Promise<Saved> => {
  const place = await acquireDownloadSlot(context, target, signal)
  try {
    const handle = await withFileErrors(
      context,
      place.part
    )(() => replaceFile(place.part, constants.O_WRONLY, 0o666))
    try {
      let written = 0
      for await (const chunk of bytesOf(body)) {
        const position = written
        await withFileErrors(context, place.part)(() => writeAll(handle, [chunk], position))
        written += chunk.length
      }
      const integrity = await verified()
      if (E.isLeft(integrity)) throw new CosException(integrity.left)
      await withFileErrors(
        context,
        target
      )(() => replaceAtomically(handle, { from: place.part, target, durable, signal }))
      return { written, integrity: integrity.right }
    } finally {
      await handle.close()
    }
  } finally {
    await place.leave(false)
  }
}

/**
 * Puts an answer's bytes into a file.
 *
 * They go to a file of their own, in a folder beside the target; when they have all come and were verified, a rename
 * puts it in place. Whatever fails leaves the old file as it was, and nothing else.
 *
 * @shape  `toFile(path)(answer)` is an `Effect<SavedFile>`, for what `getObject` or `downloadStream` gave
 * @units  holds one chunk at a time
 * @errors those of the body; `FileError` with the system's code, such as `ENOENT` where the folder is missing, `EISDIR`
 * @example pipe(send(getObject({ bucket, key })), RTE.chain(toFile('a.txt')))(client)()
 */
export const toFile =
  (file: string, options: ToFileOptions = {}) =>
  <A extends VerifiableBody>(answer: A): CosEffect<SavedFileResult<A>> =>
  (client) =>
  async () => {
    const judged = validate('toFile', Target)({ ...options, file })
    const { body, verified, context: of, ...rest } = answer
    const context = { ...of, operation: 'toFile' }
    try {
      if (E.isLeft(judged)) return E.left({ ...judged.left, context })
      const target = resolve(judged.right.file)
      const { durable } = judged.right
      return await scopedWithCleanup(client, context, async ({ controller: stop }) => {
        const saved = await saveBody(context, target, { durable, signal: stop.signal }, { body, verified })
        return E.right({ ...rest, file: target, ...saved })
      })
    } finally {
      // Nobody else would end it, and a body left alone keeps its connection.
      body.destroy()
    }
  }
