/** List Multipart Uploads, over the wire: what was begun and neither completed nor aborted. */
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
import { brokenOff, refusals, refusedUnsent } from './error-cases.js'
import { showing } from './parameter-coverage.js'

const { bucket } = A
const { call: listing, unshown } = showing(listMultipartUploads)
const owner = O.some({ id: '1250000000', displayName: '1250000000' })

t.test('a page behind an upload of a key, rolled up, in the words that COS writes keys in', async (t) => {
  const second = Math.floor(Date.now() / 1000) * 1000
  const { done, emulator } = await A.asking(t, { now: () => second })
  const key = 'a b/k+腾'
  const begin = async (key: string) =>
    (await done(createMultipartUpload({ bucket, key, storageClass: 'ARCHIVE' }))).uploadId
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
  const { headers: _raw, ...encoded } = await done(listing({ ...input, encodingType: 'url' }))
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
  const { headers: _, requestId: _id, ...plain } = await done(listing(input))
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
  t.match(await done(listing({ ...next, keyMarker: 'a b/x/' })), {
    uploads: [{ key: 'a b/z' }],
    isTruncated: false,
    nextKeyMarker: O.none
  })
  t.match(await done(listing({ bucket, maxUploads: 1 })), {
    uploads: [{ uploadId: first }],
    nextKeyMarker: O.some(key),
    nextUploadIdMarker: O.some(first)
  })
})

t.test('every parameter was shown', async (t) => t.same(unshown(), []))

t.test('of none, of one, and of more than a page, several of one key among them', async (t) => {
  const { done, client } = await A.asking(t)
  t.match(await done(listMultipartUploads({ bucket })), {
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
    const { uploadId } = await done(createMultipartUpload({ bucket, key }))
    begun.push(`${key} ${uploadId}`)
    const { uploads } = await done(listMultipartUploads({ bucket }))
    t.equal(uploads.length, begun.length)
  }
  t.match((await done(listMultipartUploads({ bucket }))).uploads, [{ key: ' c ', storageClass: 'STANDARD' }])
  const all = await toArray(streamMultipartUploads({ bucket, maxUploads: 1 })(client))
  t.same(
    all.map(({ key, uploadId }) => `${key} ${uploadId}`),
    begun.toSorted((a, b) => (a < b ? -1 : 1))
  )
})

t.test('a date in another hand is read, or kept as it is', async (t) => {
  const dates = [
    ['Wed Jan 18 16:04:17 2017', O.some(new Date('2017-01-18T16:04:17Z'))],
    ['yesterday', O.none]
  ] as const
  for (const [initiatedText, initiated] of dates) {
    const row = `<Upload><Key>a</Key><UploadId>1</UploadId><StorageClass>Standard</StorageClass><Initiated>${initiatedText}</Initiated></Upload>`
    const body = `<ListMultipartUploadsResult><IsTruncated>false</IsTruncated>${row}</ListMultipartUploadsResult>`
    const { done } = await A.asking(t, { fault: () => ({ response: { status: 200, body } }) })
    const { uploads } = await done(listMultipartUploads({ bucket }))
    t.match(uploads, [
      { initiatedText, initiated, storageClass: 'STANDARD', owner: O.none, initiator: O.none }
    ])
  }
})

t.test('what does not hold is refused by the one who looks', async (t) => {
  const { failed } = await A.asking(t)
  const refused = async (input: Partial<ListMultipartUploadsInput>, status: number, code: string) =>
    t.match(await failed(listMultipartUploads({ bucket, ...input })), { _tag: 'ServiceError', status, code })
  await refused({ bucket: A.nowhere }, 404, 'NoSuchBucket')
  await refused({ query: { delimiter: '//' } }, 400, 'InvalidDelimiter')
  await refused({ query: { 'max-uploads': 'many' } }, 400, 'InvalidArgument')
})

t.test('what makes no sense is refused before it is sent', (t) =>
  refusedUnsent(t, [
    ['bucket', listMultipartUploads({ bucket: 'no-appid' })],
    ['delimiter', listMultipartUploads({ bucket, delimiter: '//' })],
    ['maxUploads', listMultipartUploads({ bucket, maxUploads: 1001 })],
    ['keyMarker', listMultipartUploads({ bucket, uploadIdMarker: 'a' })],
    ['prefix', listMultipartUploads({ bucket, prefix: '\ud800' })],
    ['query', listMultipartUploads({ bucket, query: { uploads: '' } })]
  ])
)

brokenOff(listMultipartUploads({ bucket }))
refusals(listMultipartUploads({ bucket }))
