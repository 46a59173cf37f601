import { setTimeout } from 'node:timers/promises'
import * as O from 'fp-ts/lib/Option.js'
import t from 'tap'
import { getObject, type GetObjectInput } from '../../lib/operations/get-object.js'
import {
  decodeResponse,
  left,
  right,
  serveResponse,
  xmlResponse,
  type CannedResponse
} from '../support/responses.js'
import { at, emptyRequest, problemOf, requestOf } from '../support/operations.js'

t.test('a minimal request asks for identity encoding', async (t) => {
  t.equal(getObject(at).action, 'GetObject')
  t.same(requestOf(getObject(at)), {
    ...emptyRequest,
    method: 'GET',
    headers: { 'accept-encoding': 'identity' }
  })
})

t.test('every parameter is sent under COS’s name', async (t) => {
  const date = new Date('2024-05-01T08:31:00Z')
  const operation = getObject({
    ...at,
    versionId: 'MTg0',
    range: { first: 5, last: 9 },
    acceptEncoding: 'gzip',
    ifMatch: 'a',
    ifNoneMatch: 'b',
    ifModifiedSince: date,
    ifUnmodifiedSince: date,
    sse: { type: 'C', key: Buffer.from('0123456789ABCDEF0123456789ABCDEF') },
    responseCacheControl: 'no-store',
    responseContentDisposition: 'attachment; filename="腾.txt"',
    responseContentEncoding: 'identity',
    responseContentLanguage: 'zh',
    responseContentType: 'text/plain',
    responseExpires: date,
    trafficLimit: 819200,
    referer: 'https://a.example/',
    headers: { 'x-cos-extra': '1' },
    query: { extra: '2' }
  })
  t.same(requestOf(operation), {
    ...emptyRequest,
    method: 'GET',
    query: {
      versionId: 'MTg0',
      'response-cache-control': 'no-store',
      'response-content-disposition': 'attachment; filename="腾.txt"',
      'response-content-encoding': 'identity',
      'response-content-language': 'zh',
      'response-content-type': 'text/plain',
      'response-expires': 'Wed, 01 May 2024 08:31:00 GMT',
      extra: '2'
    },
    headers: {
      'accept-encoding': 'gzip',
      range: 'bytes=5-9',
      'if-match': '"a"',
      'if-none-match': '"b"',
      'if-modified-since': 'Wed, 01 May 2024 08:31:00 GMT',
      'if-unmodified-since': 'Wed, 01 May 2024 08:31:00 GMT',
      'x-cos-server-side-encryption-customer-algorithm': 'AES256',
      'x-cos-server-side-encryption-customer-key': 'MDEyMzQ1Njc4OUFCQ0RFRjAxMjM0NTY3ODlBQkNERUY=',
      'x-cos-server-side-encryption-customer-key-md5': 'U5L61r7jcwdNvT7frmUG8g==',
      'x-cos-traffic-limit': '819200',
      referer: 'https://a.example/',
      'x-cos-extra': '1'
    }
  })
})

t.test('an invalid field is an InvalidInput that names it', async (t) => {
  const get = (more: object) => problemOf(getObject({ ...at, ...more }))
  t.match(get({ key: '' }), /^key: /)
  t.match(get({ key: '../..' }), /^key: /)
  t.match(get({ range: { first: 5, last: 4 } }), /^range\.last: /)
  t.match(get({ range: 'bytes=0-5' }), /^range: /)
  t.match(get({ versionId: '' }), /^versionId: /)
  t.match(get({ responseContentType: 'a\nb' }), /^responseContentType: /)
  t.match(get({ trafficLimit: 1 }), /^trafficLimit: /)
  t.match(get({ sse: { type: 'COS' } }), /^sse: /)
})

// -- responses --
const head = {
  etag: '"25f9e794323b453885f5181f1b624d0b"',
  'last-modified': 'Wed, 01 May 2024 08:31:00 GMT',
  'content-type': 'text/plain',
  // The check value of CRC-64/XZ, of `123456789`.
  'x-cos-hash-crc64ecma': '11051210869376104954',
  'x-cos-meta-a': '1',
  'x-cos-request-id': 'NjYwMQ=='
}
const crc64 = 11051210869376104954n
const whole: CannedResponse = { headers: { ...head, 'content-length': '9' }, chunks: ['1234', 5, '56789'] }
const part = (range: string, ...chunks: ReadonlyArray<string>): CannedResponse => ({
  status: 206,
  headers: { ...head, 'content-length': String(chunks.join('').length), 'content-range': range },
  chunks
})

