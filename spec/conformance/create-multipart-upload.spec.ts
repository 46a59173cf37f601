/** Initiate Multipart Upload, over the wire: what is said at the beginning is said of the object in the end. */
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
import { refusals, refusedUnsent } from './error-cases.js'
import { showing } from './parameter-coverage.js'

const { bucket } = A
const { call: creating, unshown } = showing(createMultipartUpload)
const at = { bucket, key: 'a.txt' }

t.test('what is said at the beginning is said of the object in the end', async (t) => {
  const { done, heard, emulator } = await A.asking(t)
  const to = { bucket, ...A.collapsing }
  const { headers: _raw, ...told } = await done(
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
  const { uploadId } = told
  t.same(told, {
    requestId: emulator.requests()[0]?.requestId,
    bucket,
    key: 'a/..',
    uploadId,
    sse: O.some({ type: 'COS' })
  })
  t.match(heard('CreateMultipartUpload'), {
    ...A.accessHeard,
    'content-length': '0',
    'x-cos-forbid-overwrite': 'true',
    'x-cos-tagging': 'a=1&b=2'
  })
  t.match((await done(listMultipartUploads({ bucket }))).uploads, [
    { key: 'a/..', uploadId, storageClass: 'STANDARD_IA' }
  ])
  t.equal(await done(objectExists(to)), false, 'nothing is there before it is completed')

  const part = await done(uploadPart({ ...to, uploadId, partNumber: 1, body: 'hello' }))
  await done(completeMultipartUpload({ ...to, uploadId, parts: [part] }))
  const got = await done(getObject(to))
  t.equal(await A.textOf(got.body), 'hello')
  t.match(got, {
    ...A.entityTold,
    metadata: { ...A.entityTold.metadata, extra: 'by hand' },
    storageClass: 'STANDARD_IA',
    taggingCount: O.some(2),
    sse: O.some({ type: 'COS' })
  })
  const acl = await sendRequest(emulator, { key: 'a/..', query: { acl: '' } })
  t.match(acl.text, /100000000006<\/ID>[^]*<Permission>FULL_CONTROL/)
})

t.test('encryption is of three kinds, and each is said back', async (t) => {
  const { done } = await A.asking(t)
  const kms = await done(creating({ ...at, sse: { type: 'KMS', keyId: 'a-key', context: { a: '1' } } }))
  t.same(kms.sse, O.some({ type: 'KMS', keyId: O.some('a-key') }))
  t.same((await done(creating({ ...at, sse: A.sseC }))).sse, O.some({ type: 'C', keyMd5: O.some(A.sseCMd5) }))
  t.same((await done(creating(at))).sse, O.none)
})

t.test('every parameter was shown', async (t) => t.same(unshown(), []))

t.test('a key that no XML can spell loses no upload', async (t) => {
  const { done } = await A.asking(t)
  for (const key of ['\u0001 & <>', ' space ', '腾😀', '00123']) {
    const { uploadId, key: told } = await done(createMultipartUpload({ bucket, key }))
    t.equal(told, key)
    const part = await done(uploadPart({ bucket, key, uploadId, partNumber: 1, body: key }))
    await done(completeMultipartUpload({ bucket, key, uploadId, parts: [part] }))
    t.equal(await A.textOf((await done(getObject({ bucket, key }))).body), key)
  }
})

t.test('an id that COS spells in capitals is one as well, and none is no success', async (t) => {
  const root = 'InitiateMultipartUploadResult'
  const answer = (inside: string) => ({
    fault: () => ({ response: { status: 200, body: `<${root}>${inside}</${root}>` } })
  })
  const capitals = await A.asking(t, answer('<UploadID>1</UploadID>'))
  t.match(await capitals.done(createMultipartUpload(at)), { uploadId: '1', bucket, key: 'a.txt' })
  const { failed } = await A.asking(t, answer('<Bucket>b</Bucket>'))
  t.match(await failed(createMultipartUpload(at)), { _tag: 'DecodeError', status: 200 })
})

t.test('what does not hold is refused by the one who looks', async (t) => {
  const { done, failed } = await A.asking(t)
  const refused = async (input: Partial<CreateMultipartUploadInput>, status: number, code: string) =>
    t.match(await failed(createMultipartUpload({ ...at, ...input })), { _tag: 'ServiceError', status, code })
  await refused({ bucket: A.nowhere }, 404, 'NoSuchBucket')
  await refused({ storageClass: 'NEXT_YEARS' }, 400, 'NotSupportedStorageClass')
  await refused({ storageClass: 'MAZ_ARCHIVE' }, 400, 'MAZOperationNotSupportOnOAZBucket')
  await refused({ acl: 'nobody' }, 400, 'InvalidArgument')
  await refused({ grantFullControl: 'anyone' }, 400, 'InvalidArgument')
  await refused({ headers: { 'x-cos-tagging': 'a=1&a=2' } }, 400, 'InvalidTag')
  const customer = 'x-cos-server-side-encryption-customer'
  await refused({ headers: { [`${customer}-algorithm`]: 'AES256' } }, 400, 'SsecDecryptHeaderInvalid')
  await refused({ metadata: { a: 'x'.repeat(5000) } }, 400, 'MetadataTooLarge')
  await done(putObject({ ...at, body: '' }))
  await refused({ forbidOverwrite: true }, 409, 'FileAlreadyExists')
})

t.test('what makes no sense is refused before it is sent', (t) =>
  refusedUnsent(t, [
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
