/** Replaces a file atomically by bytes in memory. */
import { constants } from 'node:fs'
import { dirname } from 'node:path'
import {
  noFollow,
  replaceableFile,
  replaceExisting,
  syncDirectory,
  type AtomicReplacement
} from './atomic-file.js'
import { copyMode, temporaryMode } from './file-mode.js'
import { openFile } from './open-file.js'
import { renamePath } from './system-calls.js'

// The system takes the umask off.
const newFileMode = 0o666

// The file must not exist: no other process has it open, and the path is not a link.
const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | noFollow

export interface BytesReplacement extends Omit<AtomicReplacement, 'signal'> {
  readonly bytes: Uint8Array
  /** Called before the rename. If it throws, the target is not changed. */
  readonly throwIfAborted: () => void
}

/**
 * `replaceAtomically` by a file that is written here, to `from`, with a name that no other process uses. After a failure the
 * caller removes `from`.
 *
 * A new file is created with the mode of a new file, as its bytes are verified already; a file that replaces another one can
 * be read by its owner alone until it has the old mode.
 *
 * It makes five system calls, and more if there is an old file. `replaceAtomically` makes more: its file was open during a
 * download, so it compares the file with its path.
 *
 * @errors rejects with those of `replaceableFile` and of the system
 */
export const replaceWithBytes = async ({
  bytes,
  from,
  target,
  durable,
  throwIfAborted
}: BytesReplacement): Promise<void> => {
  const old = await replaceableFile(target)
  const mode = old === undefined ? newFileMode : temporaryMode
  const file = await replaceExisting(from, () => openFile(from, flags, mode))
  try {
    await file.write(bytes, 0)
    if (old !== undefined) await copyMode(file, old)
    if (durable) await file.sync()
  } finally {
    // Before the rename: some file systems report a failed write only here, and Windows does not rename an open file.
    await file.close()
  }
  throwIfAborted()
  await renamePath(from, target)
  if (durable) await syncDirectory(dirname(target))
}
