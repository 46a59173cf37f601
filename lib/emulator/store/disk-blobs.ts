/** Blobs in files. A file is written in `incoming` and renamed into `blobs`, so that files in `blobs` are complete. */
import { randomUUID } from 'node:crypto'
import { mkdir, open, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type Blobs, referenceCounts, zeroBytes } from './blobs.js'
import { KiB } from '../../core/limits.js'

const readSize = 128 * KiB

export const diskBlobs = async (dir: string): Promise<Blobs> => {
  const incoming = join(dir, 'incoming')
  const blobs = join(dir, 'blobs')
  await mkdir(blobs, { recursive: true })
  // Incomplete files of the last process.
  await rm(incoming, { recursive: true, force: true })
  await mkdir(incoming)

  const removals = new Set<Promise<void>>()
  const remove = (blob: string): void => {
    const removal = rm(join(blobs, blob), { force: true })
      // For example if the directory itself was removed.
      .catch(() => undefined)
      .finally(() => removals.delete(removal))
    removals.add(removal)
  }
  const held = new Set<string>()
  const { hold, release } = referenceCounts(held, remove)

  return {
    hold,
    release,
    create: async () => {
      const blob = randomUUID()
      const path = join(incoming, blob)
      const file = await open(path, 'wx')
      let size = 0
      return {
        write: async (chunk) => {
          for (let at = 0; at < chunk.length;) {
            const { bytesWritten } = await file.write(chunk, at)
            at += bytesWritten
          }
          size += chunk.length
        },
        commit: async () => {
          await file.close()
          await rename(path, join(blobs, blob))
          hold([{ blob, offset: 0, size }])
          return blob
        },
        discard: async () => {
          await file.close()
          await rm(path, { force: true })
        }
      }
    },
    async *read(segments) {
      for (const segment of segments) {
        if (segment.blob === null) {
          yield* zeroBytes(segment.size)
          continue
        }
        const file = await open(join(blobs, segment.blob))
        try {
          for (let left = segment.size; left > 0;) {
            const chunk = Buffer.allocUnsafeSlow(Math.min(left, readSize))
            const { bytesRead } = await file.read(
              chunk,
              0,
              chunk.length,
              segment.offset + segment.size - left
            )
            if (bytesRead === 0) throw new Error(`blob ${segment.blob} ended early`)
            yield chunk.subarray(0, bytesRead)
            left -= bytesRead
          }
        } finally {
          await file.close()
        }
      }
    },
    removeUnreferenced: async () => {
      for (const blob of await readdir(blobs)) if (!held.has(blob)) remove(blob)
      await Promise.all(removals)
    },
    close: async () => {
      await Promise.all(removals)
    }
  }
}
