import t from 'tap'
import type { Version } from '../../../lib/emulator/store/model.js'
import { versionMap } from '../../../lib/emulator/store/version-map.js'
import { attributes } from '../../support/object-attributes.js'

const content = { size: 5, etag: '"e"', crc64: 2n ** 64n - 1n, segments: [{ blob: 'b', offset: 0, size: 5 }] }
const object = { _tag: 'Object', id: 'null', modified: 1.5, content, attributes } as const
const withSegments = (size: number, ...segments: (typeof content)['segments']): Version => ({
  ...object,
  content: { ...content, size, segments }
})

const cases: Readonly<Record<string, ReadonlyArray<Version>>> = {
  'one blob': [object],
  'a blob with spaces in its name': [withSegments(5, { blob: '= a b', offset: 0, size: 5 })],
  'no bytes': [withSegments(0)],
  'a part of a blob': [withSegments(5, { blob: 'b', offset: 1, size: 5 })],
  'two blobs': [withSegments(10, ...content.segments, { blob: 'c', offset: 0, size: 5 })],
  zeros: [{ ...object, content: { ...content, segments: [{ blob: null, offset: 0, size: 5 }] } }],
  'an ETag with a space': [{ ...object, content: { ...content, etag: '"a b"' } }],
  'an appendable object': [{ ...object, appendable: true }],
  'a restored object': [{ ...object, restore: { requested: 1, done: 2, expires: 3, tier: 'Bulk' } }],
  'several versions': [
    { _tag: 'DeleteMarker', id: 'v2', modified: 2 },
    { ...object, id: 'v1' }
  ]
}

for (const [name, versions] of Object.entries(cases))
  t.test(`versionMap returns the versions that were stored: ${name}`, async (t) => {
    const map = versionMap()
    map.update('k', () => versions)
    t.strictSame(map.get('k'), versions)
    t.strictSame([...map.from(() => true)], [['k', versions]])
    map.update('k', (before) => {
      t.strictSame(before, versions)
      return undefined
    })
    t.equal(map.size(), 0)
    t.equal(map.get('k'), undefined)
  })

t.test('versionMap keeps keys that UTF-8 cannot encode', async (t) => {
  const map = versionMap()
  map.update('\ud800', () => [object])
  t.strictSame(map.get('\ud800'), [object])
})
