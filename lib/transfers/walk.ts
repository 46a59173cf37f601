/** The files below a folder, one by one. */
import type { Dirent } from 'node:fs'
import { readdir, realpath, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { CosFailure, fileError, type Context } from '../core/error.js'

/** Paths are relative to the folder, with `/` between segments on every system. */
export type Found =
  | { readonly _tag: 'File'; readonly path: string }
  /** A folder with nothing in it. */
  | { readonly _tag: 'EmptyFolder'; readonly path: string }
  | { readonly _tag: 'PassedOver'; readonly path: string; readonly why: PassedOver }

export type PassedOver =
  /** A symbolic link, where links are not followed. */
  | 'Link'
  /** A link to a folder that it is in, or to nothing. */
  | 'DeadLink'
  /** A pipe, a socket, a device. */
  | 'NoFile'
  /** Its name is not UTF-8, as keys are; `path` shows what could be read of it. */
  | 'NotUtf8'

export interface Walking {
  readonly context: Context
  readonly root: string
  readonly links: 'skip' | 'follow'
  /** Whether to look into a folder at all; its path ends in a slash. */
  readonly enters: (path: string) => boolean
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

const nameOf = (bytes: Uint8Array): string | undefined => {
  try {
    return utf8.decode(bytes)
  } catch {
    return undefined
  }
}

type Kind = 'File' | 'Folder' | PassedOver

const kindOf = (entry: Pick<Dirent, 'isFile' | 'isDirectory'>): Kind =>
  entry.isFile() ? 'File' : entry.isDirectory() ? 'Folder' : 'NoFile'

/** What a link leads to; a folder that we are in already would be walked for ever. */
const behind = async (path: string, within: ReadonlyArray<string>): Promise<Kind> => {
  try {
    const kind = kindOf(await stat(path))
    return kind === 'Folder' && within.includes(await realpath(path)) ? 'DeadLink' : kind
  } catch {
    return 'DeadLink'
  }
}

async function* inFolder(
  walking: Walking,
  at: string,
  within: ReadonlyArray<string>
): AsyncGenerator<Found, void, undefined> {
  const here = join(walking.root, at)
  const entries = await readdir(here, { withFileTypes: true, encoding: 'buffer' }).catch(
    (thrown: unknown) => {
      throw new CosFailure(fileError(walking.context, here)(thrown))
    }
  )
  if (entries.length === 0 && at !== '') yield { _tag: 'EmptyFolder', path: at }
  const named = entries
    .map((entry) => ({ entry, name: nameOf(entry.name), shown: Buffer.from(entry.name).toString('utf8') }))
    .sort((a, b) => (a.shown < b.shown ? -1 : 1))
  for (const { entry, name, shown } of named) {
    const path = `${at}${shown}`
    if (name === undefined) yield { _tag: 'PassedOver', path, why: 'NotUtf8' }
    else if (entry.isSymbolicLink() && walking.links === 'skip')
      yield { _tag: 'PassedOver', path, why: 'Link' }
    else {
      const full = join(here, name)
      const kind = entry.isSymbolicLink() ? await behind(full, within) : kindOf(entry)
      if (kind === 'File') yield { _tag: 'File', path }
      else if (kind !== 'Folder') yield { _tag: 'PassedOver', path, why: kind }
      else if (walking.enters(`${path}/`)) {
        yield* inFolder(
          walking,
          `${path}/`,
          walking.links === 'skip' ? within : [...within, await realpath(full)]
        )
      }
    }
  }
}

/**
 * Walks a folder, depth first, each folder's entries in the order of their names.
 *
 * @shape  `EmptyFolder` paths end in a slash; the root itself is none
 * @units  holds the names of one folder on each level
 * @errors `CosFailure` of a `FileError` where a folder can not be read
 */
export async function* walk(walking: Walking): AsyncGenerator<Found, void, undefined> {
  const root = await realpath(walking.root).catch((thrown: unknown) => {
    throw new CosFailure(fileError(walking.context, walking.root)(thrown))
  })
  yield* inFolder({ ...walking, root }, '', [root])
}
