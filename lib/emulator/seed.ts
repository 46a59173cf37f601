/** What is in the store before the first request. */
import { zeroContent } from './content.js'
import type { Settings } from './options.js'
import type { Attributes } from './store/model.js'
import type { Store } from './store/store.js'

export const plain = (storageClass: string): Attributes => ({
  headers: {},
  storageClass,
  acl: 'default',
  grants: {},
  encryption: { _tag: 'None' },
  tags: []
})

/** One value for all that are alike: a million objects then cost a million keys and little else. */
const memoized = <A, B>(make: (value: A) => B): ((value: A) => B) => {
  const made = new Map<A, B>()
  return (value) => {
    const known = made.get(value)
    if (known !== undefined) return known
    const fresh = make(value)
    made.set(value, fresh)
    return fresh
  }
}

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
export const furnish = async (store: Store, settings: Settings): Promise<void> => {
  await makeBuckets(store, settings)
  const started = settings.now()
  const contents = memoized(zeroContent)
  const attributes = memoized(plain)
  for (const { bucket, key, size = 0, modified = started, storageClass = 'STANDARD' } of settings.seed) {
    const there = store.bucket(bucket)
    if (there === undefined) throw new Error(`the seed names a bucket that is not there: ${bucket}`)
    // A folder remembers what became of the seed, unless that was its deletion.
    if (there.objects.get(key) !== undefined) continue
    const content = await contents(size)
    const version = {
      _tag: 'Object',
      id: 'null',
      modified,
      content,
      attributes: attributes(storageClass)
    } as const
    store.lay({ _tag: 'VersionPut', bucket, key, version })
  }
}
