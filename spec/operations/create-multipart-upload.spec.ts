import * as O from 'fp-ts/lib/Option.js'
import t from 'tap'
import { createMultipartUpload } from '../../lib/operations/create-multipart-upload.js'
import { decodeResponse, left, right, xmlResponse } from '../support/responses.js'
import { at, emptyRequest, problemOf, requestOf } from '../support/operations.js'

t.test('a minimal request has only the object', async (t) => {
  t.equal(createMultipartUpload(at).action, 'CreateMultipartUpload')
  t.same(requestOf(createMultipartUpload(at)), { ...emptyRequest, method: 'POST', query: { uploads: '' } })
})

t.test('every parameter is sent under COS’s name', async (t) => {
  const operation = createMultipartUpload({
    ...at,
    cacheControl: 'max-age=60',
    contentDisposition: 'attachment',
    contentEncoding: 'gzip',
    contentLanguage: 'en',
    contentType: 'text/plain',
    expires: '0',
    metadata: { key1: 'value1' },
    acl: 'public-read',
    grantRead: [{ id: '1' }],
    grantWrite: [{ id: '2' }],
    grantReadAcp: [{ id: '3' }],
    grantWriteAcp: [{ id: '4' }],
    grantFullControl: [{ id: '5' }],
    sse: { type: 'COS' },
    storageClass: 'ARCHIVE',
    tagging: { a: '1' },
    forbidOverwrite: true,
    headers: { 'x-cos-extra': '1' },
    query: { extra: '2' }
  })
  t.same(requestOf(operation), {
    ...emptyRequest,
    method: 'POST',
    query: { uploads: '', extra: '2' },
    headers: {
      'cache-control': 'max-age=60',
      'content-disposition': 'attachment',
      'content-encoding': 'gzip',
      'content-language': 'en',
      'content-type': 'text/plain',
      expires: '0',
      'x-cos-meta-key1': 'value1',
      'x-cos-acl': 'public-read',
      'x-cos-grant-read': 'id="1"',
      'x-cos-grant-write': 'id="2"',
      'x-cos-grant-read-acp': 'id="3"',
      'x-cos-grant-write-acp': 'id="4"',
      'x-cos-grant-full-control': 'id="5"',
      'x-cos-server-side-encryption': 'AES256',
      'x-cos-storage-class': 'ARCHIVE',
      'x-cos-tagging': 'a=1',
      'x-cos-forbid-overwrite': 'true',
      'x-cos-extra': '1'
    }
  })
  t.equal(Object.keys(requestOf(operation).query)[0], 'uploads')
})

t.test('an invalid field is an InvalidInput that names it', async (t) => {
  const create = (more: object) => problemOf(createMultipartUpload({ ...at, ...more }))
  t.match(create({ key: '' }), /^key: /)
  t.match(create({ metadata: { a_b: '' } }), /^metadata\.a_b: /)
  t.match(create({ sse: {} }), /^sse: /)
  t.match(create({ body: 'hello' }), /^body: is not a known field/)
})

const uploadId = '1714552211f00dfeedf00dfeedf00dfeedf00dfeedf00dfeedf00dfeedf00dfeedf00dfee1'
const { decode } = createMultipartUpload(at)
const result = (inner: string) => `<InitiateMultipartUploadResult>${inner}</InitiateMultipartUploadResult>`

t.test('the result has the upload id, the bucket and the key', async (t) => {
  const xml = result(
    `\n  <Bucket>photos-1250000000</Bucket>\n  <Key>trips/ film&amp;.mp4</Key>\n  <UploadId>${uploadId}</UploadId>\n`
  )
  const headers = { 'x-cos-server-side-encryption': 'AES256' }
  const { headers: raw, ...rest } = right(await decodeResponse(t, decode, xmlResponse(xml, headers)))
  t.match(raw, headers)
  t.same(rest, {
    requestId: 'NjYwMQ==',
    bucket: 'photos-1250000000',
    key: 'trips/ film&.mp4',
    uploadId,
    sse: O.some({ type: 'COS' })
  })
})

t.test('the upload id is found as UploadID, and without other fields', async (t) => {
  t.match(right(await decodeResponse(t, decode, xmlResponse(result(`<UploadID>${uploadId}</UploadID>`)))), {
    ...at,
    uploadId
  })
})

t.test('the upload id is found in a document that is not well-formed', async (t) => {
  for (const xml of [
    result(`<Key>a & b < c</Key><UploadId>${uploadId}</UploadId>`),
    Buffer.concat([
      Buffer.from('<InitiateMultipartUploadResult><Key>'),
      Uint8Array.of(0xff, 0xfe, 0),
      Buffer.from(`</Key><UploadId>${uploadId}</UploadId></InitiateMultipartUploadResult>`)
    ]),
    `<InitiateMultipartUploadResult><UploadId>${uploadId}</UploadId>`
  ]) {
    t.match(right(await decodeResponse(t, decode, { chunks: [xml] })), { ...at, uploadId })
  }
})

t.test('a response without an upload id is a DecodeError', async (t) => {
  for (const xml of [
    result(''),
    result('<UploadId></UploadId>'),
    result('<Key>a < b</Key>'),
    'Bad Gateway'
  ]) {
    t.match(left(await decodeResponse(t, decode, xmlResponse(xml))), { _tag: 'DecodeError' })
  }
  t.match(left(await decodeResponse(t, decode, { chunks: [' '] })), { _tag: 'TransportError' })
  t.match(left(await decodeResponse(t, decode, { chunks: [result('').slice(0, 9)], ends: 'cut' })), {
    _tag: 'TransportError'
  })
})

t.test('an error inside a 200 is a ServiceError, even with an upload id', async (t) => {
  const xml = `<Error><Code>InternalError</Code><UploadId>${uploadId}</UploadId></Error>`
  t.match(left(await decodeResponse(t, decode, xmlResponse(xml))), {
    _tag: 'ServiceError',
    status: 200,
    code: 'InternalError'
  })
})
