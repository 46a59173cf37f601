/**
 * Blobs in files; very short ones are in the journal, with the events of their objects. The journal refers to a file only
 * when it is complete. Files to which it does not refer are removed when the store opens.
 */
import { rmSync, writeFileSync } from 'node:fs'
import { mkdir, open, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type Blobs, type BlobWriter, inlineBlob, inlineBytes, referenceCounts, zeroBytes } from './blobs.js'
import { KiB } from '../../core/limits.js'

const readSize = 128 * KiB
// A blob up to this size is written at once, on the main thread.
const maxShort = 64 * KiB
// Creating a file took a third of the time of a put (Node 20, ext4, a loaded machine). Inline blobs stay in memory.
const maxInline = 512

/** Keeps a short blob in memory, and writes it when it is complete. */
const shortWriter = (path: string, blob: string): BlobWriter => {
  const chunks: Array<Uint8Array> = []
  return {
    write: async (chunk) => {
      chunks.push(Buffer.from(chunk))
    },
    commit: async () => {
      const bytes = Buffer.concat(chunks)
      if (bytes.length <= maxInline) return inlineBlob(bytes)
      writeFileSync(path, bytes, { flag: 'wx' })
      return blob
    },
    discard: async () => {
      rmSync(path, { force: true })
    }
  }
}

const fileWriter = async (path: string, blob: string): Promise<BlobWriter> => {
  const file = await open(path, 'wx')
  return {
    write: async (chunk) => {
      for (let at = 0; at < chunk.length;) {
        const { bytesWritten } = await file.write(chunk, at)
        at += bytesWritten
      }
    },
    commit: async () => {
      await file.close()
      return blob
    },
    discard: async () => {
      await file.close()
      await rm(path, { force: true })
    }
  }
}

const nameOf = (number: number): string => number.toString(36)

/** The least number above those of existing blobs. Earlier versions named blobs by UUIDs. */
const nextNumber = (names: ReadonlyArray<string>): number =>
  names.reduce(
    (next, name) => (/^[0-9a-z]{1,10}$/.test(name) ? Math.max(next, parseInt(name, 36) + 1) : next),
    0
  )

export const diskBlobs = async (dir: string): Promise<Blobs> => {
  const blobs = join(dir, 'blobs')
  await mkdir(blobs, { recursive: true })
  const existing = await readdir(blobs)
  let next = nextNumber(existing)

  const removals = new Set<Promise<void>>()
  const remove = (blob: string): void => {
    const removal = rm(join(blobs, blob), { force: true })
      // For example if the directory itself was removed.
      .catch(() => undefined)
      .finally(() => removals.delete(removal))
    removals.add(removal)
  }
  const { hold, release, endReplay } = referenceCounts(remove, true)

  return {
    hold,
    release,
    create: async (expected) => {
      const blob = nameOf(next)
      next += 1
      const path = join(blobs, blob)
      return expected !== undefined && expected <= maxShort ? shortWriter(path, blob) : fileWriter(path, blob)
    },
    async *read(segments) {
      for (const { blob, offset, size } of segments) {
        if (blob === null) {
          yield* zeroBytes(size)
          continue
        }
        const inline = inlineBytes(blob)
        if (inline !== undefined) {
          yield inline.subarray(offset, offset + size)
          continue
        }
        const file = await open(join(blobs, blob))
        try {
          for (let left = size; left > 0;) {
            const chunk = Buffer.allocUnsafeSlow(Math.min(left, readSize))
            const { bytesRead } = await file.read(chunk, 0, chunk.length, offset + size - left)
            if (bytesRead === 0) throw new Error(`blob ${blob} ended early`)
            yield chunk.subarray(0, bytesRead)
            left -= bytesRead
          }
        } finally {
          await file.close()
        }
      }
    },
    removeUnreferenced: async () => {
      const isReferenced = endReplay()
      for (const blob of existing) if (!isReferenced(blob)) remove(blob)
      await Promise.all(removals)
    },
    close: async () => {
      await Promise.all(removals)
    }
  }
}
