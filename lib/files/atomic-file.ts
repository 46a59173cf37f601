/** What every file we write goes through: typed failures, bytes at their place, and a replacement that is whole. */
import { constants, type BigIntStats, type Stats } from 'node:fs'
import { lstat, open, rename, stat, unlink, type FileHandle } from 'node:fs/promises'
import { dirname } from 'node:path'
import { CosException, codeOf, fileError, type Context } from '../core/error.js'
import { copyMode } from './file-mode.js'
import { displayPath } from './open-directory.js'
import { systemError } from './system-error.js'

/** Does something to a file. What fails on the way is the file's failure, unless it is one of ours already. */
export const withFileErrors =
  (context: Context, path: string) =>
  async <A>(act: () => Promise<A>): Promise<A> => {
    const shown = displayPath(path)
    try {
      return await act()
    } catch (thrown) {
      throw thrown instanceof CosException ? thrown : new CosException(fileError(context, shown)(thrown))
    }
  }

/** Something that is not there is not in the way. */
export const ignoreMissing =
  <A>(otherwise: A) =>
  (thrown: unknown): A => {
    if (codeOf(thrown) === 'ENOENT') return otherwise
    throw thrown
  }

/** Never a folder, and of a link the link itself. */
export const remove = async (path: string): Promise<void> => {
  await unlink(path).catch(ignoreMissing(undefined))
}

// Windows has neither; there a link can be made only by who could write the file anyway.
const noFollow =
  ('O_NOFOLLOW' in constants ? constants.O_NOFOLLOW : 0) |
  ('O_NONBLOCK' in constants ? constants.O_NONBLOCK : 0)

/** A file that was not there before, so that nobody else has it open or has pointed its name elsewhere. */
export const createFile = (path: string, flags: number, mode: number): Promise<FileHandle> =>
  open(path, flags | constants.O_CREAT | constants.O_EXCL | noFollow, mode)

/** The same, where something may be in the way: it is taken away, for who has it open must not write to ours. */
export const replaceFile = async (path: string, flags: number, mode: number): Promise<FileHandle> => {
  try {
    return await createFile(path, flags, mode)
  } catch (thrown) {
    if (codeOf(thrown) !== 'EEXIST') throw thrown
    await remove(path)
    return createFile(path, flags, mode)
  }
}

/**
 * A file that was left there. No link is followed, and what has a second name is not taken: the other may be of a file
 * that someone would like to see overwritten. Nor does a pipe keep us waiting for its other end.
 */
export const reopenFile = async (path: string, flags: number): Promise<FileHandle> => {
  const handle = await open(path, flags | noFollow)
  const stats = await handle.stat()
  if (stats.isFile() && stats.nlink === 1) return handle
  await handle.close()
  throw systemError('EEXIST', 'something other than a file of our own')
}

/** What is left of chunks once so many bytes of them are gone. */
const without = (chunks: ReadonlyArray<Uint8Array>, bytes: number): ReadonlyArray<Uint8Array> => {
  let gone = bytes
  return chunks.flatMap((chunk) => {
    const rest = chunk.subarray(Math.min(gone, chunk.length))
    gone -= chunk.length - rest.length
    return rest.length === 0 ? [] : [rest]
  })
}

/** All of the bytes; the system may take fewer at a time. */
export const writeAll = async (
  handle: FileHandle,
  chunks: ReadonlyArray<Uint8Array>,
  position: number
): Promise<void> => {
  let at = position
  for (let rest = without(chunks, 0); rest.length > 0;) {
    const { bytesWritten } = await handle.writev(rest, at)
    at += bytesWritten
    rest = without(rest, bytesWritten)
  }
}

// Windows opens no folder, and some file systems sync none: there is nothing more to be done there.
const unsyncable: ReadonlySet<string> = new Set(['EISDIR', 'EPERM', 'EACCES', 'EINVAL', 'ENOTSUP', 'EBADF'])

const syncFolder = async (path: string): Promise<void> => {
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

const isSame = (one: BigIntStats, other: BigIntStats): boolean =>
  one.dev === other.dev && one.ino === other.ino

/**
 * The file that a download would replace; none if there is none, or a symbolic link that leads to no special file.
 *
 * A pipe, socket or device must not be replaced by a file: its readers would wait for ever, and a process of root would
 * remove `/dev/null`. Nor is it written to: bytes are verified before anyone can read them, which a pipe cannot do.
 *
 * @errors rejects with `EISDIR` for a directory, and with `ENOTFILE` for a pipe, socket or device, or a link to one
 */
export const replaceableFile = async (target: string): Promise<Stats | undefined> => {
  const found = await lstat(target).catch(ignoreMissing(undefined))
  if (found?.isDirectory() === true) throw systemError('EISDIR', 'the target is a directory')
  // A link is replaced, whatever it leads to: but `/dev/stdout` is a link, and its removal breaks other programs.
  const file = found?.isSymbolicLink() === true ? await stat(target).catch(() => undefined) : found
  if (file !== undefined && !file.isFile() && !file.isDirectory())
    throw systemError('ENOTFILE', 'the target is a pipe, a socket or a device; write to it by downloadStream')
  return found?.isSymbolicLink() === true ? undefined : found
}

export interface AtomicReplacement {
  /** Where the file is by now. */
  readonly from: string
  readonly target: string
  readonly durable: boolean
  /** What has been given up by then does not happen. */
  readonly signal: AbortSignal
}

/**
 * Replaces a file by another in one step. A reader sees the old file or the new one, complete; with `durable`, also after a
 * power failure. A symbolic link at `target` is replaced, not followed. Mode and owner of the old file are kept.
 *
 * @errors rejects with those of `replaceableFile` and of the system
 */
export const replaceAtomically = async (
  handle: FileHandle,
  { from, target, durable, signal }: AtomicReplacement
): Promise<void> => {
  await copyMode(handle, await replaceableFile(target))
  if (durable) await handle.sync()
  const [ours, there] = [await handle.stat({ bigint: true }), await lstat(from, { bigint: true })]
  // A rename goes by name, and what was verified is what we hold.
  if (!isSame(ours, there)) throw systemError('ESTALE', `${from} is another file by now`)
  // First: some file systems say only now that a write failed, and Windows moves no open file.
  await handle.close()
  signal.throwIfAborted()
  await rename(from, target)
  if (durable) await syncFolder(dirname(target))
}
