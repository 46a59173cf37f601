/** Upload Part, over the wire: the bytes of a part, and the errors of a missing upload. */
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import * as O from 'fp-ts/lib/Option.js'
import t from 'tap'
import { crc64 } from '../../lib/core/crc64.js'
import { abortMultipartUpload } from '../../lib/operations/abort-multipart-upload.js'
import { completeMultipartUpload } from '../../lib/operations/complete-multipart-upload.js'
import { createMultipartUpload } from '../../lib/operations/create-multipart-upload.js'
import { getObject } from '../../lib/operations/get-object.js'
import { listParts } from '../../lib/operations/list-parts.js'
import { uploadPart, type UploadPartInput } from '../../lib/operations/upload-part.js'
import { from } from '../support/iterables.js'
import * as A from './fixture.js'
import { refusals, expectInvalidInput } from './error-cases.js'
import { trackParameters } from './parameter-coverage.js'

const { bucket } = A
const { call: uploading, uncovered } = trackParameters(uploadPart)
const at = { bucket, key: 'a.txt' }
const md5 = (text: string): string => createHash('md5').update(text).digest('base64')
const etagOf = (text: string): string => `"${createHash('md5').update(text).digest('hex')}"`

t.test('a part is uploaded with every parameter, with the customer key of its upload', async (t) => {
  const { run, headersOf, emulator } = await A.startFixture(t)
  const to = { bucket, ...A.collapsing }
  const { uploadId } = await run(createMultipartUpload({ ...to, sse: A.sseC }))
  const sum = await crc64(Buffer.from('hello'))
  const { headers: raw, ...part } = await run(
    uploading({
      ...to,
      uploadId,
      partNumber: 1,
      body: 'hello',
      contentLength: 5,
      contentMd5: md5('hello'),
      enableMd5: true,
      expectContinue: true,
      sse: A.sseC,
      trafficLimit: 819_200,
      headers: { 'x-cos-by-hand': 'header' },
      query: { 'by-hand': 'parameter' }
    })
  )
  t.same(part, {
    requestId: emulator.requests().at(-1)?.requestId,
    partNumber: 1,
    etag: part.etag,
    crc64: O.some(sum),
    sentCrc64: sum,
    integrity: { _tag: 'Verified', crc64: sum },
    sse: O.some({ type: 'C', keyMd5: O.some(A.sseCMd5) })
  })
  t.not(part.etag, etagOf('hello'), 'under a customer’s key it is no MD5')
  t.match(raw, { etag: part.etag })
  t.match(headersOf('UploadPart'), {
    'content-length': '5',
    'content-md5': md5('hello'),
    expect: '100-continue',
    'x-cos-traffic-limit': '819200',
    'x-cos-by-hand': 'header'
  })
  t.match(emulator.requests().at(-1)?.query, { partNumber: '1', uploadId, 'by-hand': 'parameter' })

  await run(completeMultipartUpload({ ...to, uploadId, parts: [part] }))
  const got = await run(getObject({ ...to, sse: A.sseC }))
  t.equal(await A.textOf(got.body), 'hello')
})

t.test('every parameter is covered', async (t) => t.same(uncovered(), []))

t.test('parts may come in any order and from any body, and an equal number replaces a part', async (t) => {
  const { run } = await A.startFixture(t, { minPartSize: 1 })
  const { uploadId } = await run(createMultipartUpload(at))
  const file = join(t.testdir({ part: 'three ' }), 'part')
  const bodies = [
    [4, { body: from(Buffer.from('four ')), contentLength: 5 }],
    [3, { body: { file } }],
    [1, { body: 'wrong' }],
    [2, { body: { open: () => from(Buffer.from('two ')), size: 4 } }],
    [1, { body: Buffer.from('one '), enableMd5: true }],
    [5, { body: '' }]
  ] as const
  for (const [partNumber, body] of bodies) {
    const part = await run(uploadPart({ ...at, uploadId, partNumber, ...body }))
    t.match(part, { partNumber, integrity: { _tag: 'Verified' } })
  }
  const { parts } = await run(listParts({ ...at, uploadId }))
  t.same(
    parts.map(({ partNumber, etag, size }) => [partNumber, etag, size]),
    ['one ', 'two ', 'three ', 'four ', ''].map((text, n) => [n + 1, etagOf(text), text.length])
  )
  await run(completeMultipartUpload({ ...at, uploadId, parts: parts.slice(0, 4) }))
  t.equal(await A.textOf((await run(getObject(at))).body), 'one two three four ')
})

