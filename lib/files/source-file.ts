/** A local file as the source of an upload: any range as a request body, and an error if the file changes. */
import { createHash } from 'node:crypto'
import { constants, type BigIntStats, type Stats } from 'node:fs'
import { pipe } from 'fp-ts/lib/function.js'
import * as O from 'fp-ts/lib/Option.js'
import * as TE from 'fp-ts/lib/TaskEither.js'
import { crc64Hasher } from '../core/crc64.js'
import { CosException, fileError, fromUnknown, type Context, type CosError } from '../core/error.js'
import { ioChunkSize } from '../core/limits.js'
import type { BodyInput } from '../core/body.js'
import { tryTask } from '../core/try-task.js'
import { noFollow } from './atomic-file.js'
import { displayPath } from './open-directory.js'
import { openFile, type OpenFile } from './open-file.js'
import { statPath } from './system-calls.js'
import { systemError } from './system-error.js'
import { hasChanged, hasShrunk, type FileVersion } from './file-version.js'

export interface SourceOptions {
  /**
   * `'whole'`: the whole file; a change while it is read is an error. `'now'`: the bytes that the file has when it is
   * opened, for example of a growing log. Appends are then allowed, and only a file that shrinks is an error: a rewrite
   * cannot be distinguished from an append. Default: `'whole'`.
   */
  readonly length?: 'whole' | 'now'
}

/** What is known of a path. */
export interface KnownPath {
  /**
   * Whether the path was just listed as a regular file. Then it is opened without a look before, and a link that has replaced
   * the file since is refused. Default: false: links are followed, and a special file is not opened.
   */
  readonly isListed?: boolean
}

export interface SourceFile {
  readonly path: string
  readonly handle: Pick<OpenFile, 'stat' | 'read' | 'close'>
  /** In bytes, at the time of opening. */
  readonly size: number
  readonly version: FileVersion
  readonly length: 'whole' | 'now'
  /** Context of the upload, for errors. */
  readonly context: Context
}

// -- errors --
/** Converts what a call for the file has thrown. */
const toFileError = ({
  context,
  path
}: Pick<SourceFile, 'context' | 'path'>): ((thrown: unknown) => CosError) => {
  // Before the call, which may close the directory of the path.
  const shownPath = displayPath(path)
  return (thrown) => (thrown instanceof CosException ? thrown.error : fileError(context, shownPath)(thrown))
}

const withErrorsOf = (
  file: Pick<SourceFile, 'context' | 'path'>
): (<A>(use: () => Promise<A>) => Promise<A>) => {
  const toError = toFileError(file)
  return async (use) => {
    try {
      return await use()
    } catch (thrown) {
      throw new CosException(toError(thrown))
    }
  }
}

// -- opening --
const kindOf = (stats: Stats | BigIntStats): string =>
  stats.isFIFO()
    ? 'a FIFO'
    : stats.isSocket()
      ? 'a socket'
      : stats.isCharacterDevice()
        ? 'a character device'
        : stats.isBlockDevice()
          ? 'a block device'
          : 'not a file'

const requireRegularFile = (stats: Stats | BigIntStats): void => {
  if (stats.isDirectory()) throw systemError('EISDIR', 'a directory, not a file')
  if (!stats.isFile()) throw systemError('ENOTFILE', `${kindOf(stats)} has no size; upload it as a stream`)
}

/**
 * Returns the version of a file. A file that reports size 0 must be empty: files in `/proc` report size 0 but have bytes,
 * which only a read can detect.
 */
const measure = async (handle: OpenFile): Promise<BigIntStats> => {
  const stats = await handle.stat()
  requireRegularFile(stats)
  if (stats.size > 0n) return stats
  const { bytesRead } = await handle.read(Buffer.alloc(1), 0, 1, 0)
  if (bytesRead === 0) return stats
  // Bytes may have been appended between the two calls.
  const later = await handle.stat()
  if (later.size > 0n) return later
  throw systemError('ESIZE', 'reports a size of 0 but has bytes, as files of /proc do; upload it as a stream')
}

