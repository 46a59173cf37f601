/** List Multipart Uploads, over the wire: uploads that were created, and neither completed nor aborted. */
import * as O from 'fp-ts/lib/Option.js'
import t from 'tap'
import { createMultipartUpload } from '../../lib/operations/create-multipart-upload.js'
import {
  listMultipartUploads,
  type ListMultipartUploadsInput
} from '../../lib/operations/list-multipart-uploads.js'
import { streamMultipartUploads } from '../../lib/transfers/list/stream-multipart-uploads.js'
import { toArray } from '../support/iterables.js'
import * as A from './fixture.js'
import { cutPageIsRetried, refusals, expectInvalidInput } from './error-cases.js'
import { trackParameters } from './parameter-coverage.js'

const { bucket } = A
const { call: listing, uncovered } = trackParameters(listMultipartUploads)
const owner = O.some({ id: '1250000000', displayName: '1250000000' })

t.test('a page after an upload of a key, with a delimiter and encodingType', async (t) => {
  const second = Math.floor(Date.now() / 1000) * 1000
  const { run, emulator } = await A.startFixture(t, { now: () => second })
  const key = 'a b/k+腾'
  const begin = async (key: string) =>
    (await run(createMultipartUpload({ bucket, key, storageClass: 'ARCHIVE' }))).uploadId
  const [first = '', second_ = ''] = [await begin(key), await begin(key)].toSorted()
  await begin('a b/x/1')
  await begin('a b/z')
  const input: ListMultipartUploadsInput = {
    bucket,
    prefix: 'a b/',
    delimiter: '/',
    keyMarker: key,
    uploadIdMarker: first,
    maxUploads: 2,
    headers: { 'x-cos-by-hand': 'header' },
    query: { 'by-hand': 'parameter' }
  }
  const upload = {
    _tag: 'Upload',
    uploadId: second_,
    initiator: owner,
    owner,
    storageClass: 'ARCHIVE',
    initiated: O.some(new Date(second)),
    initiatedText: new Date(second).toISOString()
  }
  const page = {
    bucket,
    uploadIdMarker: first,
    delimiter: O.some('/'),
    maxUploads: 2,
    isTruncated: true,
    nextUploadIdMarker: O.none
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
    uploads: [{ ...upload, key: 'a%20b/k%2B%E8%85%BE' }],
    commonPrefixes: ['a%20b/x/']
  })
  t.match(request, {
    operation: 'ListMultipartUploads',
    headers: { 'x-cos-by-hand': 'header' },
    query: {
      uploads: '',
      prefix: 'a b/',
      delimiter: '/',
      'key-marker': key,
      'upload-id-marker': first,
      'max-uploads': '2',
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
    uploads: [{ ...upload, key }],
    commonPrefixes: ['a b/x/']
  })
  const { uploadIdMarker: _marker, ...next } = input
  t.match(await run(listing({ ...next, keyMarker: 'a b/x/' })), {
    uploads: [{ key: 'a b/z' }],
    isTruncated: false,
    nextKeyMarker: O.none
  })
  t.match(await run(listing({ bucket, maxUploads: 1 })), {
    uploads: [{ uploadId: first }],
    nextKeyMarker: O.some(key),
    nextUploadIdMarker: O.some(first)
  })
})

t.test('every parameter is covered', async (t) => t.same(uncovered(), []))

t.test('pages of no, one and more than a page of uploads, several of one key', async (t) => {
  const { run, client } = await A.startFixture(t)
  t.match(await run(listMultipartUploads({ bucket })), {
    uploads: [],
    commonPrefixes: [],
    isTruncated: false,
    maxUploads: 1000,
    prefix: '',
    keyMarker: '',
    uploadIdMarker: '',
    delimiter: O.none
  })
  const begun = []
  for (const key of ['b', 'a', '00123', 'a', ' c ', 'a']) {
    const { uploadId } = await run(createMultipartUpload({ bucket, key }))
    begun.push(`${key} ${uploadId}`)
    const { uploads } = await run(listMultipartUploads({ bucket }))
    t.equal(uploads.length, begun.length)
  }
  t.match((await run(listMultipartUploads({ bucket }))).uploads, [{ key: ' c ', storageClass: 'STANDARD' }])
  const all = await toArray(streamMultipartUploads({ bucket, maxUploads: 1 })(client))
  t.same(
    all.map(({ key, uploadId }) => `${key} ${uploadId}`),
    begun.toSorted((a, b) => (a < b ? -1 : 1))
  )
})

t.test('a date is read in every known form, and kept as text otherwise', async (t) => {
  const dates = [
    ['Wed Jan 18 16:04:17 2017', O.some(new Date('2017-01-18T16:04:17Z'))],
    ['yesterday', O.none]
  ] as const
  for (const [initiatedText, initiated] of dates) {
    const row = `<Upload><Key>a</Key><UploadId>1</UploadId><StorageClass>Standard</StorageClass><Initiated>${initiatedText}</Initiated></Upload>`
    const body = `<ListMultipartUploadsResult><IsTruncated>false</IsTruncated>${row}</ListMultipartUploadsResult>`
    const { run } = await A.startFixture(t, { fault: () => ({ response: { status: 200, body } }) })
    const { uploads } = await run(listMultipartUploads({ bucket }))
    t.match(uploads, [
      { initiatedText, initiated, storageClass: 'STANDARD', owner: O.none, initiator: O.none }
    ])
  }
})

t.test('an upload id marker without a key marker is ignored by COS', async (t) => {
  const { run } = await A.startFixture(t)
  for (const key of ['a', 'b']) await run(createMultipartUpload({ bucket, key }))
  const { uploads } = await run(listMultipartUploads({ bucket, uploadIdMarker: 'z' }))
  t.match(uploads, [{ key: 'a' }, { key: 'b' }])
})

t.test('COS refuses requests that its state does not allow', async (t) => {
  const { runFailing } = await A.startFixture(t)
  const expectRefusal = async (input: Partial<ListMultipartUploadsInput>, status: number, code: string) =>
    t.match(await runFailing(listMultipartUploads({ bucket, ...input })), {
      _tag: 'ServiceError',
      status,
      code
    })
  await expectRefusal({ bucket: A.nowhere }, 404, 'NoSuchBucket')
  await expectRefusal({ delimiter: '//' }, 400, 'InvalidDelimiter')
  await expectRefusal({ query: { 'max-uploads': 'many' } }, 400, 'InvalidArgument')
})

t.test('an invalid input is an InvalidInput, and nothing is sent', (t) =>
  expectInvalidInput(t, [
    ['bucket', listMultipartUploads({ bucket: 'no-appid' })],
    ['delimiter', listMultipartUploads({ bucket, delimiter: '\ud800' })],
    ['maxUploads', listMultipartUploads({ bucket, maxUploads: 1001 })],
    ['uploadIdMarker', listMultipartUploads({ bucket, uploadIdMarker: '\ud800' })],
    ['prefix', listMultipartUploads({ bucket, prefix: '\ud800' })],
    ['query', listMultipartUploads({ bucket, query: { uploads: '' } })]
  ])
)

cutPageIsRetried(listMultipartUploads({ bucket }))
refusals(listMultipartUploads({ bucket }))
