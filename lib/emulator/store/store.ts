/**
 * The store: what the emulator keeps, without a word of HTTP. It is read as it stands, and changed by events alone;
 * each takes effect at once, so that a check and the change it allows are never torn apart by another request.
 */
import { mkdir } from 'node:fs/promises'
import type { Blobs } from './blobs.js'
import { diskBlobs } from './disk-blobs.js'
import { type Journal, readJournal, startJournal } from './journal.js'
import { memoryBlobs } from './memory-blobs.js'
import type { Event } from './model.js'
import { applyEvent, type Bucket, snapshotEvents } from './state.js'

export interface Store {
  readonly bucket: (name: string) => Bucket | undefined
  readonly buckets: () => ReadonlyArray<Bucket>
  /** Takes effect before it returns; the promise is kept once it would survive a restart. */
  readonly commit: (event: Event) => Promise<void>
  /** Takes effect, and is forgotten with the process. */
  readonly lay: (event: Event) => void
  readonly blobs: Blobs
  readonly close: () => Promise<void>
}

const createStore = (buckets: Map<string, Bucket>, blobs: Blobs, journal: Journal | undefined): Store => {
  const apply = applyEvent(buckets, blobs)
  return {
    bucket: (name) => buckets.get(name),
    buckets: () => [...buckets.values()].sort((a, b) => (a.name < b.name ? -1 : 1)),
    commit: (event) => {
      apply(event)
      return journal?.append(event) ?? Promise.resolve()
    },
    lay: apply,
    blobs,
    close: async () => {
      await journal?.close()
      await blobs.close()
    }
  }
}

/** A store that is gone with the process. */
export const memoryStore = (): Store => createStore(new Map(), memoryBlobs(), undefined)

/** A store in a folder, as the last process left it. One process at a time. */
export const diskStore = async (dir: string): Promise<Store> => {
  await mkdir(dir, { recursive: true })
  const blobs = await diskBlobs(dir)
  const buckets = new Map<string, Bucket>()
  const apply = applyEvent(buckets, blobs)
  for await (const event of readJournal(dir)) apply(event)
  await blobs.sweep()
  return createStore(buckets, blobs, await startJournal(dir, snapshotEvents(buckets.values())))
}
