import { Readable } from 'node:stream'
import * as O from 'fp-ts/lib/Option.js'
import t from 'tap'
import { putObject } from '../../lib/operations/put-object.js'
import { decodeResponse, left, right, xmlResponse } from '../support/responses.js'
import { at, emptyRequest, problemOf, requestOf } from '../support/operations.js'

t.test('a minimal request has only the body', async (t) => {
  t.equal(putObject({ ...at, body: '' }).action, 'PutObject')
  t.same(requestOf(putObject({ ...at, body: 'hello world' })), {
    ...emptyRequest,
    method: 'PUT',
    body: 'hello world'
  })
  t.same(requestOf(putObject({ ...at, key: 'dir/', body: '' })), {
    ...emptyRequest,
    method: 'PUT',
    key: 'dir/'
  })
})

const everything = {
  ...at,
  body: 'hello world',
  contentLength: 11,
  contentMd5: 'XrY7u+Ae7tCTyyK7j1rNww==',
  enableMd5: true,
  expectContinue: true,
  cacheControl: 'max-age=60',
  contentDisposition: 'attachment',
  contentEncoding: 'identity',
  contentLanguage: 'en',
  contentType: 'text/plain',
  expires: new Date('2024-05-01T08:31:00Z'),
  metadata: { 'x-cos-meta-key1': 'value1', key2: 'value2' },
  acl: 'private',
  grantRead: [{ id: '100000000001' }],
  grantWrite: [{ id: '100000000002' }],
  grantReadAcp: [{ id: '100000000003' }],
  grantWriteAcp: [{ id: '100000000004' }],
  grantFullControl: 'id="100000000005"',
  sse: { type: 'KMS', keyId: '48ba38aa' },
  storageClass: 'STANDARD_IA',
  tagging: { a: '1', b: '2' },
  forbidOverwrite: true,
  trafficLimit: 1048576,
  callback: 'e30=',
  callbackVar: 'e30=',
  picOperations: '{}',
  headers: { 'X-Cos-Content-Sha1': '2aae6c35c94fcfb415dbe95f408b9ce91ee846ed' },
  query: { extra: '1' }
} as const

t.test('every parameter is sent under COS’s name', async (t) => {
  t.same(requestOf(putObject(everything)), {
    ...emptyRequest,
    method: 'PUT',
    expectContinue: true,
    body: 'hello world',
    query: { extra: '1' },
    headers: {
      'cache-control': 'max-age=60',
      'content-disposition': 'attachment',
      'content-encoding': 'identity',
      'content-language': 'en',
      'content-type': 'text/plain',
      'content-md5': 'XrY7u+Ae7tCTyyK7j1rNww==',
      expires: 'Wed, 01 May 2024 08:31:00 GMT',
      'x-cos-meta-key1': 'value1',
      'x-cos-meta-key2': 'value2',
      'x-cos-acl': 'private',
      'x-cos-grant-read': 'id="100000000001"',
      'x-cos-grant-write': 'id="100000000002"',
      'x-cos-grant-read-acp': 'id="100000000003"',
      'x-cos-grant-write-acp': 'id="100000000004"',
      'x-cos-grant-full-control': 'id="100000000005"',
      'x-cos-server-side-encryption': 'cos/kms',
      'x-cos-server-side-encryption-cos-kms-key-id': '48ba38aa',
      'x-cos-storage-class': 'STANDARD_IA',
      'x-cos-tagging': 'a=1&b=2',
      'x-cos-forbid-overwrite': 'true',
      'x-cos-traffic-limit': '1048576',
      'x-cos-callback': 'e30=',
      'x-cos-callback-var': 'e30=',
      'pic-operations': '{}',
      'x-cos-content-sha1': '2aae6c35c94fcfb415dbe95f408b9ce91ee846ed'
    }
  })
  const { contentMd5: _, ...computed } = everything
  t.match(requestOf(putObject(computed)), { computeMd5: true })
})

