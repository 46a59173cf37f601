/** Where files may be written: a folder, and what is below it, as long as no link leads out. */
import { randomBytes } from 'node:crypto'
import { lstat, mkdir, realpath, rmdir } from 'node:fs/promises'
import { join, sep } from 'node:path'
import type { PathRules } from './safe-path.js'
import { codeOf } from '../core/error.js'

const isThere = (path: string): Promise<boolean> =>
  lstat(path).then(
    () => true,
    () => false
  )

/** Makes a folder and looks for it under another spelling. */
const foldsCase = async (folder: string): Promise<boolean> => {
  const name = `.cospipe-case-${randomBytes(6).toString('hex')}`
  const probe = join(folder, name)
  await mkdir(probe)
  try {
    return await isThere(join(folder, name.toUpperCase()))
  } finally {
    await rmdir(probe).catch(() => undefined)
  }
}

export interface RootDirectory {
  /** Its true path. */
  readonly root: string
  readonly naming: PathRules
}

/** Goes to a folder, making it where it is missing. */
export const openRootDirectory = async (
  directory: string,
  assumed: { readonly caseInsensitive?: boolean }
): Promise<RootDirectory> => {
  await mkdir(directory, { recursive: true })
  const root = await realpath(directory)
  return {
    root,
    naming: {
      windows: sep === '\\',
      foldsCase: assumed.caseInsensitive ?? (await foldsCase(root))
    }
  }
}

export type ParentCheck =
  /** The folder is there, and is where its path says. */
  | { readonly _tag: 'Clear'; readonly folder: string }
  | { readonly _tag: 'Blocked'; readonly by: 'a link' | 'a file' }

/** Whether the folder is where its path says. */
const isBelow = async (root: string, folder: string): Promise<boolean> => {
  const now = await realpath(folder)
  return now === root || now.startsWith(root.endsWith(sep) ? root : `${root}${sep}`)
}

/**
 * Makes the folders on the way to a file, and looks at each that is there: through a link the way could lead anywhere.
 * At its end it looks back, for someone may have put a link in the place of a folder meanwhile.
 *
 * @errors rejects with the system's own errors
 */
export const ensureParent = async (root: string, folders: ReadonlyArray<string>): Promise<ParentCheck> => {
  let folder = root
  for (const name of folders) {
    folder = join(folder, name)
    await mkdir(folder).catch((thrown: unknown) => {
      if (codeOf(thrown) !== 'EEXIST') throw thrown
    })
    const found = await lstat(folder)
    if (found.isSymbolicLink()) return { _tag: 'Blocked', by: 'a link' }
    if (!found.isDirectory()) return { _tag: 'Blocked', by: 'a file' }
  }
  return (await isBelow(root, folder)) ? { _tag: 'Clear', folder } : { _tag: 'Blocked', by: 'a link' }
}
