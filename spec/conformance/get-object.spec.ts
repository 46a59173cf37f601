/** GET Object, over the wire: the bytes, whole and in ranges, what is said of them, and when there are none. */
import * as O from 'fp-ts/lib/Option.js'
import t from 'tap'
import { crc64 } from '../../lib/core/crc64.js'
import { send } from '../../lib/client/send.js'
import { deleteObject } from '../../lib/operations/delete-object.js'
import { getObject, type GetObjectInput } from '../../lib/operations/get-object.js'
import { putObject } from '../../lib/operations/put-object.js'
import { catchCosError as failure } from '../support/responses.js'
import { right } from '../support/server.js'
import * as A from './fixture.js'
import { refusals, refusedUnsent } from './error-cases.js'
import { showing } from './parameter-coverage.js'

const { bucket } = A
const { call: getting, unshown } = showing(getObject)
const at = { bucket, key: 'a.txt' }
const digits = '0123456789'

t.test('all that can be said of a read is heard, and all that is known of the object told', async (t) => {
  const second = Math.floor(Date.now() / 1000) * 1000
  const { done, heard, emulator } = await A.asking(t, { now: () => second })
  const to = { bucket: A.versioned, ...A.collapsing }
  const put = await done(putObject({ ...to, ...A.entity, body: digits, sse: A.sseC, tagging: { a: '1' } }))
  await done(putObject({ ...to, body: 'newer' }))
  const got = await done(
    getting({
      ...to,
      versionId: A.some(put.versionId),
      sse: A.sseC,
      range: { first: 2, last: 4 },
      ifMatch: put.etag.replaceAll('"', ''),
      ifNoneMatch: '"another"',
      ifModifiedSince: A.past,
      ifUnmodifiedSince: A.future,
      trafficLimit: 838_860_800,
      acceptEncoding: 'identity',
      referer: 'https://a.example/',
      responseCacheControl: 'no-store',
      responseContentDisposition: 'inline; filename="b c+.txt"',
      responseContentEncoding: 'x-other',
      responseContentLanguage: 'zh',
      responseContentType: 'text/plain; charset=utf-8',
      responseExpires: new Date('2031-05-01T08:31:00Z'),
      headers: { 'x-cos-by-hand': 'header' },
      query: { 'by-hand': 'parameter' }
    })
  )
  t.equal(await A.textOf(got.body), '234')
  t.match(got, {
    requestId: emulator.requests().at(-1)?.requestId,
    size: O.some(10),
    contentLength: O.some(3),
    contentRange: O.some({ first: 2, last: 4, size: O.some(10) }),
    etag: put.etag,
    lastModified: new Date(second),
    cacheControl: O.some('no-store'),
    contentDisposition: O.some('inline; filename="b c+.txt"'),
    contentEncoding: O.some('x-other'),
    contentLanguage: O.some('zh'),
    contentType: O.some('text/plain; charset=utf-8'),
    expires: O.some('Thu, 01 May 2031 08:31:00 GMT'),
    metadata: A.entityTold.metadata,
    crc64: O.some(await crc64(Buffer.from(digits))),
    storageClass: 'STANDARD',
    storageTier: O.none,
    objectType: O.none,
    nextAppendPosition: O.none,
    versionId: put.versionId,
    restore: O.none,
    restoreStatus: O.none,
    taggingCount: O.some(1),
    replicationStatus: O.none,
    sse: O.some({ type: 'C', keyMd5: O.some(A.sseCMd5) })
  })
  t.match(right(await got.verified()), { _tag: 'Unverifiable' }, 'the checksum is that of the whole')
  t.match(got.headers, { 'accept-ranges': 'bytes', 'content-range': 'bytes 2-4/10' })
  t.match(heard('GetObject'), {
    'x-cos-traffic-limit': '838860800',
    referer: 'https://a.example/',
    'x-cos-by-hand': 'header',
    'accept-encoding': 'identity',
    'if-match': put.etag
  })
  t.match(emulator.requests().at(-1)?.query, { 'by-hand': 'parameter', 'response-content-language': 'zh' })
})

