/** Initiate Multipart Upload, over the wire: the metadata of the upload are those of the completed object. */
import * as O from 'fp-ts/lib/Option.js'
import t from 'tap'
import { completeMultipartUpload } from '../../lib/operations/complete-multipart-upload.js'
import {
  createMultipartUpload,
  type CreateMultipartUploadInput
} from '../../lib/operations/create-multipart-upload.js'
import { getObject } from '../../lib/operations/get-object.js'
import { listMultipartUploads } from '../../lib/operations/list-multipart-uploads.js'
import { objectExists } from '../../lib/operations/object-exists.js'
import { putObject } from '../../lib/operations/put-object.js'
import { uploadPart } from '../../lib/operations/upload-part.js'
import { sendRequest } from '../support/signed.js'
import * as A from './fixture.js'
import { refusals, expectInvalidInput } from './error-cases.js'
import { trackParameters } from './parameter-coverage.js'

const { bucket } = A
const { call: creating, uncovered } = trackParameters(createMultipartUpload)
const at = { bucket, key: 'a.txt' }

t.test('attributes given at creation are those of the completed object', async (t) => {
  const { run, headersOf, emulator } = await A.startFixture(t)
  const to = { bucket, ...A.collapsing }
  const { headers: _raw, ...output } = await run(
    creating({
      ...to,
      ...A.entity,
      ...A.access,
      sse: { type: 'COS' },
      storageClass: 'STANDARD_IA',
      tagging: { a: '1', b: '2' },
      forbidOverwrite: true,
      headers: { 'x-cos-meta-extra': 'by hand' },
      query: { 'by-hand': 'parameter' }
    })
  )
  const { uploadId } = output
  t.same(output, {
    requestId: emulator.requests()[0]?.requestId,
    bucket,
    key: 'a/..',
    uploadId,
    sse: O.some({ type: 'COS' })
  })
  t.match(headersOf('CreateMultipartUpload'), {
    ...A.accessHeaders,
    'content-length': '0',
    'x-cos-forbid-overwrite': 'true',
    'x-cos-tagging': 'a=1&b=2'
  })
  t.match((await run(listMultipartUploads({ bucket }))).uploads, [
    { key: 'a/..', uploadId, storageClass: 'STANDARD_IA' }
  ])
  t.equal(await run(objectExists(to)), false, 'nothing is there before it is completed')

  const part = await run(uploadPart({ ...to, uploadId, partNumber: 1, body: 'hello' }))
  await run(completeMultipartUpload({ ...to, uploadId, parts: [part] }))
  const got = await run(getObject(to))
  t.equal(await A.textOf(got.body), 'hello')
  t.match(got, {
    ...A.entityAttributes,
    metadata: { ...A.entityAttributes.metadata, extra: 'by hand' },
    storageClass: 'STANDARD_IA',
    taggingCount: O.some(2),
    sse: O.some({ type: 'COS' })
  })
  const acl = await sendRequest(emulator, { key: 'a/..', query: { acl: '' } })
  t.match(acl.text, /100000000006<\/ID>[^]*<Permission>FULL_CONTROL/)
})

t.test('each of the three kinds of encryption is returned', async (t) => {
  const { run } = await A.startFixture(t)
  const kms = await run(creating({ ...at, sse: { type: 'KMS', keyId: 'a-key', context: { a: '1' } } }))
  t.same(kms.sse, O.some({ type: 'KMS', keyId: O.some('a-key') }))
  t.same((await run(creating({ ...at, sse: A.sseC }))).sse, O.some({ type: 'C', keyMd5: O.some(A.sseCMd5) }))
  t.same((await run(creating(at))).sse, O.none)
})

t.test('every parameter is covered', async (t) => t.same(uncovered(), []))

t.test('the upload id is found for a key that XML cannot express', async (t) => {
  const { run } = await A.startFixture(t)
  for (const key of ['\u0001 & <>', ' space ', '腾😀', '00123']) {
    const { uploadId, key: output } = await run(createMultipartUpload({ bucket, key }))
    t.equal(output, key)
    const part = await run(uploadPart({ bucket, key, uploadId, partNumber: 1, body: key }))
    await run(completeMultipartUpload({ bucket, key, uploadId, parts: [part] }))
    t.equal(await A.textOf((await run(getObject({ bucket, key }))).body), key)
  }
})

t.test('UploadID is accepted as spelling, and a response without an id is a DecodeError', async (t) => {
  const root = 'InitiateMultipartUploadResult'
  const respondWith = (inside: string) => ({
    fault: () => ({ response: { status: 200, body: `<${root}>${inside}</${root}>` } })
  })
  const capitals = await A.startFixture(t, respondWith('<UploadID>1</UploadID>'))
  t.match(await capitals.run(createMultipartUpload(at)), { uploadId: '1', bucket, key: 'a.txt' })
  const { runFailing } = await A.startFixture(t, respondWith('<Bucket>b</Bucket>'))
  t.match(await runFailing(createMultipartUpload(at)), { _tag: 'DecodeError', status: 200 })
})

t.test('COS refuses requests that its state does not allow', async (t) => {
  const { run, runFailing } = await A.startFixture(t)
  const expectRefusal = async (input: Partial<CreateMultipartUploadInput>, status: number, code: string) =>
    t.match(await runFailing(createMultipartUpload({ ...at, ...input })), {
      _tag: 'ServiceError',
      status,
      code
    })
  await expectRefusal({ bucket: A.nowhere }, 404, 'NoSuchBucket')
  await expectRefusal({ storageClass: 'NEXT_YEARS' }, 400, 'NotSupportedStorageClass')
  await expectRefusal({ storageClass: 'MAZ_ARCHIVE' }, 400, 'MAZOperationNotSupportOnOAZBucket')
  await expectRefusal({ acl: 'nobody' }, 400, 'InvalidArgument')
  await expectRefusal({ grantFullControl: 'anyone' }, 400, 'InvalidArgument')
  await expectRefusal({ headers: { 'x-cos-tagging': 'a=1&a=2' } }, 400, 'InvalidTag')
  const customer = 'x-cos-server-side-encryption-customer'
  await expectRefusal({ headers: { [`${customer}-algorithm`]: 'AES256' } }, 400, 'SsecDecryptHeaderInvalid')
  await expectRefusal({ metadata: { a: 'x'.repeat(5000) } }, 400, 'MetadataTooLarge')
  await run(putObject({ ...at, body: '' }))
  await expectRefusal({ forbidOverwrite: true }, 409, 'FileAlreadyExists')
})

t.test('an invalid input is an InvalidInput, and nothing is sent', (t) =>
  expectInvalidInput(t, [
    ['key', createMultipartUpload({ bucket, key: '' })],
    ['key', createMultipartUpload({ bucket, key: '..' })],
    ['contentType', createMultipartUpload({ ...at, contentType: 'a\nb' })],
    ['expires', createMultipartUpload({ ...at, expires: new Date(NaN) })],
    ['metadata', createMultipartUpload({ ...at, metadata: { a: '1', A: '2' } })],
    ['grantRead.0.id', createMultipartUpload({ ...at, grantRead: [{ id: 'a"b' }] })],
    ['sse', createMultipartUpload({ ...at, sse: { type: 'B' } as never })],
    ['storageClass', createMultipartUpload({ ...at, storageClass: 'A\r\nB' })],
    ['query', createMultipartUpload({ ...at, query: { uploads: '1' } })]
  ])
)

refusals(createMultipartUpload(at))
