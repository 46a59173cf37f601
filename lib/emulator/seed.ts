/** Creates the buckets and the seed objects before the first request. */
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
  for (const { name: bucket, ...options } of buckets) {
    const existing = store.bucket(bucket)
    const versioning = options.versioning ?? existing?.versioning ?? 'Off'
    const acl = options.acl ?? existing?.acl ?? 'private'
    if (existing === undefined) await store.commit({ _tag: 'BucketMade', bucket, created, versioning, acl })
    else if (existing.versioning !== versioning || existing.acl !== acl)
      await store.commit({ _tag: 'BucketChanged', bucket, versioning, acl })
  }
}

/** Creates the missing buckets and the seed objects. */
export const seedObjects = async (store: Store, settings: Settings): Promise<void> => {
  await makeBuckets(store, settings)
  const started = settings.now()
  // Equal values are shared: a million objects then cost a million keys and little else.
  const contents = new Map<number, Content>()
  const attributes = new Map<string, Attributes>()
  // Sorted, because inserting in order is fastest: a million shuffled keys take half as long this way.
  const seed = [...settings.seed].sort((a, b) => (a.key < b.key ? -1 : 1))
  for (const { bucket, key, size = 0, modified = started, storageClass = 'STANDARD' } of seed) {
    const existing = store.bucket(bucket)
    if (existing === undefined) throw new Error(`seed: no such bucket: ${bucket}`)
    // A key stored in `dir` wins over the seed.
    if (settings.dir !== undefined && existing.objects.get(key) !== undefined) continue
    const content = contents.get(size) ?? (await zeroContent(size))
    const shared = attributes.get(storageClass) ?? plain(storageClass)
    contents.set(size, content)
    attributes.set(storageClass, shared)
    const version = { _tag: 'Object', id: 'null', modified, content, attributes: shared } as const
    store.applyOnly({ _tag: 'VersionPut', bucket, key, version })
  }
}
