/** What is in the store before the first request. */
import { createHash } from 'node:crypto'
import { combine, crc64 } from '../core/crc64.js'
import type { Settings } from './options.js'
import { type Attributes, type Content, zeros } from './store/model.js'
import type { Store } from './store/store.js'

/** The CRC64 of so many zeros, doubled up from one. */
const crcOfZeros = (one: bigint, size: number): bigint => {
  let sum = 0n
  let run = one
  let length = 1
  for (let left = size; left > 0; left = Math.floor(left / 2)) {
    if (left % 2 === 1) sum = combine(sum, run, length)
    run = combine(run, run, length)
    length *= 2
  }
  return sum
}

const attributesOf = (storageClass: string): Attributes => ({
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

/** Makes the buckets that are not there yet, and lays the seed. */
export const furnish = async (store: Store, settings: Settings): Promise<void> => {
  const { buckets, seed, now } = settings
  const created = now()
  for (const { name: bucket, ...wanted } of buckets) {
    const there = store.bucket(bucket)
    const versioning = wanted.versioning ?? there?.versioning ?? 'Off'
    const acl = wanted.acl ?? there?.acl ?? 'private'
    if (there === undefined) await store.commit({ _tag: 'BucketMade', bucket, created, versioning, acl })
    else if (there.versioning !== versioning || there.acl !== acl)
      await store.commit({ _tag: 'BucketChanged', bucket, versioning, acl })
  }

  const one = await crc64(new Uint8Array(1))
  const contentOf = memoized((size: number): Content => ({
    size,
    crc64: crcOfZeros(one, size),
    // Opaque, as a multipart upload's: the MD5 of many zeros takes long, and none may rely on it.
    etag: `"${createHash('md5').update(String(size)).digest('hex')}-1"`,
    segments: zeros(size)
  }))
  const ofClass = memoized(attributesOf)
  for (const { bucket, key, size = 0, modified = created, storageClass = 'STANDARD' } of seed) {
    if (store.bucket(bucket)?.objects.get(key) !== undefined) continue
    const content = contentOf(size)
    const attributes = ofClass(storageClass)
    const version = { _tag: 'Object', id: 'null', modified, content, attributes } as const
    store.lay({ _tag: 'VersionPut', bucket, key, version })
  }
}
