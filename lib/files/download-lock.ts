/**
 * The folder beside a file in which the file is made: its bytes until they are whole, what is known of them, and a claim
 * of everyone who is at work there.
 */
import { createHash, randomBytes } from 'node:crypto'
import type { Stats } from 'node:fs'
import { lstat, mkdir, open, readdir, rmdir, stat } from 'node:fs/promises'
import { basename, dirname, join, resolve, sep } from 'node:path'
import { codeOf, type Context } from '../core/error.js'
import * as In from '../core/input.js'
import { ignoreMissing, replaceableFile, remove, withFileErrors } from './atomic-file.js'
import { displayPath, holdDirectory, isHeld, openChild } from './open-directory.js'
import { isOwnerAlive, isLockName, newLockName } from './process-identity.js'

const suffix = '.cospipe-download'

/** Whether a folder of that name would be taken for a workplace. */
export const isReservedName = (name: string): boolean => name.toLowerCase().endsWith(suffix)

/** What is downloaded into a workplace could end up as another download's bytes. */
const isReserved = (path: string): boolean => [basename(path), basename(dirname(path))].some(isReservedName)

/** A path that a file can be made at. */
export const FilePath = In.guarded(
  `the path of a file, not in a folder *${suffix}`,
  (u): u is string =>
    typeof u === 'string' && u !== '' && !/\0|\/$/.test(u) && !u.endsWith(sep) && !isReserved(resolve(u))
)

// Names are of 255 bytes at most nearly everywhere.
const longest = 255 - suffix.length - 9

/** A workplace's folder, but for its suffix. */
const stemOf = (target: string): string => {
  const name = basename(target)
  const fits = Buffer.byteLength(name) <= longest
  return join(dirname(target), fits ? name : createHash('sha256').update(name).digest('hex').slice(0, 32))
}

export interface DownloadSlot {
  /** Where the bytes go until they are whole. */
  readonly part: string
  /** What is known of them. */
  readonly journal: string
  /**
   * Nobody else makes this file: what an earlier run left here is ours. Where somebody does, our bytes have a place of
   * their own, and nothing in it is found again.
   */
  readonly alone: boolean
  /** Goes, and takes along what is not to be kept. */
  readonly leave: (keep: boolean) => Promise<void>
}

// -- claims --
// Of those whose owners are out of sight, milliseconds: a claim is written to this often, and given up after that.
const heartbeatInterval = 10_000
const staleAfter = 60_000

interface Lock {
  readonly name: string
  readonly release: () => Promise<void>
}

const acquireLock = async (folder: string): Promise<Lock> => {
  const name = await newLockName()
  const path = join(folder, `${name}.claim`)
  const handle = await open(path, 'wx', 0o600)
  const pulse = setInterval(() => {
    // The time is the file system's own: clocks of two machines differ.
    handle.write('.', 0).catch(() => undefined)
  }, heartbeatInterval).unref()
  return {
    name,
    release: async () => {
      clearInterval(pulse)
      await handle.close()
      await remove(path)
    }
  }
}

const timeOf = async (path: string): Promise<number> => (await lstat(path)).mtimeMs

const isPresent = async (folder: string, ours: string, theirs: string): Promise<boolean> => {
  const alive = await isOwnerAlive(theirs)
  if (alive !== undefined) return alive
  const [now, last] = await Promise.all([
    timeOf(join(folder, `${ours}.claim`)),
    timeOf(join(folder, `${theirs}.claim`)).catch(ignoreMissing(0))
  ])
  return now - last < staleAfter
}

/**
 * Looks who else is here, and clears away after those who died. Each has made its claim before it looks, so of two who
 * come at once at least one sees the other, and never do both believe to be alone.
 */