t.test('a range is those bytes', async (t) => {
  const { done, failed } = await A.asking(t)
  await done(putObject({ ...at, body: digits }))
  const read = async (range: NonNullable<GetObjectInput['range']>) => {
    const got = await done(getting({ ...at, range }))
    return [await A.textOf(got.body), O.toUndefined(got.contentRange)] as const
  }
  const size = O.some(10)
  t.same(await read({ first: 7 }), ['789', { first: 7, last: 9, size }])
  t.same(await read({ first: 7, last: 99 }), ['789', { first: 7, last: 9, size }])
  t.same(await read({ suffix: 3 }), ['789', { first: 7, last: 9, size }])
  t.same(await read({ suffix: 99 }), [digits, { first: 0, last: 9, size }])
  t.match(await failed(getObject({ ...at, range: { first: 10 } })), {
    status: 416,
    code: 'InvalidRange',
    headers: { 'content-range': 'bytes */10' }
  })
  await done(putObject({ ...at, body: '' }))
  t.match(await failed(getObject({ ...at, range: { suffix: 1 } })), { status: 416, code: 'InvalidRange' })
})

t.test('every parameter was shown', async (t) => t.same(unshown(), []))

t.test(
  'a whole object is read to its end and verified; one that says how to be shown is shown so',
  async (t) => {
    const { done } = await A.asking(t)
    await done(putObject({ ...at, ...A.entity, body: digits }))
    const got = await done(getObject(at))
    t.equal(await A.textOf(got.body), digits)
    t.match(got, { ...A.entityTold, size: O.some(10), contentLength: O.some(10), contentRange: O.none })
    t.match(right(await got.verified()), { _tag: 'Verified', crc64: await crc64(Buffer.from(digits)) })
    const zipped = await done(getObject({ ...at, responseContentEncoding: 'gzip', responseExpires: '0' }))
    t.equal(await A.textOf(zipped.body), digits, 'and nothing is decompressed')
    t.match([zipped.contentEncoding, zipped.expires], [O.some('gzip'), O.some('0')])
  }
)

t.test('bytes that are not those that were stored do not pass for them', async (t) => {
  const faults = [
    [{ flip: 3 }, { _tag: 'IntegrityError', check: 'crc64' }],
    [{ cut: { at: 'body', after: 4 } }, { _tag: 'TransportError' }],
    [{ headers: { 'x-cos-hash-crc64ecma': '1' } }, { _tag: 'IntegrityError', expected: '1' }]
  ] as const
  for (const [fault, wanted] of faults) {
    const { done } = await A.asking(t, { fault: ({ method }) => (method === 'GET' ? fault : undefined) })
    await done(putObject({ ...at, body: digits }))
    const got = await done(getObject(at))
    t.match(await failure(got.body.toArray()), wanted)
    t.match(await got.verified(), { _tag: 'Left', left: wanted })
  }
})

t.test('without a checksum bytes are read, and not called verified', async (t) => {
  const fault = { headers: { 'x-cos-hash-crc64ecma': null } }
  const { done } = await A.asking(t, { fault: () => fault })
  await done(putObject({ ...at, body: digits }))
  const got = await done(getObject(at))
  t.equal(await A.textOf(got.body), digits)
  t.match(right(await got.verified()), { _tag: 'Unverifiable' })
})

t.test('the whole where a range was asked for is not passed off as the range', async (t) => {
  const { done, failed } = await A.asking(t, { fault: () => ({ ignoreRange: true }) })
  await done(putObject({ ...at, body: digits }))
  t.match(await failed(getObject({ ...at, range: { first: 2, last: 4 } })), {
    _tag: 'DecodeError',
    status: 200,
    context: { attempts: 4 }
  })
})

