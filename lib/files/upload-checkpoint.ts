/** Small files with the ids of incomplete uploads of this machine, so that the next run resumes only its own uploads. */
import { createHash, randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import { mkdir, open, readdir, rename, stat, unlink, type FileHandle } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import type { Json } from 'fp-ts/lib/Json.js'
import { MiB } from '../core/limits.js'
import { appendRecords } from './append-records.js'
import { reopenFile } from './atomic-file.js'
import { temporaryMode } from './file-mode.js'
import { readRecords } from './journal-records.js'
import { isLockName, isOwnerAlive, newLockName } from './process-identity.js'

/** The checkpoint of one incomplete upload. This run owns it until it is released or removed. */
export interface UploadCheckpoint {
  readonly path: string
  readonly uploadId: string
  /** What earlier runs appended, in order. */
  readonly records: ReadonlyArray<Json>
  /** Appends a record, and waits until it is on the disk. Not after `release` or `remove`. */
  readonly append: (record: Json) => Promise<void>
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
const firstLine = /^cospipe-upload 1 (\S+)\n/

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

// 10,000 records of parts take less than 500 KB. A larger file was not written by this library.
const largestCheckpoint = 4 * MiB

interface Contents {
  readonly uploadId: string
  readonly records: ReadonlyArray<Json>
}

/**
 * Reads a checkpoint, and drops the incomplete line that a crash left at its end. Undefined if it is not one, or if another
 * user may have written it: that user would choose the data key of an encrypted upload.
 */
const readCheckpoint = async (path: string): Promise<Contents | undefined> => {
  const handle = await reopenFile(path, constants.O_RDWR)
  try {
    const { size, uid, mode } = await handle.stat()
    const isOurs = process.getuid === undefined || (uid === process.getuid() && (mode & 0o022) === 0)
    if (!isOurs || size > largestCheckpoint) return undefined
    const bytes = Buffer.alloc(size)
    const { bytesRead } = await handle.read(bytes, 0, size, 0)
    const [line, uploadId] = firstLine.exec(bytes.toString('latin1', 0, bytesRead)) ?? []
    if (line === undefined || uploadId === undefined) return undefined
    const { records, end } = readRecords(bytes.subarray(line.length, bytesRead))
    await handle.truncate(line.length + end)
    return { uploadId, records }
  } finally {
    await handle.close()
  }
}

/** The file of a checkpoint for appending: opened by the first record, because most uploads append none. */
const createJournal = (path: string): Pick<UploadCheckpoint, 'append'> & { close: () => Promise<void> } => {
  let handle: FileHandle | undefined
  let isClosed = false
  let lastWrite: Promise<void> = Promise.resolve()
  const append = appendRecords(async (lines) => {
    if (isClosed) throw new Error('the checkpoint was released')
    handle ??= await reopenFile(path, constants.O_WRONLY | constants.O_APPEND)
    await handle.appendFile(lines)
    await handle.datasync()
  })
  return {
    append: (record) => (lastWrite = append(record)),
    close: async () => {
      isClosed = true
      await lastWrite.catch(() => undefined)
      await handle?.close()
      handle = undefined
    }
  }
}

/**
 * The checkpoints of one target in a directory, which is created if it is missing. The name of a file has the hash of the
 * target and the lock name of its owner. Its content is the id of the upload, and the records of an encrypted upload.
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

  const checkpointAt = (path: string, contents: Contents): UploadCheckpoint => {
    const { append, close } = createJournal(path)
    return {
      ...contents,
      path,
      append,
      // Closed first: Windows does not rename an open file.
      release: async () => {
        await close()
        await rename(path, pathOf(`released-${randomBytes(6).toString('hex')}`))
      },
      remove: async () => {
        await close()
        await unlink(path)
      }
    }
  }

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
        const contents = await readCheckpoint(mine)
        if (contents !== undefined) return checkpointAt(mine, contents)
        await unlink(mine)
      }
      return undefined
    },
    create: async (uploadId) => {
      await mkdir(directory, { recursive: true, mode: 0o700 })
      const path = pathOf(await newLockName())
      const handle = await open(path, 'wx', temporaryMode)
      try {
        await handle.writeFile(`cospipe-upload 1 ${uploadId}\n`)
        await handle.sync()
      } finally {
        await handle.close()
      }
      return checkpointAt(path, { uploadId, records: [] })
    }
  }
}
