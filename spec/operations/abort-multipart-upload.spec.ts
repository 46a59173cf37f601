import * as O from 'fp-ts/lib/Option.js'
import t from 'tap'
import { abortMultipartUpload } from '../../lib/operations/abort-multipart-upload.js'
import { decodeResponse, left, right } from '../support/responses.js'

const input = { bucket: 'examplebucket-1250000000', key: 'trips/film.mp4', uploadId: '1714552211f00d' }

t.test('the request deletes the upload, and never the object', async (t) => {
  t.match(right(abortMultipartUpload(input).request), {
    method: 'DELETE',
    bucket: input.bucket,
    key: O.some(input.key),
    query: { uploadId: '1714552211f00d' },
    headers: {},
    body: { _tag: 'Empty' }
  })
  for (const uploadId of ['', undefined, null, 7]) {
    const bad = { ...input, uploadId } as unknown as typeof input
    t.match(left(abortMultipartUpload(bad).request), { _tag: 'InvalidInput', field: 'uploadId' })
  }
  t.match(left(abortMultipartUpload({ ...input, key: 'a/..' }).request), { field: 'key' })
})

t.test('a 204 is a success, and COS’s errors are ServiceErrors', async (t) => {
  const { decode } = abortMultipartUpload(input)
  const headers = { 'x-cos-request-id': 'id' }
  t.match(right(await decodeResponse(t, decode, { status: 204, headers })), { requestId: 'id', headers })
  const gone = { status: 404, chunks: ['<Error><Code>NoSuchUpload</Code></Error>'] }
  t.match(left(await decodeResponse(t, decode, gone)), {
    _tag: 'ServiceError',
    status: 404,
    code: 'NoSuchUpload'
  })
})

t.test('the caller’s query cannot turn it into a deletion of the object', async (t) => {
  t.match(left(abortMultipartUpload({ ...input, query: { uploadId: '' } }).request), {
    _tag: 'InvalidInput',
    field: /query/
  })
})
