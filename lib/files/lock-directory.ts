/** The directory of a download's locks and temporary files: private, and removed when its last lock is released. */
import { randomBytes } from 'node:crypto'
import type { Stats } from 'node:fs'
import { lstat, mkdir, rmdir, stat } from 'node:fs/promises'
import { basename, dirname, join, sep } from 'node:path'
import { codeOf } from '../core/error.js'
import { ignoreMissing } from './atomic-file.js'
import { acquireLock, isOnlyOwner, type Lock } from './lock-file.js'
import { holdDirectory, isHeld, openChild } from './open-directory.js'

/** The end of the name of each lock directory. */
export const lockSuffix = '.cospipe-download'

export const directoryExists = (path: string): Promise<boolean> =>
  lstat(path).then(() => true, ignoreMissing(false))

/** Runs all cleanups, and ignores failures: the next process removes the rest, and the result must not change. */
export const ignoreLockErrors = async (...cleanups: ReadonlyArray<() => Promise<void>>): Promise<void> => {
  for (const cleanup of cleanups) await cleanup().catch(() => undefined)
}

const isSticky = ({ mode }: Stats): boolean => (mode & 0o1000) !== 0
const isPrivate = ({ uid, mode }: Stats): boolean => uid === process.geteuid?.() && (mode & 0o022) === 0

/** In a sticky directory such as `/tmp`, another user may have created this directory. It is used only if it is private. */
const isUsable = async (directory: string): Promise<boolean> => {
  const [found, parent] = await Promise.all([lstat(directory), stat(dirname(directory))])
  return found.isDirectory() && (!isSticky(parent) || isPrivate(found))
}

const createOrReuse = async (directory: string): Promise<boolean> => {
  try {
    await mkdir(directory, 0o700)
    return true
  } catch (thrown) {
    if (codeOf(thrown) !== 'EEXIST') throw thrown
    return isUsable(directory)
  }
}

interface LockedDirectory {
  /** For system calls. */
  readonly directory: string
  readonly lock: Lock
  /** Removes the directory if it is empty, and closes it. */
  readonly removeDirectory: () => Promise<void>
}

/** If the parent is held open, the lock directory is opened too: later its path could lead to another directory. */
const lockDirectory = async (path: string): Promise<LockedDirectory> => {
  const { access: directory, release } = isHeld(path)
    ? await openChild(dirname(path), basename(path))
    : { access: path, release: () => Promise.resolve() }
  try {
    const lock = await acquireLock(directory)
    return { directory, lock, removeDirectory: () => rmdir(path).finally(release) }
  } catch (thrown) {
    await release()
    throw thrown
  }
}

const maxAttempts = 20

/** Whether another attempt may succeed: another process removed the directory, or replaced it, between two steps. */
const mayRetry = async (code: string, directory: string): Promise<boolean> =>
  code === 'ENOTDIR' ? isHeld(directory) : code === 'ENOENT' && (await directoryExists(dirname(directory)))

const openAndLock = async (stem: string): Promise<LockedDirectory & { readonly usual: boolean }> => {
  const usual = `${stem}${lockSuffix}`
  let directory = usual
  for (let attempt = 1; ; attempt += 1) {
    try {
      if (await createOrReuse(directory))
        return { ...(await lockDirectory(directory)), usual: directory === usual }
      directory = `${stem}.${randomBytes(4).toString('hex')}${lockSuffix}`
    } catch (thrown) {
      if (attempt >= maxAttempts || !(await mayRetry(codeOf(thrown), directory))) throw thrown
    }
  }
}

export interface LockDirectory {
  /** For system calls. */
  readonly directory: string
  /** The name of our lock. If this process dies, the next process removes the files whose names start with it. */
  readonly owner: string
  /** Whether no other process has a lock here and the next run will use this directory: files of an earlier run are ours. */
  readonly exclusive: boolean
  /** Removes the lock, and the directory if it is empty. */
  readonly close: () => Promise<void>
}

/**
 * Opens the lock directory `<stem>.cospipe-download`, creating it if it is missing, locks it, and removes the files of
 * dead processes. If the path is a link or the directory of another user, it is not used, and a directory with a random
 * name is created.
 *
 * @errors rejects with the system's errors
 */
export const openLockDirectory = async (stem: string): Promise<LockDirectory> => {
  const { directory, lock, removeDirectory, usual } = await openAndLock(stem)
  const close = (): Promise<void> => ignoreLockErrors(lock.release, removeDirectory)
  try {
    const exclusive = (await isOnlyOwner(directory, lock.name)) && usual
    return { directory, owner: lock.name, exclusive, close }
  } catch (thrown) {
    await close()
    throw thrown
  }
}

/** Opens `.cospipe-download` in a directory, for the temporary files of many downloads. */
export const openTempDirectory = async (parent: string): Promise<LockDirectory> => {
  const release = holdDirectory(parent)
  try {
    const opened = await openLockDirectory(join(parent, sep))
    return { ...opened, close: () => ignoreLockErrors(opened.close, release) }
  } catch (thrown) {
    await release()
    throw thrown
  }
}

/** Whether `.cospipe-download` is in a directory; false if that cannot be read. */
export const tempDirectoryExists = (parent: string): Promise<boolean> =>
  directoryExists(join(parent, lockSuffix)).catch(() => false)
