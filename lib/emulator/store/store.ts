/**
 * The store: buckets, objects and uploads, independent of HTTP. Only events change it. An event takes effect
 * synchronously, so that no other request comes between a check and the change that it allows.
 */
import type { Blobs } from './blobs.js'
import { createDirectory, lockDirectory } from './directory.js'
import { diskBlobs } from './disk-blobs.js'
import { type Journal, readJournal, startJournal } from './journal.js'
import { memoryBlobs } from './memory-blobs.js'
import type { Event } from './model.js'
import { applyEvent, type Bucket, snapshotEvents } from './state.js'

export interface Store {
  readonly bucket: (name: string) => Bucket | undefined
  readonly buckets: () => ReadonlyArray<Bucket>
  /** Applies the event before it returns; the promise resolves when the event would survive a restart. */
  readonly commit: (event: Event) => Promise<void>
  /** Applies the event without writing it to the journal. */
  readonly applyOnly: (event: Event) => void
  readonly blobs: Blobs
  readonly close: () => Promise<void>
}

const createStore = (
  buckets: Map<string, Bucket>,
  blobs: Blobs,
  journal: Journal | undefined,
  unlock: () => Promise<void>
): Store => {
  const apply = applyEvent(buckets, blobs)
  return {
    bucket: (name) => buckets.get(name),
    buckets: () => [...buckets.values()].sort((a, b) => (a.name < b.name ? -1 : 1)),
    commit: (event) => {
      apply(event)
      return journal?.append(event) ?? Promise.resolve()
    },
    applyOnly: apply,
    blobs,
    close: async () => {
      await journal?.close()
      await blobs.close()
      await unlock()
    }
  }
}

/** A store in memory, lost when the process ends. */
export const memoryStore = (): Store =>
  createStore(new Map(), memoryBlobs(), undefined, () => Promise.resolve())

/**
 * A store in a directory, as the last process left it. The directory is locked until `close`.
 *
 * @errors throws `InUse`, and errors of the file system
 */
export const diskStore = async (dir: string): Promise<Store> => {
  await createDirectory(dir)
  const unlock = await lockDirectory(dir)
  try {
    const blobs = await diskBlobs(dir)
    const buckets = new Map<string, Bucket>()
    const apply = applyEvent(buckets, blobs)
    for await (const event of readJournal(dir)) apply(event)
    await blobs.removeUnreferenced()
    const journal = await startJournal(dir, snapshotEvents(buckets.values()))
    return createStore(buckets, blobs, journal, unlock)
  } catch (thrown) {
    await unlock()
    throw thrown
  }
}
