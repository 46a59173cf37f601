/** What is in the store before the first request. */
import { zeroContent } from './handlers/shared/content.js'
import type { Settings } from './options.js'
import type { Attributes, Content } from './store/model.js'
import type { Store } from './store/store.js'

const plain = (storageClass: string): Attributes => ({
  headers: {},
  storageClass,
  acl: 'default',
  grants: {},
  encryption: { _tag: 'None' },
  tags: []
})

const makeBuckets = async (store: Store, { buckets, now }: Settings): Promise<void> => {
  const created = now()
  for (const { name: bucket, ...wanted } of buckets) {
    const there = store.bucket(bucket)
    const versioning = wanted.versioning ?? there?.versioning ?? 'Off'
    const acl = wanted.acl ?? there?.acl ?? 'private'
    if (there === undefined) await store.commit({ _tag: 'BucketMade', bucket, created, versioning, acl })
    else if (there.versioning !== versioning || there.acl !== acl)
      await store.commit({ _tag: 'BucketChanged', bucket, versioning, acl })
  }
}

/** Makes the buckets that are not there yet, and lays the seed. */
export const seedObjects = async (store: Store, settings: Settings): Promise<void> => {
  await makeBuckets(store, settings)
  const started = settings.now()
  // One value for all that are alike: a million objects then cost a million keys and little else.
  const contents = new Map<number, Content>()
  const attributes = new Map<string, Attributes>()
  // In order, or nearly so, as the store likes it best: a million shuffled keys take half as long.
  const seed = [...settings.seed].sort((a, b) => (a.key < b.key ? -1 : 1))
  for (const { bucket, key, size = 0, modified = started, storageClass = 'STANDARD' } of seed) {
    const there = store.bucket(bucket)
    if (there === undefined) throw new Error(`the seed names a bucket that is not there: ${bucket}`)
    // What a folder remembers of a key goes before the seed.
    if (settings.dir !== undefined && there.objects.get(key) !== undefined) continue
    const content = contents.get(size) ?? (await zeroContent(size))
    const shared = attributes.get(storageClass) ?? plain(storageClass)
    contents.set(size, content)
    attributes.set(storageClass, shared)
    const version = { _tag: 'Object', id: 'null', modified, content, attributes: shared } as const
    store.lay({ _tag: 'VersionPut', bucket, key, version })
  }
}
