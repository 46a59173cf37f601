/** The root directory of a download, and the folders below it. Links that lead out of the root are refused. */
import { randomBytes } from 'node:crypto'
import { lstat, mkdir, realpath, rmdir } from 'node:fs/promises'
import { join, sep } from 'node:path'
import { codeOf } from '../core/error.js'
import { holdDirectory, isHeld, openChild, openDirectory } from './open-directory.js'
import type { PathRules } from './safe-path.js'

const exists = (path: string): Promise<boolean> =>
  lstat(path).then(
    () => true,
    () => false
  )

/** Whether the file system ignores case: creates a folder and looks up its name in upper case. */
const foldsCase = async (root: string): Promise<boolean> => {
  const name = `.cospipe-case-${randomBytes(6).toString('hex')}`
  const probe = join(root, name)
  await mkdir(probe)
  try {
    return await exists(join(root, name.toUpperCase()))
  } finally {
    await rmdir(probe).catch(() => undefined)
  }
}

export interface RootDirectory {
  /** For system calls: the real path of the directory, or on Linux the path of its handle. */
  readonly root: string
  readonly naming: PathRules
  /** Closes the directory when its last user has released it. */
  readonly release: () => Promise<void>
}

/** Opens a directory; creates it if it is missing. */
export const openRootDirectory = async (
  directory: string,
  assumed: { readonly caseInsensitive?: boolean }
): Promise<RootDirectory> => {
  await mkdir(directory, { recursive: true })
  const { access: root, release } = await openDirectory(directory)
  try {
    const naming = {
      windows: sep === '\\',
      foldsCase: assumed.caseInsensitive ?? (await foldsCase(root))
    }
    return { root, naming, release }
  } catch (thrown) {
    await release()
    throw thrown
  }
}

export type ParentCheck =
  /** The folder exists and is below the root. */
  | { readonly _tag: 'Clear'; readonly folder: string; readonly release: () => Promise<void> }
  | { readonly _tag: 'Blocked'; readonly by: 'a link' | 'a file' }

type Blocked = Extract<ParentCheck, { readonly _tag: 'Blocked' }>

const createFolder = (path: string): Promise<void> =>
  mkdir(path).catch((thrown: unknown) => {
    if (codeOf(thrown) !== 'EEXIST') throw thrown
  })

const blockerAt = async (path: string): Promise<Blocked | undefined> => {
  const found = await lstat(path)
  if (found.isSymbolicLink()) return { _tag: 'Blocked', by: 'a link' }
  return found.isDirectory() ? undefined : { _tag: 'Blocked', by: 'a file' }
}

// -- by handle --
// For a link, Linux fails O_DIRECTORY with O_NOFOLLOW with ENOTDIR; its manual documents ELOOP.
const blocking: ReadonlySet<string> = new Set(['ENOTDIR', 'ELOOP'])

const openFolder = async (parent: string, name: string): Promise<ParentCheck> => {
  for (let attempt = 1; ; attempt += 1) {
    try {
      const { access, release } = await openChild(parent, name)
      return { _tag: 'Clear', folder: access, release }
    } catch (thrown) {
      if (blocking.has(codeOf(thrown))) {
        const blocker = await blockerAt(join(parent, name)).catch(() => undefined)
        // The link or file blocked the open, but may have been removed since.
        return blocker ?? { _tag: 'Blocked', by: 'a link' }
      }
      if (codeOf(thrown) !== 'ENOENT' || attempt >= 3) throw thrown
      await createFolder(join(parent, name))
    }
  }
}

const openEach = async (root: string, folders: ReadonlyArray<string>): Promise<ParentCheck> => {
  let parent: ParentCheck = { _tag: 'Clear', folder: root, release: holdDirectory(root) }
  for (const name of folders) {
    const { folder, release }: Extract<ParentCheck, { readonly _tag: 'Clear' }> = parent
    try {
      parent = await openFolder(folder, name)
    } finally {
      await release()
    }
    if (parent._tag === 'Blocked') return parent
  }
  return parent
}

// -- by path --
/** Whether the real path of the folder is below the root. */
const isBelow = async (root: string, folder: string): Promise<boolean> => {
  const actual = await realpath(folder)
  return actual === root || actual.startsWith(root.endsWith(sep) ? root : `${root}${sep}`)
}

const checkEach = async (root: string, folders: ReadonlyArray<string>): Promise<ParentCheck> => {
  // Throws if the root was held open and has been closed.
  holdDirectory(root)
  let folder = root
  for (const name of folders) {
    folder = join(folder, name)
    await createFolder(folder)
    const blocker = await blockerAt(folder)
    if (blocker !== undefined) return blocker
  }
  return (await isBelow(root, folder))
    ? { _tag: 'Clear', folder, release: () => Promise.resolve() }
    : { _tag: 'Blocked', by: 'a link' }
}

/**
 * Creates the folders on the path to a file. Refuses a link on the path, because the link could lead anywhere.
 *
 * If the root is held open, each folder is opened relative to its parent, and the last folder stays open until `release`
 * is called: a local program that replaces a folder by a link cannot redirect a file. Otherwise each folder is checked by
 * path, and the real path of the last folder is checked again: a program that replaces a folder between check and use can
 * redirect a file.
 *
 * @errors rejects with the errors of the system
 */
export const ensureParent = (root: string, folders: ReadonlyArray<string>): Promise<ParentCheck> =>
  isHeld(root) ? openEach(root, folders) : checkEach(root, folders)
