/** A local file as the source of an upload: any range of it as a body, and an error if the file changes meanwhile. */
import { createHash } from 'node:crypto'
import { constants, type BigIntStats, type Stats } from 'node:fs'
import { open, stat, type FileHandle } from 'node:fs/promises'
import { pipe } from 'fp-ts/lib/function.js'
import * as O from 'fp-ts/lib/Option.js'
import * as TE from 'fp-ts/lib/TaskEither.js'
import { crc64Hasher } from '../core/crc64.js'
import { CosException, fileError, fromUnknown, type Context, type CosError } from '../core/error.js'
import { ioChunkSize } from '../core/limits.js'
import type { BodyInput } from '../core/request.js'
import { withFileErrors } from './atomic-file.js'
import { systemError } from './system-error.js'
import { hasChanged, hasShrunk, type FileVersion } from './file-version.js'

export interface SourceOptions {
  /**
   * `'whole'`: the whole file; if it changes while it is read, that is an error. `'now'`: the bytes that the file has when
   * it is opened, such as a log's. Bytes may be appended meanwhile, and only a file that shrinks is an error: nothing
   * tells a rewrite from an append. Default: `'whole'`.
   */
  readonly length?: 'whole' | 'now'
}

export interface SourceFile {
  readonly path: string
  readonly handle: FileHandle
  /** In bytes, when it was opened. */
  readonly size: number
  readonly version: FileVersion
  readonly length: 'whole' | 'now'
  /** Of the upload, for errors. */
  readonly context: Context
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
 * The version of a file that is empty if its size is 0. Files of `/proc` report size 0 and have bytes: only a read shows
 * it.
 */
const measure = async (handle: FileHandle): Promise<BigIntStats> => {
  const stats = await handle.stat({ bigint: true })
  requireRegularFile(stats)
  if (stats.size > 0n) return stats
  const { bytesRead } = await handle.read(Buffer.alloc(1), 0, 1, 0)
  if (bytesRead === 0) return stats
  // Or bytes were appended between the two calls.
  const later = await handle.stat({ bigint: true })
  if (later.size > 0n) return later
  throw systemError('ESIZE', 'reports a size of 0 but has bytes, as files of /proc do; upload it as a stream')
}

// If a FIFO takes the file's place between `stat` and `open`, the open does not wait for a writer. Not on Windows.
const openFlags = constants.O_RDONLY | ('O_NONBLOCK' in constants ? constants.O_NONBLOCK : 0)

/**
 * Opens a file once: if another file is renamed over its path later, the bytes are still those of this file.
 *
 * @errors `FileError` with the system's code; `ENOTFILE` for a FIFO, socket or device; `ESIZE` for a file that reports a
 *         size of 0 and has bytes
 */
export const openSource = (
  context: Context,
  path: string,
  { length = 'whole' }: SourceOptions = {}
): TE.TaskEither<CosError, SourceFile> =>
  TE.tryCatch(
    async () => {
      // Before it is opened: opening a FIFO waits for its writer, and opening a device may act on it.
      requireRegularFile(await stat(path))
      const handle = await open(path, openFlags)
      try {
        const version = await measure(handle)
        return { path, handle, size: Number(version.size), version, length, context }
      } catch (thrown) {
        await handle.close()
        throw thrown
      }
    },
    fileError(context, path)
  )

// -- changes --
const sourceError = ({ context }: SourceFile, problem: string): CosException =>
  new CosException({ _tag: 'SourceError', context, cause: new Error(problem) })

const requireUnchanged = async (file: SourceFile): Promise<void> => {
  const now = await withFileErrors(file.context, file.path)(() => file.handle.stat({ bigint: true }))
  const changed = file.length === 'now' ? hasShrunk : hasChanged
  if (changed(file.version, now)) throw sourceError(file, `${file.path} changed while it was read`)
}

/**
 * Checks that the file is the one that was opened, and that its contents did not change since: parts of two versions
 * must not become one object.
 *
 * @errors `SourceError` if it changed
 */
export const checkUnchanged = (file: SourceFile): TE.TaskEither<CosError, void> =>
  TE.tryCatch(() => requireUnchanged(file), fromUnknown(file.context))

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

async function* readRange(
  file: SourceFile,
  first: number,
  size: number
): AsyncGenerator<Uint8Array, void, undefined> {
  if (size === 0) await requireUnchanged(file)
  const readAt = withFileErrors(file.context, file.path)
  // Not `createReadStream`: each leaves a listener on the handle for as long as that is open.
  for (let at = 0; at < size;) {
    const buffer = Buffer.allocUnsafeSlow(Math.min(ioChunkSize, size - at))
    const position = first + at
    const { bytesRead } = await readAt(() => file.handle.read(buffer, 0, buffer.length, position))
    if (bytesRead === 0) throw await shortRead(file, first, size)
    at += bytesRead
    // Before the last bytes leave: without them no request is complete, and COS stores nothing of it.
    if (at === size) await requireUnchanged(file)
    yield buffer.subarray(0, bytesRead)
  }
}

/**
 * A range of the file as a body, read again each time it is sent.
 *
 * The last chunk is held back until the file was checked for changes. So a request whose file changed while it was sent
 * fails, and no object or part that mixes two versions is ever stored.
 *
 * @units  `first` and `size` in bytes; holds one chunk of 256 KiB
 * @errors `SourceError` if the file changed, or ends before the range does; `FileError`, with code `ESIZE` if the file has
 *         fewer bytes than it reports
 */
export const createRangeBody = (file: SourceFile, first: number, size: number): Replayable => ({
  size,
  open: () => readRange(file, first, size)
})

export interface FileRange {
  /** In bytes. */
  readonly start: number
  /** In bytes; none: up to the end. */
  readonly size: O.Option<number>
}

/**
 * A file as a body that holds no file open between attempts: it is opened each time the body is sent, and must be the
 * version that it was at first, both when it is opened and before its last chunk leaves.
 *
 * @errors those of `openSource`; those of `createRangeBody` when it is read
 */
export const createFileBody = (
  context: Context,
  path: string,
  { start, size: requested }: FileRange,
  options: SourceOptions = {}
): TE.TaskEither<CosError, Replayable> =>
  pipe(
    openSource(context, path, options),
    TE.chainFirstW(({ handle }) => TE.tryCatch(() => handle.close(), fileError(context, path))),
    TE.map((measured) => {
      const size = O.getOrElse(() => Math.max(0, measured.size - start))(requested)
      return {
        size,
        async *open(): AsyncGenerator<Uint8Array, void, undefined> {
          const handle = await withFileErrors(context, path)(() => open(path, openFlags))
          try {
            const file = { ...measured, handle }
            await requireUnchanged(file)
            yield* readRange(file, start, size)
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

/** Reads a body for its checksums alone. */
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