const isAlone = async (folder: string, ours: string): Promise<boolean> => {
  const names = (await readdir(folder)).map((entry) => ({
    entry,
    owner: entry.replace(/(?:\.\d+)?\.(?:claim|part)$/, '')
  }))
  const others = new Set(names.flatMap(({ owner }) => (isLockName(owner) && owner !== ours ? [owner] : [])))
  let alone = true
  for (const owner of others) {
    if (await isPresent(folder, ours, owner)) alone = false
    // Names are never used twice, so that what is removed here cannot be anyone else's.
    else
      for (const { entry } of names.filter((each) => each.owner === owner)) await remove(join(folder, entry))
  }
  return alone
}

// -- who is about to leave --
interface Holder {
  readonly signal: AbortSignal
  readonly over: Promise<void>
}

/** Of this process, by target. */
const holders = new Map<string, ReadonlySet<Holder>>()

/** Whoever was told to stop is gone soon, and what it leaves behind is worth the wait. */
const waitForAborting = async (target: string): Promise<void> => {
  const leaving = [...(holders.get(target) ?? [])].filter(({ signal }) => signal.aborted)
  await Promise.all(leaving.map(({ over }) => over))
}

const registerHolder = (target: string, signal: AbortSignal): (() => void) => {
  let end = (): void => undefined
  const over = new Promise<void>((resolve) => {
    end = resolve
  })
  const visit: Holder = { signal, over }
  holders.set(target, new Set([...(holders.get(target) ?? []), visit]))
  return () => {
    const others = [...(holders.get(target) ?? [])].filter((each) => each !== visit)
    if (others.length === 0) holders.delete(target)
    else holders.set(target, new Set(others))
    end()
  }
}

// -- the folder --
const isSticky = ({ mode }: Stats): boolean => (mode & 0o1000) !== 0
const isPrivate = ({ uid, mode }: Stats): boolean => uid === process.geteuid?.() && (mode & 0o022) === 0

/** Where anyone may make files and only their owners may move them, a folder of another's may be where ours would be. */
const isUsable = async (folder: string): Promise<boolean> => {
  const [found, around] = await Promise.all([lstat(folder), stat(dirname(folder))])
  return found.isDirectory() && (!isSticky(around) || isPrivate(found))
}

const createLockDirectory = async (folder: string): Promise<boolean> => {
  try {
    await mkdir(folder, 0o700)
    return true
  } catch (thrown) {
    if (codeOf(thrown) !== 'EEXIST') throw thrown
    return isUsable(folder)
  }
}

interface SlotState {
  /** For what is in it. */
  readonly folder: string
  /** Removes the folder if it is empty, and closes it. */
  readonly removeFolder: () => Promise<void>
  readonly claim: Lock
  /** The next who comes will look there. */
  readonly usual: boolean
}

/** Below a directory that is held open, the folder is opened too: its path could lead elsewhere by the next step. */
const lockFolder = async (path: string): Promise<Omit<SlotState, 'usual'>> => {
  const { access: folder, release } = isHeld(path)
    ? await openChild(dirname(path), basename(path))
    : { access: path, release: () => Promise.resolve() }
  try {
    const claim = await acquireLock(folder)
    return {
      folder,
      claim,
      removeFolder: () => rmdir(path).finally(release)
    }
  } catch (thrown) {
    await release()
    throw thrown
  }
}

/** Others who are done take the folder away, perhaps between two steps of ours. */
const openSlot = async (stem: string): Promise<SlotState> => {
  const usual = `${stem}${suffix}`
  let folder = usual
  for (let attempt = 1; ; attempt += 1) {
    try {
      if (await createLockDirectory(folder)) return { ...(await lockFolder(folder)), usual: folder === usual }
      folder = `${stem}.${randomBytes(4).toString('hex')}${suffix}`
    } catch (thrown) {
      // Something that is not a folder took its place: it is checked again, and another name chosen.
      const isReplaced = codeOf(thrown) === 'ENOTDIR' && isHeld(folder)
      if (isReplaced && attempt < 20) continue
      if (codeOf(thrown) !== 'ENOENT' || attempt >= 20 || !(await directoryExists(dirname(folder))))
        throw thrown
    }
  }
}