t.test('a stream is sent once, with or without a length', async (t) => {
  const body = Readable.from([Buffer.from('hello')])
  t.match(requestOf(putObject({ ...at, body })), { body: { _tag: 'Once', size: O.none } })
  t.match(requestOf(putObject({ ...at, body, contentLength: 5 })), {
    body: { _tag: 'Once', size: O.some(5) }
  })
  body.destroy()
})

t.test('an invalid field is an InvalidInput that names it', async (t) => {
  const put = (more: object) => problemOf(putObject({ ...at, body: 'hello', ...more }))
  t.match(put({ key: '' }), /^key: /)
  t.match(put({ bucket: 'b/..-1' }), /^bucket: /)
  t.match(put({ body: 3 }), /^body: /)
  t.match(put({ contentLength: 4 }), /^contentLength: must be 5, the size of the body/)
  t.match(put({ contentMd5: 'a' }), /^contentMd5: /)
  t.match(put({ contentType: 'a\nb' }), /^contentType: /)
  t.match(put({ metadata: { 'a b': '' } }), /^metadata\.a b: /)
  t.match(put({ grantRead: [] }), /^grantRead: /)
  t.match(put({ sse: { type: 'C', key: 'short' } }), /^sse\.key: must be 32 bytes/)
  t.match(put({ tagging: { '': '' } }), /^tagging: /)
  t.match(put({ trafficLimit: 1 }), /^trafficLimit: /)
  t.match(put({ callback: {} }), /^callback\.callbackUrl: /)
  t.match(put({ contenttype: 'text/plain' }), /^contenttype: is not a known field/)
  t.match(put({ headers: { Authorization: 'x' } }), /^headers\.Authorization: /)
})

const { decode } = putObject({ ...at, body: '' })
const headers = {
  etag: '"5eb63bbbe01eeed093cb22bb8f5acdc3"',
  'x-cos-hash-crc64ecma': '5981764153023615706',
  'x-cos-request-id': 'NjYwMQ==',
  'content-length': '0'
}
const requested = { sent: { size: 11, crc64: O.some(5981764153023615706n) } }

t.test('the result has COS’s ETag and checksum, and is verified', async (t) => {
  const { headers: raw, ...rest } = right(
    await decodeResponse(t, decode, { headers: { ...headers, 'x-cos-version-id': 'MTg0' } }, requested)
  )
  t.match(raw, headers)
  t.same(rest, {
    requestId: 'NjYwMQ==',
    etag: '"5eb63bbbe01eeed093cb22bb8f5acdc3"',
    crc64: O.some(5981764153023615706n),
    sentCrc64: 5981764153023615706n,
    integrity: { _tag: 'Verified', crc64: 5981764153023615706n },
    versionId: O.some('MTg0'),
    response: O.none,
    sse: O.none
  })
})

t.test('the result has the response of a callback', async (t) => {
  const { 'content-length': _, ...chunked } = headers
  const put = right(
    await decodeResponse(t, decode, { headers: chunked, chunks: ['{"ok":', 5, 'true}'] }, requested)
  )
  t.same(put.response, O.some('{"ok":true}'))
  t.same(put.versionId, O.none)
})

t.test('another checksum is an IntegrityError', async (t) => {
  const failed = left(
    await decodeResponse(t, decode, { headers: { ...headers, 'x-cos-hash-crc64ecma': '2' } }, requested)
  )
  t.match(failed, { _tag: 'IntegrityError', part: O.none, expected: '5981764153023615706', got: '2' })
})

t.test('an error response is a ServiceError with COS’s code', async (t) => {
  const xml = '<Error><Code>BadDigest</Code><Message>Not the MD5.</Message></Error>'
  t.match(left(await decodeResponse(t, decode, { ...xmlResponse(xml), status: 400 }, requested)), {
    _tag: 'ServiceError',
    status: 400,
    code: 'BadDigest',
    message: 'Not the MD5.'
  })
})