// If a FIFO replaces the file between `stat` and `open`, `open` does not wait for a writer. Windows has no such flag.
const openFlags = constants.O_RDONLY | ('O_NONBLOCK' in constants ? constants.O_NONBLOCK : 0)

/**
 * Opens a file once: if another file is later renamed over the path, reads still return the bytes of the opened file.
 *
 * @errors `FileError` with the system's code; `ELOOP` for a link at a listed path; `ENOTFILE` for a FIFO, socket or device;
 *         `ESIZE` for a file that reports size 0 but has bytes
 */
export const openSource = (
  context: Context,
  path: string,
  { length = 'whole' }: SourceOptions = {},
  { isListed = false }: KnownPath = {}
): TE.TaskEither<CosError, SourceFile> =>
  tryTask(async () => {
    // Checked before `open`: opening a FIFO waits for a writer, and opening a device may have side effects.
    if (!isListed) requireRegularFile(await statPath(path))
    const handle = await openFile(path, isListed ? openFlags | noFollow : openFlags)
    try {
      const version = await measure(handle)
      return { path, handle, size: Number(version.size), version, length, context }
    } catch (thrown) {
      await handle.close()
      throw thrown
    }
  }, toFileError({ context, path }))

// -- changes --
const sourceError = ({ context }: SourceFile, problem: string): CosException =>
  new CosException({ _tag: 'SourceError', context, cause: new Error(problem) })

/** @errors also those of the system: the callers of this, and of `readInto`, convert them by `toFileError` or `withErrorsOf` */
const requireUnchanged = async (file: SourceFile): Promise<void> => {
  const now = await file.handle.stat()
  const changed = file.length === 'now' ? hasShrunk : hasChanged
  if (changed(file.version, now)) throw sourceError(file, `${file.path} changed while it was read`)
}

/**
 * Checks that the file and its contents did not change since it was opened: parts of two versions must not be combined
 * into one object.
 *
 * @errors `SourceError` if the file changed
 */
export const checkUnchanged = (file: SourceFile): TE.TaskEither<CosError, void> =>
  tryTask(() => requireUnchanged(file), toFileError(file))

// -- reading --
export type Replayable = Extract<BodyInput, { readonly open: unknown }>

const shortRead = async (file: SourceFile, first: number, size: number): Promise<CosException> => {
  await requireUnchanged(file)
  return first + size > file.size
    ? sourceError(file, `${file.path} has ${String(file.size)} bytes, fewer than ${String(first + size)}`)
    : new CosException(
        fileError(
          file.context,
          file.path
        )(systemError('ESIZE', 'has fewer bytes than it reports, as files of /sys do; upload it as a stream'))
      )
}

const newMemory = (size: number): Buffer => Buffer.allocUnsafeSlow(size)

/** Reads bytes of a range from its offset `at`, and returns their number. */
const readInto = async (
  file: SourceFile,
  first: number,
  size: number,
  at: number,
  buffer: Uint8Array
): Promise<number> => {
  const { bytesRead } = await file.handle.read(buffer, 0, buffer.length, first + at)
  if (bytesRead === 0) throw await shortRead(file, first, size)
  // Checked before the last bytes are sent: without them the request is incomplete, and COS stores nothing.
  if (at + bytesRead === size) await requireUnchanged(file)
  return bytesRead
}

/**
 * Reads the whole file at once, for a small one. A generator, and its reader, would make a dozen promises for one read.
 *
 * @errors those of `createRangeBody`
 */
export const readWhole = (file: SourceFile): TE.TaskEither<CosError, Uint8Array> =>
  tryTask(async () => {
    const { size } = file
    const bytes = newMemory(size)
    if (size === 0) await requireUnchanged(file)
    for (let at = 0; at < size;) at += await readInto(file, 0, size, at, bytes.subarray(at))
    return bytes
  }, toFileError(file))

