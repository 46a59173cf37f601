/** List Parts, over the wire: the parts of an unfinished upload, page by page. */
import { createHash } from 'node:crypto'
import * as O from 'fp-ts/lib/Option.js'
import t from 'tap'
import { abortMultipartUpload } from '../../lib/operations/abort-multipart-upload.js'
import { createMultipartUpload } from '../../lib/operations/create-multipart-upload.js'
import { listParts } from '../../lib/operations/list-parts.js'
import { uploadPart } from '../../lib/operations/upload-part.js'
import { toArray } from '../support/iterables.js'
import { streamParts } from '../../lib/transfers/list/stream-parts.js'
import * as A from './fixture.js'
import { refusals, expectInvalidInput } from './error-cases.js'
import { trackParameters } from './parameter-coverage.js'

const { bucket } = A
const { call: listing, uncovered } = trackParameters(listParts)
const at = { bucket, key: 'a.txt' }
const owner = O.some({ id: '1250000000', displayName: '1250000000' })
const etagOf = (text: string): string => `"${createHash('md5').update(text).digest('hex')}"`

t.test('a page of parts after a number, with encodingType', async (t) => {
  const second = Math.floor(Date.now() / 1000) * 1000
  const { run, emulator } = await A.startFixture(t, { now: () => second })
  const to = { bucket, key: 'a b+%腾/..', allowPathLikeKey: true } as const
  const { uploadId } = await run(createMultipartUpload({ ...to, storageClass: 'STANDARD_IA' }))
  for (const partNumber of [10, 2, 3, 1]) {
    await run(uploadPart({ ...to, uploadId, partNumber, body: 'x'.repeat(partNumber) }))
  }
  const input = {
    ...to,
    uploadId,
    partNumberMarker: 1,
    maxParts: 2,
    headers: { 'x-cos-by-hand': 'header' },
    query: { 'by-hand': 'parameter' }
  }
  const part = (partNumber: number) => ({
    _tag: 'Part',
    partNumber,
    etag: etagOf('x'.repeat(partNumber)),
    size: partNumber,
    lastModified: O.some(new Date(second)),
    lastModifiedText: new Date(second).toISOString()
  })
  const page = {
    bucket,
    uploadId,
    initiator: owner,
    owner,
    storageClass: 'STANDARD_IA',
    partNumberMarker: 1,
    maxParts: 2,
    isTruncated: true,
    nextPartNumberMarker: O.some(3),
    parts: [part(2), part(3)]
  }
  const { headers: raw, ...encoded } = await run(listing({ ...input, encodingType: 'url' }))
  const request = emulator.requests().at(-1)
  t.same(encoded, {
    ...page,
    requestId: request?.requestId,
    key: 'a%20b%2B%25%E8%85%BE/..',
    encodingType: O.some('url')
  })
  t.match(raw, { 'content-type': 'application/xml' })
  t.match(request, {
    headers: { 'x-cos-by-hand': 'header' },
    query: {
      'by-hand': 'parameter',
      'encoding-type': 'url',
      'part-number-marker': '1',
      'max-parts': '2'
    }
  })
  t.match(await run(listing(input)), { ...page, key: to.key, encodingType: O.none })
  t.match(await run(listing({ ...input, partNumberMarker: 3 })), {
    isTruncated: false,
    nextPartNumberMarker: O.none,
    parts: [part(10)]
  })
})

t.test('every parameter is covered', async (t) => t.same(uncovered(), []))

t.test('pages of no, one and more than a page of entries', async (t) => {
  const { run, client, cos } = await A.startFixture(t)
  const { uploadId } = await run(createMultipartUpload(at))
  t.match(await run(listParts({ ...at, uploadId })), {
    parts: [],
    isTruncated: false,
    maxParts: 1000,
    storageClass: 'STANDARD'
  })
  for (let n = 1; n <= 5; n += 1) {
    await run(uploadPart({ ...at, uploadId, partNumber: n, body: '' }))
    t.equal((await run(listParts({ ...at, uploadId }))).parts.length, n)
  }
  const before = cos.operations().length
  const all = await toArray(streamParts({ ...at, uploadId, maxParts: 2 })(client))
  t.same(
    all.map(({ partNumber }) => partNumber),
    [1, 2, 3, 4, 5]
  )
  t.equal(cos.operations().length - before, 3)
})

t.test('a date is read in every known form, and kept as text otherwise', async (t) => {
  const dates = [
    ['2017-09-04T04:45:45', O.some(new Date('2017-09-04T04:45:45Z'))],
    ['Wed Jan 18 16:04:17 2017', O.some(new Date('2017-01-18T16:04:17Z'))],
    ['yesterday', O.none]
  ] as const
  for (const [lastModifiedText, lastModified] of dates) {
    const row = `<Part><PartNumber>1</PartNumber><LastModified>${lastModifiedText}</LastModified><ETag>"a"</ETag><Size>1</Size></Part>`
    const body = `<ListPartsResult><IsTruncated>FALSE</IsTruncated>${row}</ListPartsResult>`
    const { run } = await A.startFixture(t, { fault: () => ({ response: { status: 200, body } }) })
    t.match((await run(listParts({ ...at, uploadId: 'id' }))).parts, [{ lastModifiedText, lastModified }])
  }
})

t.test('listing an unknown upload is NoSuchUpload', async (t) => {
  const { run, runFailing } = await A.startFixture(t)
  const { uploadId } = await run(createMultipartUpload(at))
  const about = (code: string) => ({ _tag: 'ServiceError', status: 404, code })
  t.match(await runFailing(listParts({ ...at, bucket: A.nowhere, uploadId })), about('NoSuchBucket'))
  t.match(await runFailing(listParts({ ...at, uploadId: 'never' })), about('NoSuchUpload'))
  t.match(await runFailing(listParts({ ...at, key: 'another', uploadId })), about('NoSuchUpload'))
  t.match(await runFailing(listParts({ ...at, uploadId, query: { 'max-parts': 'many' } })), {
    status: 400,
    code: 'InvalidArgument'
  })
  t.match(await runFailing(listParts({ ...at, uploadId, query: { 'encoding-type': 'base64' } })), {
    status: 400,
    code: 'InvalidArgument'
  })
  await run(abortMultipartUpload({ ...at, uploadId }))
  t.match(await runFailing(listParts({ ...at, uploadId })), about('NoSuchUpload'))
})

t.test('a cut page is retried, and never returned as a whole page', async (t) => {
  const { run, runFailing } = await A.startFixture(t, {
    fault: ({ operation }) =>
      operation === 'ListParts' ? { shorten: 300, headers: { 'content-length': null } } : undefined
  })
  const { uploadId } = await run(createMultipartUpload(at))
  t.match(await runFailing(listParts({ ...at, uploadId })), {
    _tag: 'TransportError',
    code: 'IncompleteResponse',
    context: { attempts: 4 }
  })
})

t.test('an invalid input, such as an empty upload id, is an InvalidInput, and nothing is sent', (t) =>
  expectInvalidInput(t, [
    ['uploadId', listParts({ ...at, uploadId: '' })],
    ['key', listParts({ bucket, key: '', uploadId: 'id' })],
    ['partNumberMarker', listParts({ ...at, uploadId: 'id', partNumberMarker: -1 })],
    ['maxParts', listParts({ ...at, uploadId: 'id', maxParts: 1001 })],
    ['maxParts', listParts({ ...at, uploadId: 'id', maxParts: 0 })],
    ['encodingType', listParts({ ...at, uploadId: 'id', encodingType: 'base64' as never })]
  ])
)

refusals(listParts({ ...at, uploadId: 'id' }))
