/** Mode and owner of a file that a download writes: those of the file it replaces, or those of a new file. */
import { readFileSync, type Stats } from 'node:fs'
import { umask } from 'node:process'

/** Until a file replaces its target, only its owner can read it. */
export const temporaryMode = 0o600

/**
 * The mode of a new file: 0666 less the umask.
 *
 * `process.umask()` without an argument sets the umask to 0 for an instant, and a file that another thread creates then is
 * writable for everyone. Linux (4.7 and later) also shows the umask in `/proc`. That file is read synchronously, which takes
 * less time than passing the read to another thread.
 */
export const newFileMode = (): number => {
  const shown = ((): string | undefined => {
    try {
      return /^Umask:\s*([0-7]+)$/m.exec(readFileSync('/proc/self/status', 'latin1'))?.[1]
    } catch {
      return undefined
    }
  })()
  // eslint-disable-next-line @typescript-eslint/no-deprecated -- no other way on systems without /proc
  return 0o666 & ~(shown === undefined ? umask() : Number.parseInt(shown, 8))
}

/** The mode of a file that could not get the old owner or group: nobody may read it who could not read the old file. */
const withoutOwner = (mode: number, isSameGroup: boolean): number => {
  const others = mode & 0o007
  return (mode & 0o700) | (isSameGroup ? mode & 0o070 : others << 3) | others
}

/** An open file: a `FileHandle`, or an `OpenFile`. */
export interface ModeTarget {
  readonly stat: () => Promise<{ readonly uid: number | bigint; readonly gid: number | bigint }>
  readonly chmod: (mode: number) => Promise<void>
  readonly chown: (uid: number, gid: number) => Promise<void>
}

/**
 * Gives a file the mode and, if the system allows it, the owner and group of the file that it will replace.
 *
 * Without the right to change the owner, set-uid and set-gid bits are dropped. Without the right to set the group, the
 * group gets the rights of all others.
 *
 * @errors rejects with the system's errors, except for a refused change of the owner
 */
export const copyMode = async (handle: ModeTarget, old: Stats | undefined): Promise<void> => {
  if (old === undefined) return handle.chmod(newFileMode())
  const { uid, gid } = await handle.stat()
  const ours = { uid: Number(uid), gid: Number(gid) }
  const isOwner =
    (ours.uid === old.uid && ours.gid === old.gid) ||
    (await handle.chown(old.uid, old.gid).then(
      () => true,
      () => false
    ))
  if (isOwner) return handle.chmod(old.mode & 0o7777)
  const isGroup =
    ours.gid === old.gid ||
    (await handle.chown(ours.uid, old.gid).then(
      () => true,
      () => false
    ))
  await handle.chmod(withoutOwner(old.mode, isGroup))
}
