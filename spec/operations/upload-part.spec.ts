import { Readable } from 'node:stream'
import * as O from 'fp-ts/lib/Option.js'
import t from 'tap'
import { uploadPart } from '../../lib/operations/upload-part.js'
import { decodeResponse, left, right, xmlResponse } from '../support/responses.js'
import { at, emptyRequest, problemOf, requestOf } from '../support/operations.js'

const one = { ...at, uploadId: '1714552211f00d', partNumber: 1 }

t.test('a minimal request has the body, the upload and the part number', async (t) => {
  const operation = uploadPart({ ...one, body: 'hello world' })
  t.equal(operation.action, 'UploadPart')
  t.same(requestOf(operation), {
    ...emptyRequest,
    method: 'PUT',
    query: { partNumber: '1', uploadId: '1714552211f00d' },
    body: 'hello world'
  })
})

t.test('every parameter is sent under COS’s name', async (t) => {
  const operation = uploadPart({
    ...one,
    partNumber: 10_000,
    body: 'hello world',
    contentLength: 11,
    contentMd5: 'XrY7u+Ae7tCTyyK7j1rNww==',
    enableMd5: true,
    expectContinue: true,
    sse: { type: 'C', key: Buffer.from('0123456789ABCDEF0123456789ABCDEF') },
    trafficLimit: 838_860_800,
    headers: { 'x-cos-extra': '1' },
    query: { extra: '2' }
  })
  t.same(requestOf(operation), {
    ...emptyRequest,
    method: 'PUT',
    expectContinue: true,
    query: { partNumber: '10000', uploadId: '1714552211f00d', extra: '2' },
    headers: {
      'x-cos-server-side-encryption-customer-algorithm': 'AES256',
      'x-cos-server-side-encryption-customer-key': 'MDEyMzQ1Njc4OUFCQ0RFRjAxMjM0NTY3ODlBQkNERUY=',
      'x-cos-server-side-encryption-customer-key-md5': 'U5L61r7jcwdNvT7frmUG8g==',
      'x-cos-traffic-limit': '838860800',
      'content-md5': 'XrY7u+Ae7tCTyyK7j1rNww==',
      'x-cos-extra': '1'
    },
    body: 'hello world'
  })
  t.match(requestOf(uploadPart({ ...one, body: 'a', enableMd5: true })), { computeMd5: true })
})

t.test('an invalid field is an InvalidInput that names it', async (t) => {
  const upload = (more: object) => problemOf(uploadPart({ ...one, body: 'hello', ...more }))
  for (const partNumber of [0, 10_001, 1.5]) {
    t.equal(upload({ partNumber }), 'partNumber: must be an integer from 1 to 10,000')
  }
  // Without an id it would be a PUT of the object.
  t.match(upload({ uploadId: '' }), /^uploadId: /)
  t.match(upload({ key: '' }), /^key: /)
  t.match(upload({ sse: { type: 'COS' } }), /^sse: /)
  t.match(upload({ storageClass: 'ARCHIVE' }), /^storageClass: is not a known field/)
  const stream = Readable.from([Buffer.from('a')])
  t.equal(upload({ body: stream }), 'contentLength: is required for a stream body, in bytes')
  t.match(requestOf(uploadPart({ ...one, body: stream, contentLength: 1 })), { body: { _tag: 'Once' } })
  stream.destroy()
})

const { decode } = uploadPart({ ...one, partNumber: 7, body: '' })
const headers = {
  etag: '"5eb63bbbe01eeed093cb22bb8f5acdc3"',
  'x-cos-hash-crc64ecma': '5981764153023615706',
  'x-cos-request-id': 'NjYwMQ==',
  'content-length': '0'
}
const requested = { sent: { size: 11, crc64: O.some(5981764153023615706n) } }

t.test('the result has the number and the ETag, and is verified', async (t) => {
  const { headers: _, ...rest } = right(await decodeResponse(t, decode, { headers }, requested))
  t.same(rest, {
    requestId: 'NjYwMQ==',
    partNumber: 7,
    etag: '"5eb63bbbe01eeed093cb22bb8f5acdc3"',
    crc64: O.some(5981764153023615706n),
    sentCrc64: 5981764153023615706n,
    integrity: { _tag: 'Verified', crc64: 5981764153023615706n },
    sse: O.none
  })
})

t.test('another checksum is an IntegrityError of the part', async (t) => {
  const failed = left(
    await decodeResponse(t, decode, { headers: { ...headers, 'x-cos-hash-crc64ecma': '2' } }, requested)
  )
  t.match(failed, { _tag: 'IntegrityError', part: O.some(7), check: 'crc64' })
})

t.test('an error response is a ServiceError with COS’s code', async (t) => {
  const xml = '<Error><Code>NoSuchUpload</Code><Message>Gone.</Message></Error>'
  t.match(left(await decodeResponse(t, decode, { ...xmlResponse(xml), status: 404 })), {
    _tag: 'ServiceError',
    status: 404,
    code: 'NoSuchUpload'
  })
})
