/** Lists the files below a folder, in batches. */
import type { Dirent } from 'node:fs'
import { readdir, realpath, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { CosException, fileError, type Context, type CosError } from '../core/error.js'

/** Paths are relative to the root, with `/` between segments on every system. The path of a folder ends in `/`. */
export type WalkEntry =
  | { readonly _tag: 'File'; readonly path: string }
  /** A folder without entries. */
  | { readonly _tag: 'EmptyFolder'; readonly path: string }
  /** A folder that cannot be read, or that was removed during the walk. */
  | { readonly _tag: 'Unreadable'; readonly path: string; readonly error: CosError }
  | { readonly _tag: 'Ignored'; readonly path: string; readonly reason: IgnoredReason }

/** Why an entry is not uploaded. */
export type IgnoredReason =
  /** A symbolic link, if links are not followed. */
  | 'Link'
  /** A link without a target, or a link that leads back to a folder that contains it. */
  | 'BrokenLink'
  /** A FIFO, a socket or a device. */
  | 'SpecialFile'
  /** The name is not UTF-8, but keys must be. In `path`, U+FFFD replaces the invalid bytes. */
  | 'NotUtf8'
  /** The temporary files of an incomplete download by this library. */
  | 'PartialDownload'

export interface WalkOptions {
  readonly context: Context
  readonly root: string
  readonly symlinks: 'skip' | 'follow'
  /** Whether to read a folder. */
  readonly shouldRead: (path: string) => boolean
  /** Whether a folder with this name holds the temporary files of a download. */
  readonly isLockDirectory: (name: string) => boolean
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

const nameOf = (bytes: Uint8Array): string | undefined => {
  try {
    return utf8.decode(bytes)
  } catch {
    return undefined
  }
}

type Kind = 'File' | 'Folder' | IgnoredReason

const kindOf = (entry: Pick<Dirent, 'isFile' | 'isDirectory'>): Kind =>
  entry.isFile() ? 'File' : entry.isDirectory() ? 'Folder' : 'SpecialFile'

/** The kind of an entry, with links followed. `BrokenLink` for a folder that contains the entry: the walk would not end. */
const kindOfTarget = async (path: string, ancestors: ReadonlyArray<string>): Promise<Kind> => {
  try {
    const kind = kindOf(await stat(path))
    return kind === 'Folder' && ancestors.includes(await realpath(path)) ? 'BrokenLink' : kind
  } catch {
    return 'BrokenLink'
  }
}

/** Folders that are not links are checked too: a link may lead above the root, and folders there contain the root. */
const kindAt = (
  entry: Dirent<Buffer>,
  path: string,
  { symlinks, root }: WalkOptions,
  ancestors: ReadonlyArray<string>
): Kind | Promise<Kind> =>
  symlinks === 'skip'
    ? entry.isSymbolicLink()
      ? 'Link'
      : kindOf(entry)
    : entry.isSymbolicLink() || entry.isDirectory()
      ? kindOfTarget(join(root, path), ancestors)
      : kindOf(entry)

/** Entries. If links are followed, each of a batch needs a `stat` before the first is yielded. */
const batchSize = 128

interface Folder {
  readonly entries: ReadonlyArray<Dirent<Buffer>>
  /** The real paths of the folder and of the folders that contain it; empty if links are not followed. */
  readonly ancestors: ReadonlyArray<string>
}

const readFolder = async (
  { symlinks, root }: WalkOptions,
  path: string,
  ancestors: ReadonlyArray<string>
): Promise<Folder> => {
  const folder = join(root, path)
  const entries = await readdir(folder, { withFileTypes: true, encoding: 'buffer' })
  return {
    entries: entries.sort((a, b) => Buffer.compare(a.name, b.name)),
    ancestors: symlinks === 'skip' ? [] : [...ancestors, await realpath(folder)]
  }
}

async function* walkEntries(
  options: WalkOptions,
  folderPath: string,
  { entries, ancestors }: Folder
): AsyncGenerator<ReadonlyArray<WalkEntry>, void, undefined> {
  if (entries.length === 0 && folderPath !== '') yield [{ _tag: 'EmptyFolder', path: folderPath }]
  let batch: Array<WalkEntry> = []
  for (const entry of entries) {
    const name = nameOf(entry.name)
    const path = `${folderPath}${name ?? entry.name.toString('utf8')}`
    if (name === undefined) {
      batch.push({ _tag: 'Ignored', path, reason: 'NotUtf8' })
      continue
    }
    const known = kindAt(entry, path, options, ancestors)
    const kind = typeof known === 'string' ? known : await known
    if (kind === 'File') batch.push({ _tag: 'File', path })
    else if (kind !== 'Folder') batch.push({ _tag: 'Ignored', path, reason: kind })
    else if (options.isLockDirectory(name))
      batch.push({ _tag: 'Ignored', path: `${path}/`, reason: 'PartialDownload' })
    else if (options.shouldRead(path)) {
      if (batch.length > 0) yield batch
      batch = []
      yield* walkFolder(options, `${path}/`, ancestors)
    }
    if (batch.length === batchSize) {
      yield batch
      batch = []
    }
  }
  if (batch.length > 0) yield batch
}

async function* walkFolder(
  options: WalkOptions,
  path: string,
  ancestors: ReadonlyArray<string>
): AsyncGenerator<ReadonlyArray<WalkEntry>, void, undefined> {
  const folder = await readFolder(options, path, ancestors).catch(
    fileError(options.context, join(options.root, path))
  )
  if ('_tag' in folder) yield [{ _tag: 'Unreadable', path, error: folder }]
  else yield* walkEntries(options, path, folder)
}

/**
 * Walks a folder depth first. The entries of each folder are sorted by the bytes of their names.
 *
 * @shape  batches of up to 128 entries: an entry alone would cost a generator's step in each stage around it. An empty root
 *         yields no `EmptyFolder`
 * @units  holds the entry names of one folder per level in memory
 * @errors `CosException` of a `FileError` if the root cannot be read
 */
export async function* walk(options: WalkOptions): AsyncGenerator<ReadonlyArray<WalkEntry>, void, undefined> {
  const folder = await readFolder(options, '', []).catch((thrown: unknown) => {
    throw new CosException(fileError(options.context, options.root)(thrown))
  })
  yield* walkEntries(options, '', folder)
}