t.test('what does not hold is refused by the one who looks', async (t) => {
  const { done, failed, cos } = await A.asking(t)
  const put = await done(putObject({ ...at, body: 'a' }))
  await done(putObject({ ...at, key: 'archived', body: 'a', storageClass: 'DEEP_ARCHIVE' }))
  await done(putObject({ ...at, key: 'secret', body: 'a', sse: A.sseC }))
  const refused = async (input: Partial<GetObjectInput>, status: number, code: string) =>
    t.match(await failed(getObject({ ...at, ...input })), { _tag: 'ServiceError', status, code }, code)
  await refused({ bucket: A.nowhere }, 404, 'NoSuchBucket')
  await refused({ key: 'never' }, 404, 'NoSuchKey')
  await refused({ versionId: 'never' }, 404, 'NoSuchVersion')
  await refused({ key: 'archived' }, 403, 'InvalidObjectState')
  await refused({ key: 'secret' }, 400, 'SsecDecryptHeaderInvalid')
  await refused({ key: 'secret', sse: A.otherC }, 400, 'SsecDecryptHeaderInvalid')
  await refused({ sse: A.sseC }, 400, 'SsecDecryptHeaderInvalid')
  await refused({ headers: { 'x-cos-server-side-encryption': 'AES256' } }, 400, 'SSEHeaderNotAllowed')
  await refused({ headers: { 'x-cos-traffic-limit': '1' } }, 400, 'InvalidArgument')
  await refused({ ifMatch: 'another' }, 412, 'PreconditionFailed')
  await refused({ ifUnmodifiedSince: A.past }, 412, 'PreconditionFailed')
  await refused({ ifNoneMatch: put.etag }, 304, 'NotModified')
  await refused({ ifModifiedSince: A.future }, 304, 'NotModified')
  // A 304 has no body, but it has the object's headers.
  t.match(await failed(getObject({ ...at, ifNoneMatch: put.etag })), {
    message: '',
    headers: { etag: put.etag, 'x-cos-hash-crc64ecma': String(A.some(put.crc64)) }
  })

  await done(putObject({ ...at, body: 'for all', acl: 'public-read' }))
  const anyone = cos.client({ credentials: 'anonymous' })
  t.equal(await A.textOf(right(await send(getObject(at))(anyone)()).body), 'for all')
  t.match(await send(getObject({ ...at, responseContentType: 'text/html' }))(anyone)(), {
    left: { status: 400, code: 'InvalidRequest' }
  })
})

t.test('where it is deleted it is not there, by its name or by its marker’s', async (t) => {
  const { done, failed } = await A.asking(t)
  const versions = { bucket: A.versioned, key: 'a' }
  const { versionId } = await done(putObject({ ...versions, body: 'one' }))
  const marker = await done(deleteObject(versions))
  const gone = { _tag: 'ServiceError', status: 404, code: 'NoSuchKey' }
  t.match(await failed(getObject(versions)), gone)
  t.match(await failed(getObject({ ...versions, versionId: A.some(marker.versionId) })), gone)
  const got = await done(getObject({ ...versions, versionId: A.some(versionId) }))
  t.equal(await A.textOf(got.body), 'one')
})

t.test('a redirect is told, not followed', async (t) => {
  for (const status of [301, 302, 307]) {
    const headers = { location: 'http://127.0.0.1:1/' }
    const { failed } = await A.asking(t, { fault: () => ({ response: { status, headers } }) })
    t.match(await failed(getObject(at)), { _tag: 'ServiceError', status, headers, context: { attempts: 1 } })
  }
})

t.test('what makes no sense is refused before it is sent', (t) =>
  refusedUnsent(t, [
    ['key', getObject({ bucket, key: '' })],
    ['key', getObject({ bucket, key: './' })],
    ['versionId', getObject({ ...at, versionId: '' })],
    ['range.last', getObject({ ...at, range: { first: 2, last: 1 } })],
    ['range.suffix', getObject({ ...at, range: { suffix: 0 } })],
    ['trafficLimit', getObject({ ...at, trafficLimit: 838_860_801 })],
    ['responseContentType', getObject({ ...at, responseContentType: 'a\r\nb' })],
    ['sse', getObject({ ...at, sse: { type: 'COS' } as never })]
  ])
)

refusals(getObject(at))
