/** GET Bucket Object Versions, over the wire: versions and delete markers, each key's newest first. */
import * as O from 'fp-ts/lib/Option.js'
import t from 'tap'
import { deleteObject } from '../../lib/operations/delete-object.js'
import {
  listObjectVersions,
  type ListObjectVersionsInput
} from '../../lib/operations/list-object-versions.js'
import { putObject } from '../../lib/operations/put-object.js'
import { streamObjectVersions } from '../../lib/transfers/list/stream-object-versions.js'
import { toArray } from '../support/iterables.js'
import * as A from './fixture.js'
import { cutPageIsRetried, refusals, expectInvalidInput } from './error-cases.js'
import { trackParameters } from './parameter-coverage.js'

const bucket = A.versioned
const { call: listing, uncovered } = trackParameters(listObjectVersions)
const owner = O.some({ id: '1250000000', displayName: '1250000000' })

t.test('a page after a version of a key, with a delimiter and encodingType', async (t) => {
  const second = Math.floor(Date.now() / 1000) * 1000
  const { run, emulator } = await A.startFixture(t, { now: () => second })
  const key = 'a b/k+腾'
  const put = async (body: string) =>
    run(putObject({ bucket, key, body, storageClass: 'INTELLIGENT_TIERING' }))
  const oldest = await put('one')
  const marker = await run(deleteObject({ bucket, key }))
  const newest = await put('three')
  await run(putObject({ bucket, key: 'a b/x/1', body: '' }))
  await run(putObject({ bucket, key: 'a b/z', body: '' }))
  const newestId = A.some(newest.versionId)
  const input: ListObjectVersionsInput = {
    bucket,
    prefix: 'a b/',
    delimiter: '/',
    keyMarker: key,
    versionIdMarker: newestId,
    maxKeys: 3,
    headers: { 'x-cos-by-hand': 'header' },
    query: { 'by-hand': 'parameter' }
  }
  const listed = { isLatest: false, lastModified: new Date(second), owner }
  const entries = (key: string) => [
    { _tag: 'DeleteMarker', ...listed, key, versionId: A.some(marker.versionId) },
    {
      _tag: 'Version',
      ...listed,
      key,
      versionId: A.some(oldest.versionId),
      etag: oldest.etag,
      size: 3,
      storageClass: 'INTELLIGENT_TIERING',
      storageTier: O.some('FREQUENT')
    }
  ]
  const page = {
    name: bucket,
    versionIdMarker: newestId,
    delimiter: O.some('/'),
    maxKeys: 3,
    isTruncated: true,
    nextVersionIdMarker: O.none
  }
  const { headers: _raw, ...encoded } = await run(listing({ ...input, encodingType: 'url' }))
  const request = emulator.requests().at(-1)
  t.same(encoded, {
    ...page,
    requestId: request?.requestId,
    encodingType: O.some('url'),
    prefix: 'a%20b/',
    keyMarker: 'a%20b/k%2B%E8%85%BE',
    nextKeyMarker: O.some('a%20b/x/'),
    entries: entries('a%20b/k%2B%E8%85%BE'),
    commonPrefixes: ['a%20b/x/']
  })
  t.match(request, {
    operation: 'ListObjectVersions',
    headers: { 'x-cos-by-hand': 'header' },
    query: {
      versions: '',
      prefix: 'a b/',
      delimiter: '/',
      'key-marker': key,
      'version-id-marker': newestId,
      'max-keys': '3',
      'encoding-type': 'url',
      'by-hand': 'parameter'
    }
  })
  const { headers: _, requestId: _id, ...plain } = await run(listing(input))
  t.same(plain, {
    ...page,
    encodingType: O.none,
    prefix: 'a b/',
    keyMarker: key,
    nextKeyMarker: O.some('a b/x/'),
    entries: entries(key),
    commonPrefixes: ['a b/x/']
  })
  const { versionIdMarker: _version, ...next } = input
  t.match(await run(listing({ ...next, keyMarker: 'a b/x/' })), {
    entries: [{ key: 'a b/z', isLatest: true }],
    isTruncated: false,
    nextKeyMarker: O.none
  })
  t.match(await run(listing({ bucket, maxKeys: 1 })), {
    entries: [{ versionId: newestId, isLatest: true }],
    nextKeyMarker: O.some(key),
    nextVersionIdMarker: O.some(newestId)
  })
})

