/** Abort Multipart Upload, over the wire: the upload is gone with its parts, and never the object. */
import t from 'tap'
import { abortMultipartUpload } from '../../lib/operations/abort-multipart-upload.js'
import { createMultipartUpload } from '../../lib/operations/create-multipart-upload.js'
import { listMultipartUploads } from '../../lib/operations/list-multipart-uploads.js'
import { listParts } from '../../lib/operations/list-parts.js'
import { objectExists } from '../../lib/operations/object-exists.js'
import { putObject } from '../../lib/operations/put-object.js'
import { uploadPart } from '../../lib/operations/upload-part.js'
import * as A from './fixture.js'
import { refusals, refusedUnsent } from './error-cases.js'
import { showing } from './parameter-coverage.js'

const { bucket } = A
const { call: aborting, unshown } = showing(abortMultipartUpload)
const at = { bucket, key: 'a.txt' }

t.test('the upload is gone with its parts; the object and other uploads of the key are not', async (t) => {
  const { done, failed, emulator } = await A.asking(t)
  const to = { bucket, ...A.collapsing }
  await done(putObject({ ...to, body: 'there' }))
  const { uploadId } = await done(createMultipartUpload(to))
  const other = await done(createMultipartUpload(to))
  await done(uploadPart({ ...to, uploadId, partNumber: 1, body: 'a' }))
  const { headers: raw, ...told } = await done(
    aborting({
      ...to,
      uploadId,
      headers: { 'x-cos-by-hand': 'header' },
      query: { 'by-hand': 'parameter' }
    })
  )
  const request = emulator.requests().at(-1)
  t.same(told, { requestId: request?.requestId })
  t.match(raw, { server: 'tencent-cos' })
  t.match(request, {
    method: 'DELETE',
    status: 204,
    headers: { 'x-cos-by-hand': 'header' },
    query: { uploadId, 'by-hand': 'parameter' }
  })
  t.match(await failed(listParts({ ...to, uploadId })), { status: 404, code: 'NoSuchUpload' })
  const { uploads } = await done(listMultipartUploads({ bucket }))
  t.same(
    uploads.map((upload) => upload.uploadId),
    [other.uploadId]
  )
  t.equal(await done(objectExists(to)), true)
})

t.test('every parameter was shown', async (t) => t.same(unshown(), []))

t.test('what is not there to be aborted is refused by the one who looks', async (t) => {
  const { done, failed } = await A.asking(t)
  const { uploadId } = await done(createMultipartUpload(at))
  const about = (code: string) => ({ _tag: 'ServiceError', status: 404, code, context: { attempts: 1 } })
  t.match(await failed(abortMultipartUpload({ ...at, bucket: A.nowhere, uploadId })), about('NoSuchBucket'))
  t.match(await failed(abortMultipartUpload({ ...at, uploadId: 'never' })), about('NoSuchUpload'))
  t.match(await failed(abortMultipartUpload({ ...at, key: 'another', uploadId })), about('NoSuchUpload'))
  await done(abortMultipartUpload({ ...at, uploadId }))
  t.match(await failed(abortMultipartUpload({ ...at, uploadId })), about('NoSuchUpload'))
})

t.test('what a first attempt did, and could not say, is done', async (t) => {
  const { done, cos } = await A.asking(t, {
    fault: ({ operation, count }) =>
      operation === 'AbortMultipartUpload' && count === 1 ? { cut: { at: 'head' } } : undefined
  })
  const { uploadId } = await done(createMultipartUpload(at))
  t.match(await done(abortMultipartUpload({ ...at, uploadId })), { requestId: /./ })
  t.match(cos.emulator.requests().slice(1), [{ status: 0 }, { status: 404, code: 'NoSuchUpload' }])
})

t.test('what COS turned away for its clock was not done by it', async (t) => {
  const { failed, emulator } = await A.asking(t, { now: () => Date.now() + 3_600_000 })
  const never = abortMultipartUpload({ ...at, uploadId: 'never' })
  t.match(await failed(never), { status: 404, code: 'NoSuchUpload', context: { attempts: 2 } })
  t.match(emulator.requests(), [{ code: 'RequestTimeTooSkewed' }, { code: 'NoSuchUpload' }])
})

t.test('what would delete the object or the bucket is refused before it is sent', (t) =>
  refusedUnsent(t, [
    ['uploadId', abortMultipartUpload({ ...at, uploadId: '' })],
    ['uploadId', abortMultipartUpload(at as never)],
    ['uploadId', abortMultipartUpload({ ...at, uploadId: 'a\nb' })],
    ['key', abortMultipartUpload({ bucket, key: '', uploadId: 'id' })],
    ['key', abortMultipartUpload({ bucket, key: '.', uploadId: 'id' })],
    ['query', abortMultipartUpload({ ...at, uploadId: 'id', query: { uploadId: '' } })]
  ])
)

refusals(abortMultipartUpload({ ...at, uploadId: 'id' }))
