/** Locks the target of a download, and returns the paths of its temporary files. */
import { createHash } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import { basename, dirname, join, resolve, sep } from 'node:path'
import type { Context } from '../core/error.js'
import * as In from '../core/input.js'
import { remove, replaceableFile, withFileErrors } from './atomic-file.js'
import { directoryExists, ignoreLockErrors, lockSuffix, openLockDirectory } from './lock-directory.js'
import { displayPath } from './open-directory.js'
import { registerHolder, waitForAborting } from './slot-holders.js'

// -- paths --
/** Whether a directory with this name would be treated as a lock directory. */
export const isLockDirectoryName = (name: string): boolean => name.toLowerCase().endsWith(lockSuffix)

/** A target in a lock directory could be mistaken for the temporary file of another download. */
const isReserved = (path: string): boolean =>
  [basename(path), basename(dirname(path))].some(isLockDirectoryName)

/** The path of a file that can be a download's target. */
export const FilePath = In.guarded(
  `the path of a file, not in a folder *${lockSuffix}`,
  (u): u is string =>
    typeof u === 'string' && u !== '' && !/\0|\/$/.test(u) && !u.endsWith(sep) && !isReserved(resolve(u))
)

// Nearly all file systems limit a name to 255 bytes. 9 are for a random number.
const longestName = 255 - lockSuffix.length - 9

/** The path of the target's lock directory, without the suffix. */
const lockPathStem = (target: string): string => {
  const name = basename(target)
  const fits = Buffer.byteLength(name) <= longestName
  return join(dirname(target), fits ? name : createHash('sha256').update(name).digest('hex').slice(0, 32))
}

// -- slots --
export interface DownloadSlot {
  /** Path of the partial file. */
  readonly part: string
  /** Path of the journal that records the complete ranges. */
  readonly journal: string
  /**
   * True if no other process downloads to this target: the partial file of an earlier run is then resumed. Otherwise the
   * partial file has a unique name and is never resumed.
   */
  readonly exclusive: boolean
  /**
   * Unlocks the target. Removes the partial file and the journal, unless `keep` is true: then the next run resumes them.
   * `isMoved`: the partial file was renamed to the target, so there is none to remove. Default: false.
   */
  readonly release: (keep: boolean, isMoved?: boolean) => Promise<void>
}

/** `signal` returns the signal of the download, if it is needed. */
export type AcquireSlot = (
  context: Context,
  target: string,
  signal: () => AbortSignal
) => Promise<DownloadSlot>

/** Lists the directory first: usually there is nothing to remove, and two failed calls cost more than one listing. */
const removeExisting = async (directory: string, paths: ReadonlyArray<string>): Promise<void> => {
  const existing = new Set((await readdir(directory)).map((name) => join(directory, name)))
  await ignoreLockErrors(...paths.filter((path) => existing.has(path)).map((path) => () => remove(path)))
}

const openSlot = async (target: string, unregister: () => void): Promise<DownloadSlot> => {
  await replaceableFile(target)
  const { directory, owner, exclusive, close } = await openLockDirectory(lockPathStem(target))
  const part = join(directory, exclusive ? 'part' : `${owner}.part`)
  const journal = join(directory, 'journal')
  return {
    part,
    journal,
    exclusive,
    release: async (keep) => {
      if (!keep) await ignoreLockErrors(() => removeExisting(directory, exclusive ? [journal, part] : [part]))
      await close()
      unregister()
    }
  }
}

/**
 * Locks `target` for a download until `release` is called.
 *
 * The lock directory is beside the target, so that a rename can move the complete file, and only its owner may enter it.
 * Locks of dead processes are ignored. If another download of this process holds the target and is being aborted, waits
 * for it to finish.
 *
 * @errors `CosException` of a `FileError` with the system's code: `EISDIR` if the target is a directory, `ENOTFILE` if it
 *         is a FIFO, a socket or a device
 */
export const acquireDownloadSlot = async (
  context: Context,
  target: string,
  signal: AbortSignal
): Promise<DownloadSlot> => {
  const path = displayPath(target)
  await waitForAborting(path)
  const unregister = registerHolder(path, signal)
  try {
    return await withFileErrors(context, target)(() => openSlot(target, unregister))
  } catch (thrown) {
    unregister()
    throw thrown
  }
}

/** Removes the stale lock directory of a process that died between the rename to the target and the release of its lock. */
export const removeStaleSlot = (context: Context, target: string, signal: AbortSignal): Promise<void> =>
  ignoreLockErrors(async () => {
    if (await directoryExists(`${lockPathStem(target)}${lockSuffix}`))
      await (await acquireDownloadSlot(context, target, signal)).release(false)
  })