t.test('every parameter is covered', async (t) => t.same(uncovered(), []))

t.test('version ids are null while versioning is suspended, and empty if it was never enabled', async (t) => {
  const { run } = await A.startFixture(t)
  for (const [bucket, versionId] of [
    [A.suspended, 'null'],
    [A.bucket, '']
  ] as const) {
    t.same((await run(listObjectVersions({ bucket }))).entries, [])
    await run(putObject({ bucket, key: 'a', body: '' }))
    t.match((await run(listObjectVersions({ bucket }))).entries, [
      {
        _tag: 'Version',
        key: 'a',
        versionId,
        isLatest: true,
        storageClass: 'STANDARD',
        storageTier: O.none
      }
    ])
  }
})

t.test('pages of one entry have the order of a single page', async (t) => {
  const { run, client } = await A.startFixture(t)
  for (const key of ['b', 'a', '腾']) {
    await run(putObject({ bucket, key, body: '1' }))
    await run(deleteObject({ bucket, key }))
    await run(putObject({ bucket, key, body: '22' }))
  }
  const { entries } = await run(listObjectVersions({ bucket }))
  t.same(
    entries.map(({ _tag, key, isLatest }) => [_tag, key, isLatest]),
    ['a', 'b', '腾'].flatMap((key) => [
      ['Version', key, true],
      ['DeleteMarker', key, false],
      ['Version', key, false]
    ])
  )
  const streamed = await toArray(streamObjectVersions({ bucket, maxKeys: 1 })(client))
  t.match(streamed, entries)
  t.equal(streamed.length, 9)
})

t.test('a version id marker without a key marker is ignored by COS', async (t) => {
  const { run } = await A.startFixture(t)
  for (const key of ['a', 'b']) await run(putObject({ bucket, key, body: '1' }))
  const { entries } = await run(listObjectVersions({ bucket, versionIdMarker: 'v' }))
  t.match(entries, [{ key: 'a' }, { key: 'b' }])
})

t.test('COS refuses requests that its state does not allow', async (t) => {
  const { runFailing } = await A.startFixture(t)
  const expectRefusal = async (input: Partial<ListObjectVersionsInput>, status: number, code: string) =>
    t.match(await runFailing(listObjectVersions({ bucket, ...input })), {
      _tag: 'ServiceError',
      status,
      code
    })
  await expectRefusal({ bucket: A.nowhere }, 404, 'NoSuchBucket')
  await expectRefusal({ delimiter: '//' }, 400, 'InvalidDelimiter')
  await expectRefusal({ query: { 'max-keys': 'many' } }, 400, 'InvalidArgument')
})

t.test('an invalid input is an InvalidInput, and nothing is sent', (t) =>
  expectInvalidInput(t, [
    ['bucket', listObjectVersions({ bucket: 'no-appid' })],
    ['delimiter', listObjectVersions({ bucket, delimiter: '\ud800' })],
    ['maxKeys', listObjectVersions({ bucket, maxKeys: 1001 })],
    ['versionIdMarker', listObjectVersions({ bucket, versionIdMarker: '\ud800' })],
    ['keyMarker', listObjectVersions({ bucket, keyMarker: '\ud800' })],
    ['encodingType', listObjectVersions({ bucket, encodingType: 'base64' as never })]
  ])
)

cutPageIsRetried(listObjectVersions({ bucket: A.bucket }))
refusals(listObjectVersions({ bucket: A.bucket }))
