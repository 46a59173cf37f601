import * as O from 'fp-ts/lib/Option.js'
import t from 'tap'
import { headObject } from '../../lib/operations/head-object.js'
import { decodeResponse, left, right } from '../support/responses.js'
import { at, emptyRequest, problemOf, requestOf } from '../support/operations.js'

t.test('a minimal request has only the object', async (t) => {
  t.equal(headObject(at).action, 'HeadObject')
  t.same(requestOf(headObject(at)), {
    ...emptyRequest,
    method: 'HEAD',
    headers: { 'accept-encoding': 'identity' }
  })
})

t.test('every parameter is sent under COS’s name', async (t) => {
  const date = new Date('2024-05-01T08:31:00Z')
  const operation = headObject({
    ...at,
    key: '/dir/a.txt',
    versionId: 'MTg0',
    ifMatch: 'a',
    ifNoneMatch: '"b"',
    ifModifiedSince: date,
    ifUnmodifiedSince: date,
    sse: { type: 'C', key: Buffer.from('0123456789ABCDEF0123456789ABCDEF') },
    referer: 'https://a.example/',
    headers: { 'X-Cos-Extra': '1' },
    query: { extra: '2' }
  })
  t.same(requestOf(operation), {
    ...emptyRequest,
    method: 'HEAD',
    query: { versionId: 'MTg0', extra: '2' },
    headers: {
      'accept-encoding': 'identity',
      'if-match': '"a"',
      'if-none-match': '"b"',
      'if-modified-since': 'Wed, 01 May 2024 08:31:00 GMT',
      'if-unmodified-since': 'Wed, 01 May 2024 08:31:00 GMT',
      'x-cos-server-side-encryption-customer-algorithm': 'AES256',
      'x-cos-server-side-encryption-customer-key': 'MDEyMzQ1Njc4OUFCQ0RFRjAxMjM0NTY3ODlBQkNERUY=',
      'x-cos-server-side-encryption-customer-key-md5': 'U5L61r7jcwdNvT7frmUG8g==',
      referer: 'https://a.example/',
      'x-cos-extra': '1'
    }
  })
})

t.test('an invalid field is an InvalidInput that names it', async (t) => {
  t.match(problemOf(headObject({ ...at, bucket: 'nameless' })), /^bucket: /)
  t.match(problemOf(headObject({ ...at, key: '' })), /^key: /)
  t.match(problemOf(headObject({ ...at, key: 'a/..' })), /^key: .*allowPathLikeKey/)
  t.match(problemOf(headObject({ ...at, versionId: '' })), /^versionId: /)
  t.match(problemOf(headObject({ ...at, ifModifiedSince: new Date(NaN) })), /^ifModifiedSince: /)
  const misspelt = { ...at, versionID: 'a' }
  t.match(problemOf(headObject(misspelt)), /^versionID: is not a known field/)
})

const headers = {
  'content-length': '16807',
  etag: '"9a4802d5c99dafe1c04da0a8e7e166bf"',
  'last-modified': 'Wed, 28 Oct 2014 20:30:00 GMT',
  'content-type': 'text/plain',
  'x-cos-meta-test': 'test',
  'x-cos-hash-crc64ecma': '16749565679157681890',
  'x-cos-request-id': 'NjYwMQ=='
}
const requested = { method: 'HEAD' } as const
const { decode } = headObject(at)

t.test('the result has the size and the attributes', async (t) => {
  const head = right(await decodeResponse(t, decode, { headers }, requested))
  t.match(head, {
    size: 16807,
    etag: '"9a4802d5c99dafe1c04da0a8e7e166bf"',
    contentType: O.some('text/plain'),
    metadata: { test: 'test' },
    crc64: O.some(16749565679157681890n),
    storageClass: 'STANDARD',
    requestId: 'NjYwMQ=='
  })
})

t.test('a response without a size is a DecodeError', async (t) => {
  const { 'content-length': _, ...unsized } = headers
  const failed = left(
    await decodeResponse(t, decode, { headers: { ...unsized, 'transfer-encoding': 'chunked' } }, requested)
  )
  t.match(failed, { _tag: 'DecodeError', problems: [/^content-length/] })
})

t.test('the code of an error is derived from its status', async (t) => {
  for (const [status, code] of [
    [304, 'NotModified'],
    [400, 'InvalidRequest'],
    [403, 'AccessDenied'],
    [404, 'NoSuchResource'],
    [405, 'MethodNotAllowed'],
    [412, 'PreconditionFailed']
  ] as const) {
    const response = { status, headers: { 'x-cos-request-id': 'NjYwMQ==', 'x-cos-trace-id': 'VA==' } }
    t.match(left(await decodeResponse(t, decode, response, requested)), {
      _tag: 'ServiceError',
      status,
      code,
      message: '',
      requestId: 'NjYwMQ==',
      traceId: 'VA=='
    })
  }
})
