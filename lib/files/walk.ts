/** The files below a folder, one by one. */
import type { Dirent } from 'node:fs'
import { readdir, realpath, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { CosException, fileError, type Context, type CosError } from '../core/error.js'

/** Paths are relative to the folder, with `/` between segments on every system; a folder's ends in one. */
export type WalkEntry =
  | { readonly _tag: 'File'; readonly path: string }
  /** A folder with nothing in it. */
  | { readonly _tag: 'EmptyFolder'; readonly path: string }
  /** A folder that can not be read, or that is gone by now. */
  | { readonly _tag: 'Unreadable'; readonly path: string; readonly error: CosError }
  | { readonly _tag: 'PassedOver'; readonly path: string; readonly reason: SkippedEntry }

export type SkippedEntry =
  /** A symbolic link, where links are not followed. */
  | 'Link'
  /** A link to nothing, or the way by a link to a folder that it is in. */
  | 'DeadLink'
  /** A pipe, a socket, a device. */
  | 'NoFile'
  /** Its name is not UTF-8, as keys are; `path` shows what could be read of it. */
  | 'NotUtf8'
  /** What a download of ours that has not ended keeps there. */
  | 'Draft'

export interface WalkOptions {
  readonly context: Context
  readonly root: string
  readonly symlinks: 'skip' | 'follow'
  /** Whether to look into a folder at all. */
  readonly enters: (path: string) => boolean
  /** Whether a folder of that name is a download's. */
  readonly isDraft: (name: string) => boolean
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

const nameOf = (bytes: Uint8Array): string | undefined => {
  try {
    return utf8.decode(bytes)
  } catch {
    return undefined
  }
}

type Kind = 'File' | 'Folder' | SkippedEntry

const kindOf = (entry: Pick<Dirent, 'isFile' | 'isDirectory'>): Kind =>
  entry.isFile() ? 'File' : entry.isDirectory() ? 'Folder' : 'NoFile'

/** What an entry is, where links are followed; a folder that we are in already would be walked for ever. */
const behind = async (path: string, within: ReadonlyArray<string>): Promise<Kind> => {
  try {
    const kind = kindOf(await stat(path))
    return kind === 'Folder' && within.includes(await realpath(path)) ? 'DeadLink' : kind
  } catch {
    return 'DeadLink'
  }
}

/** A folder that is none of a link's is looked at as well: a link may have led above us, and it down again. */
const kindAt = async (
  entry: Dirent<Buffer>,
  path: string,
  { symlinks: links }: WalkOptions,
  within: ReadonlyArray<string>
): Promise<Kind> =>
  links === 'skip'
    ? entry.isSymbolicLink()
      ? 'Link'
      : kindOf(entry)
    : entry.isSymbolicLink() || entry.isDirectory()
      ? behind(path, within)
      : kindOf(entry)

interface Folder {
  readonly entries: ReadonlyArray<Dirent<Buffer>>
  /** The true paths of the folder and of those it is in, where links are followed. */
  readonly within: ReadonlyArray<string>
}

const read = async (
  { symlinks: links, root }: WalkOptions,
  path: string,
  within: ReadonlyArray<string>
): Promise<Folder> => {
  const here = join(root, path)
  const entries = await readdir(here, { withFileTypes: true, encoding: 'buffer' })
  return {
    entries: entries.sort((a, b) => Buffer.compare(a.name, b.name)),
    within: links === 'skip' ? [] : [...within, await realpath(here)]
  }
}

async function* inFolder(
  walking: WalkOptions,
  at: string,
  { entries, within }: Folder
): AsyncGenerator<WalkEntry, void, undefined> {
  if (entries.length === 0 && at !== '') yield { _tag: 'EmptyFolder', path: at }
  for (const entry of entries) {
    const name = nameOf(entry.name)
    const path = `${at}${name ?? entry.name.toString('utf8')}`
    if (name === undefined) {
      yield { _tag: 'PassedOver', path, reason: 'NotUtf8' }
      continue
    }
    const kind = await kindAt(entry, join(walking.root, path), walking, within)
    if (kind === 'File') yield { _tag: 'File', path }
    else if (kind !== 'Folder') yield { _tag: 'PassedOver', path, reason: kind }
    else if (walking.isDraft(name)) yield { _tag: 'PassedOver', path: `${path}/`, reason: 'Draft' }
    else if (walking.enters(path)) yield* below(walking, `${path}/`, within)
  }
}

async function* below(
  walking: WalkOptions,
  path: string,
  within: ReadonlyArray<string>
): AsyncGenerator<WalkEntry, void, undefined> {
  const folder = await read(walking, path, within).catch(fileError(walking.context, join(walking.root, path)))
  if ('_tag' in folder) yield { _tag: 'Unreadable', path, error: folder }
  else yield* inFolder(walking, path, folder)
}

/**
 * Walks a folder, depth first, each folder's entries in the order of their names.
 *
 * @shape  the root itself is no `EmptyFolder`
 * @units  holds the names of one folder on each level
 * @errors `CosException` of a `FileError` where the root can not be read
 */
export async function* walk(walking: WalkOptions): AsyncGenerator<WalkEntry, void, undefined> {
  const folder = await read(walking, '', []).catch((thrown: unknown) => {
    throw new CosException(fileError(walking.context, walking.root)(thrown))
  })
  yield* inFolder(walking, '', folder)
}
