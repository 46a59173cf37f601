/** Writes files: typed errors, complete writes, and the atomic replacement of a target. */
import { constants, type Stats } from 'node:fs'
import { lstat, open, rename, stat, unlink, type FileHandle } from 'node:fs/promises'
import { dirname } from 'node:path'
import { CosException, codeOf, fileError, type Context } from '../core/error.js'
import { copyMode } from './file-mode.js'
import { isSameFile } from './file-version.js'
import { displayPath } from './open-directory.js'
import { lstatPath } from './system-calls.js'
import { systemError } from './system-error.js'

/** Runs `use` and converts errors to a `FileError` of `path`. A `CosException` passes unchanged. */
export const withFileErrors =
  (context: Context, path: string) =>
  async <A>(use: () => Promise<A>): Promise<A> => {
    // Before `use`, which may close the directory of the path.
    const shownPath = displayPath(path)
    try {
      return await use()
    } catch (thrown) {
      throw thrown instanceof CosException ? thrown : new CosException(fileError(context, shownPath)(thrown))
    }
  }

/** A handler of rejections: `ENOENT` becomes `otherwise`; all other errors are thrown again. */
export const ignoreMissing =
  <A>(otherwise: A) =>
  (thrown: unknown): A => {
    if (codeOf(thrown) === 'ENOENT') return otherwise
    throw thrown
  }

// -- creating and opening --
/** Deletes a file if it exists. If the path is a link, deletes only the link. A directory is an error. */
export const remove = async (path: string): Promise<void> => {
  await unlink(path).catch(ignoreMissing(undefined))
}

// Windows has neither flag. On Windows, only a user who may write the file can create a link.
export const noFollow =
  ('O_NOFOLLOW' in constants ? constants.O_NOFOLLOW : 0) |
  ('O_NONBLOCK' in constants ? constants.O_NONBLOCK : 0)

/** Creates a file that must not exist: no other process has it open, and the path is not a link. */
export const createFile = (path: string, flags: number, mode: number): Promise<FileHandle> =>
  open(path, flags | constants.O_CREAT | constants.O_EXCL | noFollow, mode)

/**
 * Runs `create`, which must fail with `EEXIST` if there is a file at the path. Such a file is deleted, not overwritten: a
 * process that has it open cannot write to ours.
 */
export const replaceExisting = async <A>(path: string, create: () => Promise<A>): Promise<A> => {
  try {
    return await create()
  } catch (thrown) {
    if (codeOf(thrown) !== 'EEXIST') throw thrown
    await remove(path)
    return create()
  }
}

/** Creates a file in place of one that may exist. */
export const replaceFile = (path: string, flags: number, mode: number): Promise<FileHandle> =>
  replaceExisting(path, () => createFile(path, flags, mode))

/**
 * Opens a file that an earlier run created. Links are not followed, and a file with a second hard link is refused: an
 * attacker may have linked a file that the download would overwrite. A FIFO does not block the open.
 */
export const reopenFile = async (path: string, flags: number): Promise<FileHandle> => {
  const handle = await open(path, flags | noFollow)
  const stats = await handle.stat()
  if (stats.isFile() && stats.nlink === 1) return handle
  await handle.close()
  throw systemError('EEXIST', 'not a regular file with one name')
}

// -- writing --
/** Returns the chunks without their first `bytes` bytes. */
const dropBytes = (chunks: ReadonlyArray<Uint8Array>, bytes: number): ReadonlyArray<Uint8Array> => {
  let dropped = bytes
  return chunks.flatMap((chunk) => {
    const rest = chunk.subarray(Math.min(dropped, chunk.length))
    dropped -= chunk.length - rest.length
    return rest.length === 0 ? [] : [rest]
  })
}

/** Writes all bytes. The system may accept fewer in one call. */
export const writeAll = async (
  handle: FileHandle,
  chunks: ReadonlyArray<Uint8Array>,
  position: number
): Promise<void> => {
  let at = position
  for (let rest = dropBytes(chunks, 0); rest.length > 0;) {
    const { bytesWritten } = await handle.writev(rest, at)
    at += bytesWritten
    rest = dropBytes(rest, bytesWritten)
  }
}

// Windows cannot open a directory, and some file systems cannot sync one.
const unsyncable: ReadonlySet<string> = new Set(['EISDIR', 'EPERM', 'EACCES', 'EINVAL', 'ENOTSUP', 'EBADF'])

export const syncDirectory = async (path: string): Promise<void> => {
  try {
    const handle = await open(path, 'r')
    try {
      await handle.sync()
    } finally {
      await handle.close()
    }
  } catch (thrown) {
    if (!unsyncable.has(codeOf(thrown))) throw thrown
  }
}

// -- replacement --
/**
 * Returns the file that a download would replace. Undefined if the target does not exist, or is a symbolic link that does
 * not lead to a pipe, socket or device.
 *
 * A pipe, socket or device must not be replaced by a file: its readers would wait forever, and a root process would
 * remove `/dev/null`. It is not written to either: bytes must be verified before anyone can read them, which a pipe
 * cannot do.
 *
 * @errors rejects with `EISDIR` for a directory, and with `ENOTFILE` for a pipe, socket or device, or a link to one
 */
export const replaceableFile = async (target: string): Promise<Stats | undefined> => {
  const found = await lstatPath(target).catch(ignoreMissing(undefined))
  if (found?.isDirectory() === true) throw systemError('EISDIR', 'the target is a directory')
  // A link is replaced regardless of its target, except a special file: `/dev/stdout` is a link, and removing it breaks
  // other programs.
  const file = found?.isSymbolicLink() === true ? await stat(target).catch(() => undefined) : found
  if (file !== undefined && !file.isFile() && !file.isDirectory())
    throw systemError('ENOTFILE', 'the target is a pipe, a socket or a device; write to it by downloadStream')
  return found?.isSymbolicLink() === true ? undefined : found
}

export interface AtomicReplacement {
  /** Path of the open file. It must be on the file system of the target. */
  readonly from: string
  readonly target: string
  /** Whether to wait for the disk. */
  readonly durable: boolean
  /** If the signal aborts before the rename, the target is not changed. */
  readonly signal: AbortSignal
}

/**
 * Replaces a file atomically by another. A reader sees the complete old file or the complete new file; with `durable`,
 * also after a power failure. A symbolic link at `target` is replaced, not followed. Mode and owner of the old file are kept.
 *
 * @errors rejects with those of `replaceableFile` and of the system
 */
export const replaceAtomically = async (
  handle: FileHandle,
  { from, target, durable, signal }: AtomicReplacement
): Promise<void> => {
  // Together: each call takes a turn of the thread pool.
  const [ours, current] = await Promise.all([
    handle.stat({ bigint: true }),
    lstat(from, { bigint: true }),
    replaceableFile(target).then((old) => copyMode(handle, old))
  ])
  if (durable) await handle.sync()
  // `rename` takes a path, but the verified bytes belong to the handle.
  if (!isSameFile(ours, current)) throw systemError('ESTALE', `${from} was replaced by another file`)
  // Before the rename: some file systems report a failed write only here, and Windows does not rename an open file.
  await handle.close()
  signal.throwIfAborted()
  await rename(from, target)
  if (durable) await syncDirectory(dirname(target))
}
