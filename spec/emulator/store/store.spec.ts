import { appendFileSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { Version } from '../../../lib/emulator/store/model.js'
import { diskStore, memoryStore, type Store } from '../../../lib/emulator/store/store.js'
import { toArray } from '../../support/iterables.js'
import { attributes } from '../../support/object-attributes.js'

const bucket = 'b-1'

const made = { _tag: 'BucketMade', bucket, created: 1, versioning: 'Enabled', acl: 'private' } as const

const put = async (store: Store, key: string, id: string, text: string): Promise<Version> => {
  const writer = await store.blobs.create(undefined)
  await writer.write(Buffer.from(text))
  const segments = [{ blob: await writer.commit(), offset: 0, size: text.length }]
  const content = { size: text.length, etag: '"e"', crc64: 2n ** 64n - 1n, segments }
  const version: Version = { _tag: 'Object', id, modified: 5, content, attributes }
  await store.commit({ _tag: 'VersionPut', bucket, key, version })
  store.blobs.release(segments)
  return version
}

const read = async (store: Store, version: Version | undefined): Promise<string> =>
  Buffer.concat(
    await toArray(store.blobs.read(version?._tag === 'Object' ? version.content.segments : []))
  ).toString()

for (const [name, open] of Object.entries({ memory: async () => memoryStore(), disk: diskStore }))
  t.test(`${name}: bytes exist while they are referenced`, async (t) => {
    const store = await open(t.testdir())
    await store.commit(made)
    const version = await put(store, 'k', 'v1', 'bytes')
    const segments = version._tag === 'Object' ? version.content.segments : []
    // A second reference, as readers and copies have.
    store.blobs.hold(segments)
    await store.commit({ _tag: 'VersionRemoved', bucket, key: 'k', id: 'v1' })
    t.equal(await read(store, version), 'bytes')
    store.blobs.release(segments)
    await store.close()
    if (name === 'disk') t.strictSame(readdirSync(join(t.testdirName, 'blobs')), [])
  })

t.test('a directory restores all state', async (t) => {
  const dir = t.testdir()
  const first = await diskStore(dir)
  await first.commit(made)
  // readline ends a line at U+2028.
  const odd = 'k\n\u2028\u2029 腾😀\u0001'
  const kept = [await put(first, odd, 'v1', 'one'), await put(first, odd, 'v2', 'two')]
  const marker: Version = { _tag: 'DeleteMarker', id: 'v3', modified: 7 }
  await first.commit({ _tag: 'VersionPut', bucket, key: odd, version: marker })
  const restore = { requested: 1, done: 2, expires: 3, tier: 'Bulk' }
  await first.commit({ _tag: 'RestoreAsked', bucket, key: odd, id: 'v1', restore })
  await first.commit({ _tag: 'UploadMade', bucket, key: 'u', id: 'i', initiated: 9, attributes })
  const part = { number: 3, modified: 8, content: { size: 0, etag: '"p"', crc64: 0n, segments: [] } }
  await first.commit({ _tag: 'PartPut', bucket, key: 'u', id: 'i', part })
  const grants = { 'x-cos-grant-read': 'id="1"' }
  const changed = { versioning: 'Enabled', acl: 'public-read', grants, complete: true } as const
  await first.commit({ _tag: 'BucketChanged', bucket, ...changed })
  await first.commit({ _tag: 'BucketChanged', bucket, versioning: 'Suspended', acl: 'public-read' })
  const configure = (name: string, document: string | null): Promise<void> =>
    first.commit({ _tag: 'BucketConfigured', bucket, name, document })
  await configure('lifecycle', '<LifecycleConfiguration/>\n')
  await configure('cors', '<CORSConfiguration/>')
  await configure('cors', null)
  await put(first, 'log', 'null', 'hello ')
  const [added] = [await put(first, 'other', 'null', 'world')]
  const more = {
    size: 11,
    etag: '"f"',
    crc64: 1n,
    segments: added._tag === 'Object' ? added.content.segments : []
  }
  await first.commit({ _tag: 'Appended', bucket, key: 'log', modified: 6, content: more })
  await first.commit({ _tag: 'VersionRemoved', bucket, key: 'other', id: 'null' })
  const tagged = { ...attributes, tags: [['a', '1'] as const] }
  await first.commit({ _tag: 'AttributesPut', bucket, key: 'log', id: 'null', attributes: tagged })
  await first.close()

  for (const time of ['first', 'second']) {
    const again = await diskStore(dir)
    const found = again.bucket(bucket)
    t.match(found, { ...changed, versioning: 'Suspended' }, time)
    t.strictSame([...(found?.configurations ?? [])], [['lifecycle', '<LifecycleConfiguration/>\n']])
    const [log] = found?.objects.get('log') ?? []
    t.match(log, { modified: 6, content: { size: 11, etag: '"f"' }, attributes: tagged })
    t.equal(await read(again, log), 'hello world')
    t.strictSame(found?.objects.get(odd), [marker, kept[1], { ...kept[0], restore }])
    t.equal(await read(again, kept[0]), 'one')
    t.strictSame(found?.uploads.get('u')?.[0]?.parts, new Map([[3, part]]))
    await again.close()
  }
})

t.test('a directory has no file for a very short blob', async (t) => {
  const dir = t.testdir()
  const texts = { short: '\u0000=\n\r"\u0085\u00e9', long: 'x'.repeat(600) }
  const first = await diskStore(dir)
  await first.commit(made)
  for (const [key, text] of Object.entries(texts)) {
    const bytes = Buffer.from(text, 'latin1')
    const writer = await first.blobs.create(bytes.length)
    for (const byte of bytes) await writer.write(Uint8Array.of(byte))
    const segments = [{ blob: await writer.commit(), offset: 0, size: bytes.length }]
    const content = { size: bytes.length, etag: '"e"', crc64: 1n, segments }
    const version: Version = { _tag: 'Object', id: 'null', modified: 5, content, attributes }
    await first.commit({ _tag: 'VersionPut', bucket, key, version })
    first.blobs.release(segments)
  }
  t.equal(readdirSync(join(dir, 'blobs')).length, 1)
  await first.close()

  const again = await diskStore(dir)
  for (const [key, text] of Object.entries(texts)) {
    const [version] = again.bucket(bucket)?.objects.get(key) ?? []
    const segments = version?._tag === 'Object' ? version.content.segments : []
    t.equal(Buffer.concat(await toArray(again.blobs.read(segments))).toString('latin1'), text)
    const [part] = segments.map((segment) => ({ ...segment, offset: 1, size: 3 }))
    const bytes = await toArray(again.blobs.read(part === undefined ? [] : [part]))
    t.equal(Buffer.concat(bytes).toString('latin1'), text.slice(1, 4))
    await again.commit({ _tag: 'VersionRemoved', bucket, key, id: 'null' })
  }
  await again.close()
  t.strictSame(readdirSync(join(dir, 'blobs')), [])
})

t.test('a blob that a part was copied from outlives its object after a restart', async (t) => {
  const dir = t.testdir()
  const first = await diskStore(dir)
  await first.commit(made)
  const version = await put(first, 'k', 'v1', 'bytes')
  if (version._tag !== 'Object') throw new Error('not an object')
  const { content } = version
  await first.commit({ _tag: 'UploadMade', bucket, key: 'u', id: 'i', initiated: 9, attributes })
  // The request that copies the part holds the bytes while the object is deleted.
  first.blobs.hold(content.segments)
  await first.commit({ _tag: 'VersionRemoved', bucket, key: 'k', id: 'v1' })
  const part = { number: 1, modified: 8, content }
  await first.commit({ _tag: 'PartPut', bucket, key: 'u', id: 'i', part })
  first.blobs.release(content.segments)
  await first.close()

  const again = await diskStore(dir)
  t.equal(await read(again, version), 'bytes')
  await again.commit({ _tag: 'UploadAborted', bucket, key: 'u', id: 'i' })
  await again.close()
  t.strictSame(readdirSync(join(dir, 'blobs')), [])
})

t.test('a torn line of the journal and unreferenced files are removed', async (t) => {
  const dir = t.testdir()
  const first = await diskStore(dir)
  await first.commit(made)
  await put(first, 'k', 'v1', 'one')
  await first.close()
  const journal = join(dir, 'journal')
  const whole = readFileSync(journal, 'utf8')
  const lines = whole.split('\n')
  appendFileSync(journal, (lines[1] ?? '').replace('"k"', '"torn"').slice(0, 40))
  writeFileSync(join(dir, 'blobs', 'nobodys'), 'x')

  const again = await diskStore(dir)
  t.equal(again.bucket(bucket)?.objects.size(), 1)
  t.equal(readdirSync(join(dir, 'blobs')).length, 1)
  t.equal(readFileSync(journal, 'utf8'), whole, 'the journal is complete again')
  await again.close()
})

t.test('parallel events are written in order', async (t) => {
  const dir = t.testdir()
  const first = await diskStore(dir)
  await first.commit(made)
  const version = (id: string): Version => ({ _tag: 'DeleteMarker', id, modified: 1 })
  await Promise.all(
    Array.from({ length: 500 }, (_, n) =>
      first.commit({ _tag: 'VersionPut', bucket, key: 'k', version: version(String(n)) })
    )
  )
  await first.close()
  const again = await diskStore(dir)
  t.strictSame(
    again
      .bucket(bucket)
      ?.objects.get('k')
      ?.map(({ id }) => Number(id)),
    Array.from({ length: 500 }, (_, n) => 499 - n)
  )
  await again.close()
})