interface Teardown {
  readonly teardown: (clean: () => unknown) => unknown
}
const get = (t: Teardown, canned: CannedResponse, input: Partial<GetObjectInput> = {}) =>
  decodeResponse(t, getObject({ ...at, ...input }).decode, canned)

t.test('a whole object has its attributes and is verified', async (t) => {
  const got = right(await get(t, whole))
  t.match(got, {
    size: O.some(9),
    contentLength: O.some(9),
    contentRange: O.none,
    etag: head.etag,
    crc64: O.some(crc64),
    metadata: { a: '1' },
    storageClass: 'STANDARD',
    requestId: 'NjYwMQ=='
  })
  t.equal((await got.body.toArray()).join(''), '123456789')
  t.same(right(await got.verified()), { _tag: 'Verified', crc64 })
})

t.test('a chunked response without a length is verified by its checksum', async (t) => {
  const got = right(await get(t, { headers: head, chunks: ['1234', '56789'] }))
  t.match(got, { size: O.none, contentLength: O.none })
  t.equal((await got.body.toArray()).join(''), '123456789')
  t.same(right(await got.verified()), { _tag: 'Verified', crc64 })
})

t.test('an empty object is verified', async (t) => {
  const headers = { ...head, 'content-length': '0', 'x-cos-hash-crc64ecma': '0' }
  const got = right(await get(t, { headers }))
  t.same(await got.body.toArray(), [])
  t.same(right(await got.verified()), { _tag: 'Verified', crc64: 0n })
})

t.test('an object without a checksum is Unverifiable', async (t) => {
  const { 'x-cos-hash-crc64ecma': _, ...silent } = head
  const got = right(await get(t, { ...whole, headers: { ...silent, 'content-length': '9' } }))
  t.equal((await got.body.toArray()).join(''), '123456789')
  t.same(right(await got.verified()), { _tag: 'Unverifiable', reason: 'NoChecksum', crc64: O.some(crc64) })
})

t.test('a range is Unverifiable, and has its own checksum', async (t) => {
  const got = right(await get(t, part('bytes 2-4/9', '345'), { range: { first: 2, last: 4 } }))
  t.match(got, {
    size: O.some(9),
    contentLength: O.some(3),
    contentRange: O.some({ first: 2, last: 4, size: O.some(9) }),
    crc64: O.some(crc64)
  })
  t.equal((await got.body.toArray()).join(''), '345')
  t.match(right(await got.verified()), { _tag: 'Unverifiable', reason: 'Range', crc64: O.some(BigInt) })
})

t.test('a range of the whole object is verified', async (t) => {
  const got = right(await get(t, part('bytes 0-8/9', '123456789'), { range: { first: 0 } }))
  t.equal((await got.body.toArray()).join(''), '123456789')
  t.same(right(await got.verified()), { _tag: 'Verified', crc64 })
})

t.test('a response with another range is a DecodeError', async (t) => {
  const range = { first: 2, last: 4 }
  for (const canned of [
    whole,
    part('bytes 3-5/9', '456'),
    part('bytes 2-3/9', '34'),
    { ...whole, status: 206 }
  ]) {
    // A body of which more is to come: a connection whose response is complete would be kept.
    const { response, closed } = await serveResponse(t, { ...canned, chunks: ['4'], ends: 'open' })
    t.match(left(await getObject({ ...at, range }).decode(response)()), {
      _tag: 'DecodeError',
      requestId: 'NjYwMQ=='
    })
    t.equal(await closed, 'early')
  }
  t.match(left(await get(t, part('bytes 0-4/9', '12345'))), { _tag: 'DecodeError', status: 206 })
  const torn = part('bytes 2-4', '345')
  t.match(left(await get(t, torn, { range })), { _tag: 'DecodeError', problems: [/^content-range/] })
})

t.test('a range in the caller’s headers is not compared with the response', async (t) => {
  const got = right(await get(t, part('bytes 2-4/9', '345'), { headers: { Range: 'bytes=2-4' } }))
  t.equal((await got.body.toArray()).join(''), '345')
  t.match(got.contentRange, O.some({ first: 2, last: 4 }))
  t.match(right(await got.verified()), { reason: 'Range' })
})