t.test('a part with another checksum is an IntegrityError', async (t) => {
  const headers = { 'x-cos-hash-crc64ecma': '1' }
  const { run, runFailing } = await A.startFixture(t, {
    fault: ({ operation }) => (operation === 'UploadPart' ? { headers } : undefined)
  })
  const { uploadId } = await run(createMultipartUpload(at))
  t.match(await runFailing(uploadPart({ ...at, uploadId, partNumber: 7, body: 'a' })), {
    _tag: 'IntegrityError',
    part: O.some(7),
    expected: String,
    context: { attempts: 4 }
  })
})

t.test('COS refuses requests that its state does not allow', async (t) => {
  const { run, runFailing } = await A.startFixture(t)
  const { uploadId } = await run(createMultipartUpload(at))
  const secret = await run(createMultipartUpload({ ...at, sse: A.sseC }))
  const expectRefusal = async (input: Partial<UploadPartInput>, status: number, code: string) => {
    const error = await runFailing(uploadPart({ ...at, uploadId, partNumber: 1, body: 'a', ...input }))
    t.match(error, { _tag: 'ServiceError', status, code }, code)
  }
  await expectRefusal({ bucket: A.nowhere }, 404, 'NoSuchBucket')
  await expectRefusal({ uploadId: 'never' }, 404, 'NoSuchUpload')
  await expectRefusal({ key: 'another' }, 404, 'NoSuchUpload')
  await expectRefusal({ contentMd5: md5('b') }, 400, 'BadDigest')
  await expectRefusal({ headers: { 'content-md5': 'nonsense' } }, 400, 'InvalidDigest')
  await expectRefusal({ headers: { 'x-cos-content-sha1': '0' } }, 400, 'InvalidSHA1Digest')
  await expectRefusal({ headers: { 'x-cos-traffic-limit': '1' } }, 400, 'InvalidArgument')
  await expectRefusal({ sse: A.sseC }, 400, 'SsecDecryptHeaderInvalid')
  await expectRefusal({ uploadId: secret.uploadId }, 400, 'SsecDecryptHeaderInvalid')
  await expectRefusal({ uploadId: secret.uploadId, sse: A.otherC }, 400, 'SsecDecryptHeaderInvalid')
  await expectRefusal({ headers: { 'x-cos-server-side-encryption': 'AES256' } }, 400, 'SSEHeaderNotAllowed')
  const huge = { open: () => from(Buffer.from('a')), size: 5 * 1024 ** 3 + 1 }
  await expectRefusal({ body: huge, expectContinue: true }, 400, 'EntityTooLarge')
  await run(abortMultipartUpload({ ...at, uploadId }))
  await expectRefusal({}, 404, 'NoSuchUpload')
})

t.test('an invalid input is an InvalidInput, and nothing is sent', (t) => {
  const part = { ...at, uploadId: 'id', partNumber: 1, body: 'a' }
  return expectInvalidInput(t, [
    ['uploadId', uploadPart({ ...part, uploadId: '' })],
    ['partNumber', uploadPart({ ...part, partNumber: 0 })],
    ['partNumber', uploadPart({ ...part, partNumber: 10_001 })],
    ['contentLength', uploadPart({ ...part, body: from(Buffer.from('a')) })],
    ['contentLength', uploadPart({ ...part, contentLength: 2 })],
    ['contentMd5', uploadPart({ ...part, contentMd5: 'nonsense' })],
    ['enableMd5', uploadPart({ ...part, body: from(Buffer.from('a')), contentLength: 1, enableMd5: true })],
    ['trafficLimit', uploadPart({ ...part, trafficLimit: 1 })],
    ['query', uploadPart({ ...part, query: { partNumber: '2' } })]
  ])
})

refusals(uploadPart({ ...at, uploadId: 'id', partNumber: 1, body: 'a' }))
