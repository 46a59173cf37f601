/** Abort Multipart Upload, over the wire: the upload and its parts are deleted, and the object stays. */
import t from 'tap'
import { abortMultipartUpload } from '../../lib/operations/abort-multipart-upload.js'
import { createMultipartUpload } from '../../lib/operations/create-multipart-upload.js'
import { listMultipartUploads } from '../../lib/operations/list-multipart-uploads.js'
import { listParts } from '../../lib/operations/list-parts.js'
import { objectExists } from '../../lib/operations/object-exists.js'
import { putObject } from '../../lib/operations/put-object.js'
import { uploadPart } from '../../lib/operations/upload-part.js'
import * as A from './fixture.js'
import { refusals, expectInvalidInput } from './error-cases.js'
import { trackParameters } from './parameter-coverage.js'

const { bucket } = A
const { call: aborting, uncovered } = trackParameters(abortMultipartUpload)
const at = { bucket, key: 'a.txt' }

t.test(
  'abort deletes the upload and its parts, and keeps the object and other uploads of the key',
  async (t) => {
    const { run, runFailing, emulator } = await A.startFixture(t)
    const to = { bucket, ...A.collapsing }
    await run(putObject({ ...to, body: 'there' }))
    const { uploadId } = await run(createMultipartUpload(to))
    const other = await run(createMultipartUpload(to))
    await run(uploadPart({ ...to, uploadId, partNumber: 1, body: 'a' }))
    const { headers: raw, ...output } = await run(
      aborting({
        ...to,
        uploadId,
        headers: { 'x-cos-by-hand': 'header' },
        query: { 'by-hand': 'parameter' }
      })
    )
    const request = emulator.requests().at(-1)
    t.same(output, { requestId: request?.requestId })
    t.match(raw, { server: 'tencent-cos' })
    t.match(request, {
      method: 'DELETE',
      status: 204,
      headers: { 'x-cos-by-hand': 'header' },
      query: { uploadId, 'by-hand': 'parameter' }
    })
    t.match(await runFailing(listParts({ ...to, uploadId })), { status: 404, code: 'NoSuchUpload' })
    const { uploads } = await run(listMultipartUploads({ bucket }))
    t.same(
      uploads.map((upload) => upload.uploadId),
      [other.uploadId]
    )
    t.equal(await run(objectExists(to)), true)
  }
)

t.test('every parameter is covered', async (t) => t.same(uncovered(), []))

t.test('aborting an unknown upload is NoSuchUpload', async (t) => {
  const { run, runFailing } = await A.startFixture(t)
  const { uploadId } = await run(createMultipartUpload(at))
  const about = (code: string) => ({ _tag: 'ServiceError', status: 404, code, context: { attempts: 1 } })
  t.match(
    await runFailing(abortMultipartUpload({ ...at, bucket: A.nowhere, uploadId })),
    about('NoSuchBucket')
  )
  t.match(await runFailing(abortMultipartUpload({ ...at, uploadId: 'never' })), about('NoSuchUpload'))
  t.match(await runFailing(abortMultipartUpload({ ...at, key: 'another', uploadId })), about('NoSuchUpload'))
  await run(abortMultipartUpload({ ...at, uploadId }))
  t.match(await runFailing(abortMultipartUpload({ ...at, uploadId })), about('NoSuchUpload'))
})

t.test('a retry after a lost response is a success', async (t) => {
  const { run, cos } = await A.startFixture(t, {
    fault: ({ operation, count }) =>
      operation === 'AbortMultipartUpload' && count === 1 ? { cut: { at: 'head' } } : undefined
  })
  const { uploadId } = await run(createMultipartUpload(at))
  t.match(await run(abortMultipartUpload({ ...at, uploadId })), { requestId: /./ })
  t.match(cos.emulator.requests().slice(1), [{ status: 0 }, { status: 404, code: 'NoSuchUpload' }])
})

t.test('a retry for clock skew does not recover a lost response', async (t) => {
  const { runFailing, emulator } = await A.startFixture(t, { now: () => Date.now() + 3_600_000 })
  const never = abortMultipartUpload({ ...at, uploadId: 'never' })
  t.match(await runFailing(never), { status: 404, code: 'NoSuchUpload', context: { attempts: 2 } })
  t.match(emulator.requests(), [{ code: 'RequestTimeTooSkewed' }, { code: 'NoSuchUpload' }])
})

t.test('an input that would delete the object or the bucket is an InvalidInput, and nothing is sent', (t) =>
  expectInvalidInput(t, [
    ['uploadId', abortMultipartUpload({ ...at, uploadId: '' })],
    ['uploadId', abortMultipartUpload(at as never)],
    ['uploadId', abortMultipartUpload({ ...at, uploadId: 'a\nb' })],
    ['key', abortMultipartUpload({ bucket, key: '', uploadId: 'id' })],
    ['key', abortMultipartUpload({ bucket, key: '.', uploadId: 'id' })],
    ['query', abortMultipartUpload({ ...at, uploadId: 'id', query: { uploadId: '' } })]
  ])
)

refusals(abortMultipartUpload({ ...at, uploadId: 'id' }))
