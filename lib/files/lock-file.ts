/**
 * Locks as files in a directory: each owner creates a separate lock file, and checks for the lock files of other owners.
 *
 * The name of a lock identifies its owner process, so that on the same machine the lock of a dead process is recognized at
 * once. If the owner cannot be looked up, as on another machine, its lock is stale after a minute without a heartbeat.
 */
import { lstat, open, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { ignoreMissing, remove } from './atomic-file.js'
import { isLockName, isOwnerAlive, newLockName } from './process-identity.js'

// In milliseconds.
const heartbeatInterval = 10_000
const staleAfter = 60_000

export interface Lock {
  readonly name: string
  readonly release: () => Promise<void>
}

const lockPath = (directory: string, name: string): string => join(directory, `${name}.lock`)

/** Creates a lock of this process, with a heartbeat until release. The lock excludes no other owner: see `isOnlyOwner`. */
export const acquireLock = async (directory: string): Promise<Lock> => {
  const name = await newLockName()
  const path = lockPath(directory, name)
  const handle = await open(path, 'wx', 0o600)
  const heartbeat = setInterval(() => {
    // The file system sets the time: the clocks of two machines differ.
    handle.write('.', 0).catch(() => undefined)
  }, heartbeatInterval).unref()
  return {
    name,
    release: async () => {
      clearInterval(heartbeat)
      await handle.close()
      await remove(path)
    }
  }
}

const modifiedAt = async (path: string): Promise<number> => (await lstat(path)).mtimeMs

const isAlive = async (directory: string, ours: string, other: string): Promise<boolean> => {
  const alive = await isOwnerAlive(other)
  if (alive !== undefined) return alive
  const [now, last] = await Promise.all([
    modifiedAt(lockPath(directory, ours)),
    modifiedAt(lockPath(directory, other)).catch(ignoreMissing(0))
  ])
  return now - last < staleAfter
}

/**
 * Whether no other living process has a lock in the directory. Removes the files of dead owners.
 *
 * Call it after `acquireLock`: if two processes start at the same time, at least one of them sees the lock of the other.
 * Both may see each other, but the result is never true for both.
 */
export const isOnlyOwner = async (directory: string, ours: string): Promise<boolean> => {
  const files = (await readdir(directory)).map((entry) => ({
    entry,
    owner: entry.replace(/(?:\.\d+)?\.(?:lock|part)$/, '')
  }))
  const others = new Set(files.flatMap(({ owner }) => (isLockName(owner) && owner !== ours ? [owner] : [])))
  let isOnly = true
  for (const owner of others) {
    if (await isAlive(directory, ours, owner)) isOnly = false
    // Names are never reused: the files removed here belong to the dead owner.
    else
      for (const { entry } of files.filter((file) => file.owner === owner))
        await remove(join(directory, entry))
  }
  return isOnly
}
