/** An open file by its descriptor, with the cheap calls of `system-calls.ts`. For files of which thousands are opened. */
import { close, fchmod, fchown, fstat, fsync, open, read, write, type BigIntStats } from 'node:fs'
import { constVoid } from 'fp-ts/lib/function.js'
import { fromCallback, type Settle } from './system-calls.js'
import { systemError } from './system-error.js'

export interface OpenFile {
  readonly stat: () => Promise<BigIntStats>
  /** Reads up to `length` bytes from a position of the file to an offset of the buffer. */
  readonly read: (
    buffer: Uint8Array,
    offset: number,
    length: number,
    position: number
  ) => Promise<{ readonly bytesRead: number }>
  /** Writes all bytes. The system may accept fewer in one call. */
  readonly write: (bytes: Uint8Array, position: number) => Promise<void>
  readonly chmod: (mode: number) => Promise<void>
  readonly chown: (uid: number, gid: number) => Promise<void>
  readonly sync: () => Promise<void>
  /** Closes the file when the calls in progress have settled; later calls fail with `EBADF`. */
  readonly close: () => Promise<void>
}

/** @errors rejects with the errors of the system */
export const openFile = async (path: string, flags: number, mode = 0o666): Promise<OpenFile> => {
  const fd = await fromCallback<number>((settle) => {
    open(path, flags, mode, settle)
  })
  let inProgress = 0
  let onIdle = constVoid
  let closed: Promise<void> | undefined
  /** The number of a closed file may belong to another one, so no call is in progress when it is closed. */
  const run = <A>(call: (settle: Settle<A>) => void): Promise<A> => {
    if (closed !== undefined) return Promise.reject(systemError('EBADF', `${path} is closed`))
    inProgress += 1
    return fromCallback((settle) => {
      call((error, value) => {
        inProgress -= 1
        if (inProgress === 0) onIdle()
        settle(error, value)
      })
    })
  }
  const runVoid = (call: (settle: (error: Error | null) => void) => void): Promise<void> =>
    run<undefined>((settle) => {
      call((error) => {
        settle(error, undefined)
      })
    })
  const closeWhenIdle = async (): Promise<void> => {
    if (inProgress > 0)
      await new Promise<void>((resolve) => {
        onIdle = resolve
      })
    await fromCallback<undefined>((settle) => {
      close(fd, (error) => {
        settle(error ?? null, undefined)
      })
    })
  }
  return {
    stat: () =>
      run((settle) => {
        fstat(fd, { bigint: true }, settle)
      }),
    read: (buffer, offset, length, position) =>
      run((settle) => {
        read(fd, buffer, offset, length, position, (error, bytesRead) => {
          settle(error, { bytesRead })
        })
      }),
    write: async (bytes, position) => {
      for (let at = 0; at < bytes.length;)
        at += await run<number>((settle) => {
          write(fd, bytes, at, bytes.length - at, position + at, settle)
        })
    },
    chmod: (mode) =>
      runVoid((settle) => {
        fchmod(fd, mode, settle)
      }),
    chown: (uid, gid) =>
      runVoid((settle) => {
        fchown(fd, uid, gid, settle)
      }),
    sync: () =>
      runVoid((settle) => {
        fsync(fd, settle)
      }),
    close: () => (closed ??= closeWhenIdle())
  }
}
