/** GET Bucket (List Objects), over the wire: a page of keys and common prefixes. */
import * as O from 'fp-ts/lib/Option.js'
import t from 'tap'
import { listObjects, type ListObjectsInput } from '../../lib/operations/list-objects.js'
import { putObject } from '../../lib/operations/put-object.js'
import { streamObjects } from '../../lib/transfers/list/stream-objects.js'
import { toArray } from '../support/iterables.js'
import * as A from './fixture.js'
import { cutPageIsRetried, refusals, expectInvalidInput } from './error-cases.js'
import { trackParameters } from './parameter-coverage.js'

const { bucket } = A
const { call: listing, uncovered } = trackParameters(listObjects)
const owner = O.some({ id: '1250000000', displayName: '1250000000' })

t.test('a page after a marker, with a delimiter and encodingType', async (t) => {
  const second = Math.floor(Date.now() / 1000) * 1000
  const { run, emulator } = await A.startFixture(t, { now: () => second })
  for (const key of ['a b/', 'a b/+1', 'a b/x/1', 'a b/x/2', 'a b/z']) {
    await run(putObject({ bucket, key, body: '' }))
  }
  const y = { bucket, key: 'a b/y%腾', body: 'yes', storageClass: 'INTELLIGENT_TIERING' }
  const { etag } = await run(putObject(y))
  const input: ListObjectsInput = {
    bucket,
    prefix: 'a b/',
    delimiter: '/',
    marker: 'a b/+1',
    maxKeys: 2,
    headers: { 'x-cos-by-hand': 'header' },
    query: { 'by-hand': 'parameter' }
  }
  const found = {
    _tag: 'Object',
    lastModified: new Date(second),
    etag,
    size: 3,
    owner,
    storageClass: 'INTELLIGENT_TIERING',
    storageTier: O.some('FREQUENT'),
    restoreStatus: O.none
  }
  const page = {
    name: bucket,
    delimiter: O.some('/'),
    maxKeys: 2,
    isTruncated: true,
    bucketRegion: O.some('ap-guangzhou')
  }
  const { headers: raw, ...encoded } = await run(listing({ ...input, encodingType: 'url' }))
  const request = emulator.requests().at(-1)
  t.same(encoded, {
    ...page,
    requestId: request?.requestId,
    encodingType: O.some('url'),
    prefix: 'a%20b/',
    marker: 'a%20b/%2B1',
    nextMarker: O.some('a%20b/y%25%E8%85%BE'),
    contents: [{ ...found, key: 'a%20b/y%25%E8%85%BE' }],
    commonPrefixes: ['a%20b/x/']
  })
  t.match(raw, { 'x-cos-bucket-region': 'ap-guangzhou' })
  t.match(request, {
    headers: { 'x-cos-by-hand': 'header' },
    query: {
      prefix: 'a b/',
      delimiter: '/',
      marker: 'a b/+1',
      'max-keys': '2',
      'encoding-type': 'url',
      'by-hand': 'parameter'
    }
  })

  const { headers: _raw, requestId: _id, ...plain } = await run(listing(input))
  t.same(plain, {
    ...page,
    encodingType: O.none,
    prefix: 'a b/',
    marker: 'a b/+1',
    nextMarker: O.some('a b/y%腾'),
    contents: [{ ...found, key: 'a b/y%腾' }],
    commonPrefixes: ['a b/x/']
  })
  t.match(await run(listing({ ...input, marker: 'a b/y%腾' })), {
    contents: [{ key: 'a b/z' }],
    commonPrefixes: [],
    isTruncated: false,
    nextMarker: O.none
  })
})

t.test('every parameter is covered', async (t) => t.same(uncovered(), []))

t.test('pages of no, one and more than a page of objects; keys are decoded', async (t) => {
  const { run, client, cos } = await A.startFixture(t)
  t.match(await run(listObjects({ bucket })), {
    contents: [],
    commonPrefixes: [],
    isTruncated: false,
    prefix: '',
    marker: '',
    maxKeys: 1000,
    delimiter: O.none
  })
  const keys = [' lead', '00123', '1e5', 'a+b', 'a%2Bb', 'trail ', '\u0001', '&<>"\'', '腾\u{1F600}', 'nan']
  for (const [n, key] of keys.entries()) {
    await run(putObject({ bucket, key, body: '' }))
    t.equal((await run(listObjects({ bucket }))).contents.length, n + 1)
  }
  const before = cos.operations().length
  const all = await toArray(streamObjects({ bucket, maxKeys: 3 })(client))
  t.same(
    all.map(({ key }) => key),
    keys.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
  )
  t.equal(cos.operations().length - before, 4)
})

t.test('a page of a thousand keys that need percent-encoding is whole', async (t) => {
  const seed = Array.from({ length: 1001 }, (_, n) => ({ bucket, key: `&"${String(n).padStart(4, '0')}"` }))
  const { run } = await A.startFixture(t, { seed })
  const page = await run(listObjects({ bucket }))
  t.match([page.contents.length, page.isTruncated, page.nextMarker], [1000, true, O.some('&"0999"')])
})

t.test('a missing next marker is computed', async (t) => {
  const row = (key: string) =>
    `<Contents><Key>${key}</Key><LastModified>2024-05-01T08:00:00.000Z</LastModified><ETag>"a"</ETag><Size>1</Size></Contents>`
  const body = `<ListBucketResult><IsTruncated>TRUE</IsTruncated>${row('a')}${row('b')}<CommonPrefixes><Prefix>c/</Prefix></CommonPrefixes></ListBucketResult>`
  const { run } = await A.startFixture(t, { fault: () => ({ response: { status: 200, body } }) })
  t.match(await run(listObjects({ bucket, delimiter: '/' })), {
    nextMarker: O.some('c/'),
    contents: [{ key: 'a', storageClass: 'STANDARD', owner: O.none }, { key: 'b' }],
    commonPrefixes: ['c/']
  })
})

t.test('COS refuses requests that its state does not allow', async (t) => {
  const { runFailing } = await A.startFixture(t)
  const expectRefusal = async (input: Partial<ListObjectsInput>, status: number, code: string) =>
    t.match(await runFailing(listObjects({ bucket, ...input })), {
      _tag: 'ServiceError',
      status,
      code,
      context: { operation: 'ListObjects', key: O.none, attempts: 1 }
    })
  await expectRefusal({ bucket: A.nowhere }, 404, 'NoSuchBucket')
  await expectRefusal({ delimiter: '//' }, 400, 'InvalidDelimiter')
  await expectRefusal({ query: { 'max-keys': 'many' } }, 400, 'InvalidArgument')
  await expectRefusal({ query: { 'encoding-type': 'base64' } }, 400, 'InvalidArgument')
})

t.test('an invalid input is an InvalidInput, and nothing is sent', (t) =>
  expectInvalidInput(t, [
    ['bucket', listObjects({ bucket: 'no-appid' })],
    ['delimiter', listObjects({ bucket, delimiter: '\ud800' })],
    ['maxKeys', listObjects({ bucket, maxKeys: 0 })],
    ['maxKeys', listObjects({ bucket, maxKeys: 1001 })],
    ['prefix', listObjects({ bucket, prefix: '\ud800' })],
    ['marker', listObjects({ bucket, marker: '\ud800' })],
    ['encodingType', listObjects({ bucket, encodingType: 'base64' as never })]
  ])
)

cutPageIsRetried(listObjects({ bucket }))
refusals(listObjects({ bucket }))
