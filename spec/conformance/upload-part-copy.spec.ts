/** Upload Part - Copy, over the wire: a part made of another object, or of a range of it. */
import { createHash } from 'node:crypto'
import * as O from 'fp-ts/lib/Option.js'
import t from 'tap'
import { crc64 } from '../../lib/core/crc64.js'
import { completeMultipartUpload } from '../../lib/operations/complete-multipart-upload.js'
import { createMultipartUpload } from '../../lib/operations/create-multipart-upload.js'
import { deleteObject } from '../../lib/operations/delete-object.js'
import { getObject } from '../../lib/operations/get-object.js'
import { putObject } from '../../lib/operations/put-object.js'
import { uploadPartCopy, type UploadPartCopyInput } from '../../lib/operations/upload-part-copy.js'
import * as A from './fixture.js'
import { failedInside200, refusals, expectInvalidInput } from './error-cases.js'
import { trackParameters } from './parameter-coverage.js'

const { bucket, region } = A
const { call: copying, uncovered } = trackParameters(uploadPartCopy)
const from = { bucket: A.versioned, key: 'from/a b+%?#腾.txt' }
const copySource = { ...from, region }
const at = { bucket, key: 'a.txt' }
const etagOf = (text: string): string => `"${createHash('md5').update(text).digest('hex')}"`

t.test('a part is copied from a range of a version, from one customer key to another', async (t) => {
  const second = Math.floor(Date.now() / 1000) * 1000
  const { run, headersOf, emulator } = await A.startFixture(t, { now: () => second, minPartSize: 1 })
  const source = await run(putObject({ ...from, body: '0123456789', sse: A.otherC }))
  const versionId = A.some(source.versionId)
  await run(putObject({ ...from, body: 'newer' }))
  const to = { bucket, ...A.collapsing }
  const { uploadId } = await run(createMultipartUpload({ ...to, sse: A.sseC }))
  const endpoint = `cos.${region}.myqcloud.com`
  const { headers: _raw, ...one } = await run(
    copying({
      ...to,
      uploadId,
      partNumber: 1,
      copySource: { ...copySource, endpoint, versionId },
      copySourceSse: A.otherC,
      copySourceRange: { first: 2, last: 4 },
      copySourceIfMatch: source.etag.replaceAll('"', ''),
      copySourceIfUnmodifiedSince: A.future,
      sse: A.sseC,
      headers: { 'x-cos-by-hand': 'header' },
      query: { 'by-hand': 'parameter' }
    })
  )
  t.same(one, {
    requestId: emulator.requests().at(-1)?.requestId,
    partNumber: 1,
    etag: one.etag,
    lastModified: O.some(new Date(second)),
    crc64: O.some(await crc64(Buffer.from('234'))),
    copySourceVersionId: O.some(versionId),
    sse: O.some({ type: 'C', keyMd5: O.some(A.sseCMd5) })
  })
  t.match(headersOf('UploadPartCopy'), {
    'x-cos-copy-source': `${A.versioned}.${endpoint}/from/a%20b%2B%25%3F%23%E8%85%BE.txt?versionId=${versionId}`,
    'x-cos-copy-source-range': 'bytes=2-4',
    'x-cos-copy-source-if-match': source.etag,
    'x-cos-copy-source-if-unmodified-since': 'Sat, 02 Jan 2100 03:04:05 GMT',
    'content-length': '0',
    'x-cos-by-hand': 'header'
  })
  // The other pair of conditions, and the whole object.
  const two = await run(
    copying({
      ...to,
      uploadId,
      partNumber: 2,
      copySource,
      copySourceIfNoneMatch: 'another',
      copySourceIfModifiedSince: A.past,
      sse: A.sseC
    })
  )
  t.match(two, { partNumber: 2, copySourceVersionId: O.none })
  t.equal(headersOf('UploadPartCopy')['x-cos-copy-source-range'], undefined)
  await run(completeMultipartUpload({ ...to, uploadId, parts: [one, two] }))
  t.equal(await A.textOf((await run(getObject({ ...to, sse: A.sseC }))).body), '234newer')
})

t.test('every parameter is covered', async (t) => t.same(uncovered(), []))

t.test('the ETag of a copied part is its MD5', async (t) => {
  const { run } = await A.startFixture(t)
  await run(putObject({ ...from, body: '0123456789' }))
  const { uploadId } = await run(createMultipartUpload(at))
  const part = await run(
    uploadPartCopy({ ...at, uploadId, partNumber: 3, copySource, copySourceRange: { first: 0, last: 9 } })
  )
  t.match(part, { partNumber: 3, etag: etagOf('0123456789'), sse: O.none })
})

