/**
 * Directories that are opened once and used by handle, so that no path is resolved twice.
 *
 * Node has no `openat`. On Linux `/proc/self/fd/N/name` does the same: it names an entry of the directory that is open as
 * `N`, even if the path of the directory has changed since. On other systems, and if `/proc` is not mounted, directories
 * are used by path.
 */
import { constants, type BigIntStats } from 'node:fs'
import { open, realpath, stat, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { systemError } from './system-error.js'

const prefix = '/proc/self/fd/'

interface OpenDirectory {
  readonly handle: FileHandle
  /** Real path when it was opened. */
  readonly path: string
  users: number
}

/** The open directories. The key is the path of the handle, such as `/proc/self/fd/17`. */
const directories = new Map<string, OpenDirectory>()

const directoryOf = (path: string): string => /^\/proc\/self\/fd\/\d+/.exec(path)?.[0] ?? ''

/** Whether a path goes through a directory that is held open. */
export const isHeld = (path: string): boolean => directories.has(directoryOf(path))

/** A path for messages and comparisons: the path of the handle is replaced by that of the directory. */
export const displayPath = (path: string): string => {
  const held = directoryOf(path)
  const directory = directories.get(held)
  return directory === undefined ? path : `${directory.path}${path.slice(held.length)}`
}

export interface HeldDirectory {
  /** For system calls. */
  readonly access: string
  /** Closes the directory after the last of its users has released it. */
  readonly release: () => Promise<void>
}

const once = (run: () => Promise<void>): (() => Promise<void>) => {
  let done: Promise<void> | undefined
  return () => (done ??= run())
}

/**
 * Keeps the directory of a path open until the returned function is called. Does nothing for a path without a handle.
 *
 * @errors throws `EBADF` if the directory was closed: its number may now belong to another file
 */
export const holdDirectory = (path: string): (() => Promise<void>) => {
  const access = directoryOf(path)
  const directory = directories.get(access)
  if (directory === undefined) {
    if (access !== '') throw systemError('EBADF', `${path} is not open`)
    return () => Promise.resolve()
  }
  directory.users += 1
  return once(async () => {
    directory.users -= 1
    if (directory.users > 0) return
    directories.delete(access)
    await directory.handle.close()
  })
}

/** Keeps the directory of a path open until `use` has settled, even if the caller no longer waits for it. */
export const withDirectory = async <A>(path: string, use: () => Promise<A>): Promise<A> => {
  const release = isHeld(path) ? holdDirectory(path) : () => Promise.resolve()
  try {
    return await use()
  } finally {
    await release()
  }
}

const register = (handle: FileHandle, path: string): HeldDirectory => {
  const access = `${prefix}${String(handle.fd)}`
  directories.set(access, { handle, path, users: 0 })
  return { access, release: holdDirectory(access) }
}

const isSame = (one: BigIntStats, other: BigIntStats): boolean =>
  one.dev === other.dev && one.ino === other.ino

const byPath = (path: string): HeldDirectory => ({ access: path, release: () => Promise.resolve() })

/** Opens a directory by its path. Links on the path are followed. */
export const openDirectory = async (path: string): Promise<HeldDirectory> => {
  const real = await realpath(path)
  if (process.platform !== 'linux') return byPath(real)
  const handle = await open(real, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW)
  const isUsable = await Promise.all([
    handle.stat({ bigint: true }),
    stat(`${prefix}${String(handle.fd)}`, { bigint: true })
  ]).then(
    ([opened, found]) => isSame(opened, found),
    () => false
  )
  if (isUsable) return register(handle, real)
  await handle.close()
  return byPath(real)
}

/**
 * Opens a directory inside a directory that is held open. A link is not followed.
 *
 * @errors rejects with the errors of the system: `ENOENT`; `ENOTDIR` or `ELOOP` if the name is a file or a link
 */
export const openChild = async (parent: string, name: string): Promise<HeldDirectory> => {
  const path = join(parent, name)
  const handle = await open(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW)
  return register(handle, displayPath(path))
}