/** `memory` returns a buffer of the size, for each read of at most `chunkSize` bytes. */
async function* readRange(
  file: SourceFile,
  first: number,
  size: number,
  memory: (size: number) => Buffer,
  chunkSize = ioChunkSize
): AsyncGenerator<Uint8Array, void, undefined> {
  const withErrors = withErrorsOf(file)
  if (size === 0) await withErrors(() => requireUnchanged(file))
  // Not `createReadStream`: each stream leaves a listener on the handle until the handle is closed.
  for (let at = 0; at < size;) {
    const offset = at
    const buffer = memory(Math.min(chunkSize, size - offset))
    const bytesRead = await withErrors(() => readInto(file, first, size, offset, buffer))
    at += bytesRead
    yield buffer.subarray(0, bytesRead)
  }
}

/**
 * A range of the file as a request body. The range is read again for each attempt.
 *
 * The last chunk is held back until the file has been checked for changes. If the file changed during the request, the
 * request therefore fails, and COS never stores an object or part that mixes two versions.
 *
 * @units  `first` and `size` in bytes; holds one chunk of 256 KiB
 * @errors `SourceError` if the file changed, or ends before the range; `FileError`, with code `ESIZE` if the file has
 *         fewer bytes than it reports
 */
export const createRangeBody = (file: SourceFile, first: number, size: number): Replayable => ({
  size,
  open: () => readRange(file, first, size, newMemory)
})

/**
 * A range of the file for a reader that keeps no chunk, such as a hash or a cipher: all chunks are in the same memory, and a
 * chunk is valid until the next read. New memory for each would cost more than the read.
 *
 * @units  `first`, `size` and `chunkSize` in bytes; holds one chunk. Default: 256 KiB
 * @errors those of `createRangeBody`
 */
export const readRangeInPlace = (
  file: SourceFile,
  first: number,
  size: number,
  chunkSize = ioChunkSize
): AsyncGenerator<Uint8Array, void, undefined> => {
  const memory = Buffer.allocUnsafeSlow(Math.min(chunkSize, size))
  return readRange(file, first, size, (wanted) => memory.subarray(0, wanted), chunkSize)
}

export interface FileSection {
  /** In bytes. */
  readonly start: number
  /** In bytes; `none`: up to the end of the file. */
  readonly size: O.Option<number>
}

/**
 * A file as a request body that keeps no file open between attempts. Each attempt opens the file, and requires the
 * version of the first open, both after opening and before the last chunk is sent.
 *
 * @errors those of `openSource`; those of `createRangeBody` when the body is read
 */
export const createFileBody = (
  context: Context,
  path: string,
  { start, size: requested }: FileSection,
  options: SourceOptions = {}
): TE.TaskEither<CosError, Replayable> =>
  pipe(
    openSource(context, path, options),
    TE.chainFirstW(({ handle }) => tryTask(() => handle.close(), toFileError({ context, path }))),
    TE.map((measured) => {
      const size = O.getOrElse(() => Math.max(0, measured.size - start))(requested)
      return {
        size,
        async *open(): AsyncGenerator<Uint8Array, void, undefined> {
          const handle = await withErrorsOf({ context, path })(() => openFile(path, openFlags))
          try {
            const file = { ...measured, handle }
            await withErrorsOf(file)(() => requireUnchanged(file))
            yield* readRange(file, start, size, newMemory)
          } finally {
            await handle.close()
          }
        }
      }
    })
  )

export interface Hashes {
  /** Base64 of 16 bytes. */
  readonly md5: string
  readonly crc64: bigint
}

/** Reads a body and returns only its checksums. */
export const hashOf = ({ context }: SourceFile, body: Replayable): TE.TaskEither<CosError, Hashes> =>
  tryTask(async () => {
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
