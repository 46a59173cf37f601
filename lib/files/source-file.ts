/** The file of an upload: opened once, read in stretches, and still the same at the end. */
import { createHash } from 'node:crypto'
import type { Stats } from 'node:fs'
import { open, stat, type FileHandle } from 'node:fs/promises'
import { pipe } from 'fp-ts/lib/function.js'
import * as TE from 'fp-ts/lib/TaskEither.js'
import { crc64Hasher } from '../core/crc64.js'
import { CosException, fileError, fromUnknown, type Context, type CosError } from '../core/error.js'
import { ioChunkSize } from '../core/limits.js'
import type { BodyInput } from '../core/request.js'

export interface SourceFile {
  readonly path: string
  readonly handle: FileHandle
  readonly stats: Stats
  /** Whose upload it is, for the errors. */
  readonly context: Context
}

const mustBeFile = (stats: Stats): Stats => {
  if (stats.isFile()) return stats
  const [code, what] = stats.isDirectory() ? ['EISDIR', 'a directory'] : ['ENOTFILE', 'no regular file']
  throw Object.assign(new Error(what), { code })
}

/**
 * Opens a file once: whatever is moved over its path meanwhile, these are the bytes that were asked for.
 *
 * @errors `FileError` with the system's code; `ENOTFILE` of what is neither a file nor a directory
 */
export const openSource = (context: Context, path: string): TE.TaskEither<CosError, SourceFile> =>
  TE.tryCatch(
    async () => {
      // Looked at before it is opened: opening a pipe waits for its writer, for ever.
      mustBeFile(await stat(path))
      const handle = await open(path, 'r')
      try {
        return { path, handle, context, stats: mustBeFile(await handle.stat()) }
      } catch (thrown) {
        await handle.close()
        throw thrown
      }
    },
    fileError(context, path)
  )

const read = async (
  { handle, path, context }: SourceFile,
  into: Buffer,
  position: number
): Promise<number> => {
  try {
    return (await handle.read(into, 0, into.length, position)).bytesRead
  } catch (thrown) {
    throw new CosException(fileError(context, path)(thrown))
  }
}

export type Replayable = Extract<BodyInput, { readonly open: unknown }>

/** A stretch of the file, read anew each time it is sent. */
export const readStretch = (file: SourceFile, first: number, size: number): Replayable => ({
  size,
  async *open(): AsyncGenerator<Uint8Array, void, undefined> {
    // Not `createReadStream`: each leaves a listener on the handle for as long as that is open.
    for (let at = 0; at < size;) {
      const buffer = Buffer.allocUnsafeSlow(Math.min(ioChunkSize, size - at))
      const bytesRead = await read(file, buffer, first + at)
      // It became shorter; whoever counts the bytes will say so.
      if (bytesRead === 0) return
      at += bytesRead
      yield buffer.subarray(0, bytesRead)
    }
  }
})

export interface Hashes {
  /** Base64 of 16 bytes. */
  readonly md5: string
  readonly crc64: bigint
}

/** Reads bytes for their checksums alone. */
export const hashOf = ({ context }: SourceFile, body: Replayable): TE.TaskEither<CosError, Hashes> =>
  TE.tryCatch(async () => {
    const md5 = createHash('md5')
    const crc64 = await crc64Hasher()
    try {
      for await (const bytes of body.open()) {
        md5.update(bytes)
        crc64.update(bytes)
      }
      return { md5: md5.digest('base64'), crc64: crc64.digest() }
    } finally {
      crc64.release()
    }
  }, fromUnknown(context))

/** Parts of two files must not become one object: who writes to the file while it is read gets an error. */
export const unchanged = ({ path, handle, stats, context }: SourceFile): TE.TaskEither<CosError, void> =>
  pipe(
    TE.tryCatch(
      () => handle.stat(),
      (cause): CosError => fileError(context, path)(cause)
    ),
    TE.chain((now): TE.TaskEither<CosError, void> =>
      now.size === stats.size && now.mtimeMs === stats.mtimeMs
        ? TE.right(undefined)
        : TE.left({ _tag: 'SourceError', context, cause: new Error(`${path} changed while it was read`) })
    )
  )