t.test('COS refuses requests that its state does not allow', async (t) => {
  const large = 5 * 1024 ** 3 + 1
  const { run, runFailing } = await A.startFixture(t, { seed: [{ bucket, key: 'large', size: large }] })
  const source = await run(putObject({ ...from, body: '0123456789' }))
  await run(putObject({ ...at, key: 'archived', body: 'a', storageClass: 'ARCHIVE' }))
  await run(putObject({ ...at, key: 'secret', body: 'a', sse: A.sseC }))
  const { uploadId } = await run(createMultipartUpload(at))
  const expectRefusal = async (input: Partial<UploadPartCopyInput>, status: number, code: string) => {
    const error = await runFailing(uploadPartCopy({ ...at, uploadId, partNumber: 1, copySource, ...input }))
    t.match(error, { _tag: 'ServiceError', status, code, context: { attempts: 1 } }, code)
  }
  const of = (key: string) => ({ copySource: { bucket, region, key } })
  await expectRefusal({ bucket: A.nowhere }, 404, 'NoSuchBucket')
  await expectRefusal({ uploadId: 'never' }, 404, 'NoSuchUpload')
  await expectRefusal({ key: 'another' }, 404, 'NoSuchUpload')
  await expectRefusal({ copySource: { ...copySource, bucket: A.nowhere } }, 404, 'NoSuchBucket')
  await expectRefusal(of('never'), 404, 'NoSuchKey')
  await expectRefusal({ copySource: { ...copySource, versionId: 'never' } }, 404, 'NoSuchVersion')
  await expectRefusal({ headers: { 'x-cos-copy-source': 'nonsense' } }, 400, 'InvalidCopySource')
  await expectRefusal(of('archived'), 403, 'InvalidObjectState')
  await expectRefusal(of('large'), 400, 'EntityTooLarge')
  await expectRefusal(of('secret'), 400, 'SsecDecryptHeaderInvalid')
  await expectRefusal({ ...of('secret'), copySourceSse: A.otherC }, 400, 'SsecDecryptHeaderInvalid')
  await expectRefusal({ sse: A.sseC }, 400, 'SsecDecryptHeaderInvalid')
  await expectRefusal({ copySourceRange: { first: 5, last: 10 } }, 416, 'InvalidRange')
  await expectRefusal({ copySourceRange: { first: 10, last: 10 } }, 416, 'InvalidRange')
  await expectRefusal({ headers: { 'x-cos-copy-source-range': 'bytes=5-' } }, 400, 'InvalidArgument')
  await expectRefusal({ copySourceIfMatch: 'another' }, 412, 'PreconditionFailed')
  await expectRefusal({ copySourceIfNoneMatch: source.etag }, 412, 'PreconditionFailed')
  await expectRefusal({ copySourceIfModifiedSince: A.future }, 412, 'PreconditionFailed')
  await expectRefusal({ copySourceIfUnmodifiedSince: A.past }, 412, 'PreconditionFailed')
  // COS's page says that other pairs than Match with Unmodified and None-Match with Modified return a conflict.
  await expectRefusal({ copySourceIfMatch: source.etag, copySourceIfNoneMatch: 'another' }, 409, 'Conflict')

  // The guide's sample with all parameters has all four conditions: they are sent, and COS's page has a conflict for them.
  await expectRefusal(
    {
      copySourceIfMatch: source.etag,
      copySourceIfModifiedSince: A.past,
      copySourceIfNoneMatch: 'another',
      copySourceIfUnmodifiedSince: A.future
    },
    409,
    'Conflict'
  )

  const marker = await run(deleteObject(from))
  await expectRefusal({}, 404, 'NoSuchKey')
  await expectRefusal(
    { copySource: { ...copySource, versionId: A.some(marker.versionId) } },
    400,
    'InvalidRequest'
  )
})

t.test('an invalid input is an InvalidInput, and nothing is sent', (t) => {
  const part = { ...at, uploadId: 'id', partNumber: 1, copySource }
  return expectInvalidInput(t, [
    ['uploadId', uploadPartCopy({ ...part, uploadId: '' })],
    ['partNumber', uploadPartCopy({ ...part, partNumber: 0 })],
    ['partNumber', uploadPartCopy({ ...part, partNumber: 10_001 })],
    ['copySource.region', uploadPartCopy({ ...part, copySource: from })],
    ['copySource.bucket', uploadPartCopy({ ...part, copySource: { ...copySource, bucket: 'a' } })],
    ['copySourceRange.last', uploadPartCopy({ ...part, copySourceRange: { first: 2, last: 1 } })],
    ['copySourceRange.last', uploadPartCopy({ ...part, copySourceRange: { first: 2 } as never })],
    ['copySourceIfModifiedSince', uploadPartCopy({ ...part, copySourceIfModifiedSince: new Date(NaN) })]
  ])
})

const copy = uploadPartCopy({ ...at, uploadId: 'id', partNumber: 1, copySource })

t.test('an error or a cut document inside a 200 is a failure', (t) =>
  failedInside200(t, copy, 'CopyPartResult')
)

refusals(copy)