t.test('a response with another acceptEncoding is Unverifiable', async (t) => {
  const got = right(await get(t, { headers: head, chunks: ['squeezed'] }, { acceptEncoding: 'gzip' }))
  t.equal((await got.body.toArray()).join(''), 'squeezed')
  t.match(right(await got.verified()), { _tag: 'Unverifiable', reason: 'NoChecksum' })
})

t.test('one changed byte fails the body before its end', async (t) => {
  const got = right(await get(t, { ...whole, chunks: ['1234', 20, '56788'] }))
  const chunks: Array<string> = []
  got.body.on('data', (chunk) => chunks.push(String(chunk)))
  const error = await new Promise((resolve) => got.body.once('error', resolve))
  t.match(error, {
    name: 'CosException',
    error: { _tag: 'IntegrityError', check: 'crc64', expected: String(crc64) }
  })
  // Two writes of the server may arrive as one chunk.
  t.ok(['1234', ''].includes(chunks.join('')), 'the last chunk is held back')
  t.match(left(await got.verified()), { _tag: 'IntegrityError' })
})

t.test('a cut body fails, with and without a range', async (t) => {
  for (const [canned, input] of [
    [{ ...whole, chunks: ['1234'], ends: 'cut' }, {}],
    [{ headers: head, chunks: ['1234'], ends: 'cut' }, {}],
    [
      { ...part('bytes 2-4/9', '34'), headers: { ...head, 'content-range': 'bytes 2-4/9' } },
      { range: { first: 2, last: 4 } }
    ]
  ] as ReadonlyArray<readonly [CannedResponse, Partial<GetObjectInput>]>) {
    const got = right(await get(t, canned, input))
    await t.rejects(got.body.toArray(), { name: 'CosException', error: { _tag: 'TransportError' } })
    t.match(left(await got.verified()), { _tag: 'TransportError' })
  }
})

t.test('a paused consumer pauses the server', async (t) => {
  const chunk = Buffer.alloc(64 * 1024)
  const size = 32 * 1024 * 1024
  const chunks = Array.from({ length: size / chunk.length }, () => chunk)
  const { response, written } = await serveResponse(t, {
    headers: { ...head, 'content-length': String(size) },
    chunks
  })
  const got = right(await getObject(at).decode(response)())
  await new Promise((resolve) => got.body.once('readable', resolve))
  await setTimeout(100)
  // What sockets hold on both sides, and no more.
  t.ok(written() < size / 2, String(written()))
  got.body.destroy()
})

t.test('a consumer that stops closes the connection', async (t) => {
  const { response, closed } = await serveResponse(t, { ...whole, chunks: ['1234'], ends: 'open' })
  const got = right(await getObject(at).decode(response)())
  for await (const _ of got.body) break
  t.equal(await closed, 'early')
  t.match(right(await got.verified()), { _tag: 'Unverifiable', reason: 'Unread' })
})

t.test('invalid headers are a DecodeError, and the connection is closed', async (t) => {
  const { etag: _, ...nameless } = head
  const { response, closed } = await serveResponse(t, { headers: nameless, chunks: ['1234'], ends: 'open' })
  t.match(left(await getObject(at).decode(response)()), { _tag: 'DecodeError', problems: [/^etag/] })
  t.equal(await closed, 'early')
})

t.test('an error response is a ServiceError with COS’s code', async (t) => {
  const xml = (code: string) => `<Error><Code>${code}</Code><Message>No.</Message></Error>`
  for (const [status, code] of [
    [403, 'InvalidObjectState'],
    [404, 'NoSuchKey'],
    [404, 'NoSuchVersion'],
    [412, 'PreconditionFailed'],
    [416, 'InvalidRange']
  ] as const) {
    t.match(left(await get(t, { ...xmlResponse(xml(code)), status })), { _tag: 'ServiceError', status, code })
  }
  t.match(left(await get(t, { status: 304, headers: head })), { _tag: 'ServiceError', code: 'NotModified' })
  const redirect = {
    status: 302,
    headers: { location: 'https://origin.example/a', 'x-cos-request-id': 'NjYwMQ==' }
  }
  t.match(left(await get(t, redirect)), {
    _tag: 'ServiceError',
    status: 302,
    headers: { location: 'https://origin.example/a' }
  })
})
