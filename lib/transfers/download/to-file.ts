/** The bytes of an answer become a file: whole and verified, or the old file stays. */
import { constants } from 'node:fs'
import { resolve } from 'node:path'
import type { Readable } from 'node:stream'
import * as E from 'fp-ts/lib/Either.js'
import type { TaskEither } from 'fp-ts/lib/TaskEither.js'
import { CosFailure, type Context, type CosError } from '../../core/error.js'
import * as In from '../../core/input.js'
import type { Integrity } from '../../core/integrity.js'
import { judge } from '../../core/operation.js'
import type { Effect } from '../../client/send.js'
import { replaceFile, replacing, touching, writeAll } from '../../files/atomic-file.js'
import { tidily } from '../../client/tidily.js'
import { enter, FilePath } from '../../files/download-lock.js'

/** What `getObject` and `downloadStream` give, as far as it is read here. */
export interface Verifiable {
  readonly body: Readable
  readonly verified: TaskEither<CosError, Integrity>
  readonly context: Context
}

export interface ToFileOptions {
  /** Waits for the disk, so that a power failure costs no file. True unless said. */
  readonly durable?: boolean
}

/** All that the answer said, and what became of its bytes. */
export type SavedFile<A> = Omit<A, keyof Verifiable> & {
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

const saving = async (
  context: Context,
  target: string,
  { durable = true, signal }: { readonly durable: boolean | undefined; readonly signal: AbortSignal },
  { body, verified }: Omit<Verifiable, 'context'>
): Promise<Saved> => {
  const place = await enter(context, target, signal)
  try {
    const handle = await touching(
      context,
      place.part
    )(() => replaceFile(place.part, constants.O_WRONLY, 0o666))
    try {
      let written = 0
      for await (const chunk of bytesOf(body)) {
        const position = written
        await touching(context, place.part)(() => writeAll(handle, [chunk], position))
        written += chunk.length
      }
      const integrity = await verified()
      if (E.isLeft(integrity)) throw new CosFailure(integrity.left)
      await touching(context, target)(() => replacing(handle, { from: place.part, target, durable, signal }))
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
  <A extends Verifiable>(answer: A): Effect<SavedFile<A>> =>
  (client) =>
  async () => {
    const judged = judge('toFile', Target)({ ...options, file })
    const { body, verified, context: of, ...rest } = answer
    const context = { ...of, operation: 'toFile' }
    try {
      if (E.isLeft(judged)) return E.left({ ...judged.left, context })
      const target = resolve(judged.right.file)
      const { durable } = judged.right
      return await tidily(client, context, async ({ stop }) => {
        const saved = await saving(context, target, { durable, signal: stop.signal }, { body, verified })
        return E.right({ ...rest, file: target, ...saved })
      })
    } finally {
      // Nobody else would end it, and a body left alone keeps its connection.
      body.destroy()
    }
  }