const directoryExists = (path: string): Promise<boolean> => lstat(path).then(() => true, ignoreMissing(false))

/** Looked at first: as a rule nothing is left, and to be told so twice costs more. */
const clear = async (folder: string, paths: ReadonlyArray<string>): Promise<void> => {
  const there = new Set((await readdir(folder)).map((name) => join(folder, name)))
  await ignoreLockErrors(...paths.filter((path) => there.has(path)).map((path) => () => remove(path)))
}

/** What could not be cleared away is left to the next who comes: it must not spoil what was done. */
export const ignoreLockErrors = async (...acts: ReadonlyArray<() => Promise<void>>): Promise<void> => {
  for (const act of acts) await act().catch(() => undefined)
}

/** A folder that is ours, and others' who know each other by their claims. */
export interface TempDirectory {
  readonly folder: string
  /** What the names of our files in it begin with, so that they are cleared away should we die. */
  readonly owner: string
  readonly leave: () => Promise<void>
}

/** Whether somebody is there, or was; not where that can not be known. */
export const tempDirectoryExists = (within: string): Promise<boolean> =>
  directoryExists(join(within, suffix)).catch(() => false)

/** Moves into a folder within another, `.cospipe-download`, and clears away after those who died there. */
export const openTempDirectory = async (within: string): Promise<TempDirectory> => {
  const release = holdDirectory(within)
  const { folder, claim, removeFolder } = await openSlot(join(within, sep)).catch(async (thrown: unknown) => {
    await release()
    throw thrown
  })
  const leave = (): Promise<void> => ignoreLockErrors(claim.release, removeFolder, release)
  try {
    await isAlone(folder, claim.name)
  } catch (thrown) {
    await leave()
    throw thrown
  }
  return { folder, owner: claim.name, leave }
}

/** How a file is gone to work on. */
export type AcquireSlot = (context: Context, target: string, signal: AbortSignal) => Promise<DownloadSlot>

/**
 * Goes to work on a file, until `leave` is called.
 *
 * The folder is beside it, so that a rename can put the file in place, and it is the owner's alone. A claim of a process
 * that was killed keeps nobody out, and one of this process whose signal has fired is waited for. What is no folder of
 * ours, such as a link, is left as it is, and a folder of another name made.
 *
 * @errors `CosException` of a `FileError`, with the system's code: `EISDIR` where the target is a folder
 */
export const acquireDownloadSlot: AcquireSlot = async (context, target, signal) => {
  const path = displayPath(target)
  await waitForAborting(path)
  const end = registerHolder(path, signal)
  try {
    return await withFileErrors(context, target)(() => createTempDirectory(target, end))
  } catch (thrown) {
    end()
    throw thrown
  }
}

/** Clears away after who died between putting a file in its place and leaving: nobody else has work to do there. */
export const clearAfter = (context: Context, target: string, signal: AbortSignal): Promise<void> =>
  ignoreLockErrors(async () => {
    if (await directoryExists(`${stemOf(target)}${suffix}`))
      await (await acquireDownloadSlot(context, target, signal)).leave(false)
  })

const createTempDirectory = async (target: string, end: () => void): Promise<DownloadSlot> => {
  await replaceableFile(target)
  const { folder, claim, removeFolder, usual } = await openSlot(stemOf(target))
  const close = (): Promise<void> => ignoreLockErrors(claim.release, removeFolder)
  try {
    const alone = (await isAlone(folder, claim.name)) && usual
    const part = join(folder, alone ? 'part' : `${claim.name}.part`)
    const journal = join(folder, 'journal')
    return {
      part,
      journal,
      alone,
      leave: async (keep) => {
        if (!keep) await ignoreLockErrors(() => clear(folder, alone ? [journal, part] : [part]))
        await close()
        end()
      }
    }
  } catch (thrown) {
    await close()
    throw thrown
  }
}
