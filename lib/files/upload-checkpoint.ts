/** Small files with the ids of incomplete uploads of this machine, so that the next run resumes only its own uploads. */
import { createHash, randomBytes } from 'node:crypto'
import { mkdir, open, readdir, readFile, rename, stat, unlink } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { isLockName, isOwnerAlive, newLockName } from './process-identity.js'

/** The checkpoint of one incomplete upload. This run owns it until it is released or removed. */
export interface UploadCheckpoint {
  readonly uploadId: string
  /** Keeps the checkpoint for the next run. */
  readonly release: () => Promise<void>
  readonly remove: () => Promise<void>
}

export interface UploadCheckpoints {
  /** Takes over the newest checkpoint whose owner has released it or is dead; `undefined` if there is none. */
  readonly claim: () => Promise<UploadCheckpoint | undefined>
  /** Writes a checkpoint, and waits until it is on the disk. */
  readonly create: (uploadId: string) => Promise<UploadCheckpoint>
}

/**
 * The default directory: `cospipe/uploads` in the user's state directory, which is `$XDG_STATE_HOME`, `%LOCALAPPDATA%`
 * or `~/.local/state`. Not beside the source: its directory may be read-only, and may itself be uploaded.
 */
export const defaultCheckpointDirectory = (
  env: Readonly<Record<string, string | undefined>> = process.env
): string =>
  join(
    env['XDG_STATE_HOME'] ?? env['LOCALAPPDATA'] ?? join(homedir(), '.local', 'state'),
    'cospipe',
    'uploads'
  )

const suffix = '.cospipe-upload'
const released = /^released-[0-9a-f]{12}$/
// Written in one call. A text that a power failure truncated has no line end.
const content = /^cospipe-upload 1 (\S+)\n$/

/** If several runs try to rename one file, only one succeeds. */
const tryRename = async (from: string, to: string): Promise<boolean> =>
  rename(from, to).then(
    () => true,
    () => false
  )

const modifiedAt = async (path: string): Promise<number> =>
  stat(path).then(
    ({ mtimeMs }) => mtimeMs,
    () => 0
  )

/**
 * The checkpoints of one target in a directory, which is created if it is missing. The name of a file has the hash of the
 * target and the lock name of its owner. Its content is the id of the upload.
 *
 * @shape  `target`: any text that is the same for the same source file and the same object
 * @errors rejects with the errors of the system
 */
export const uploadCheckpoints = (directory: string, target: string): UploadCheckpoints => {
  const prefix = `${createHash('sha256').update(target).digest('hex').slice(0, 32)}.`
  const pathOf = (owner: string): string => join(directory, `${prefix}${owner}${suffix}`)
  const ownerOf = (name: string): string => name.slice(prefix.length, -suffix.length)

  const isFree = async (owner: string): Promise<boolean> =>
    released.test(owner) || (isLockName(owner) && (await isOwnerAlive(owner)) === false)

  const checkpointAt = (path: string, uploadId: string): UploadCheckpoint => ({
    uploadId,
    release: async () => {
      await rename(path, pathOf(`released-${randomBytes(6).toString('hex')}`))
    },
    remove: () => unlink(path)
  })

  return {
    claim: async () => {
      const names = await readdir(directory).catch((): ReadonlyArray<string> => [])
      const dated = await Promise.all(
        names
          .filter((name) => name.startsWith(prefix) && name.endsWith(suffix))
          .map(async (name) => ({ owner: ownerOf(name), at: await modifiedAt(join(directory, name)) }))
      )
      for (const { owner } of dated.sort((a, b) => b.at - a.at)) {
        const mine = pathOf(await newLockName())
        if (!(await isFree(owner)) || !(await tryRename(pathOf(owner), mine))) continue
        const [, uploadId] = content.exec(await readFile(mine, 'utf8')) ?? []
        if (uploadId !== undefined) return checkpointAt(mine, uploadId)
        await unlink(mine)
      }
      return undefined
    },
    create: async (uploadId) => {
      await mkdir(directory, { recursive: true, mode: 0o700 })
      const path = pathOf(await newLockName())
      const handle = await open(path, 'wx', 0o600)
      try {
        await handle.writeFile(`cospipe-upload 1 ${uploadId}\n`)
        await handle.sync()
      } finally {
        await handle.close()
      }
      return checkpointAt(path, uploadId)
    }
  }
}
