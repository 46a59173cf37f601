/** GET Object, over the wire: the bytes, whole and in ranges, their metadata, and the errors. */
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
import { refusals, expectInvalidInput } from './error-cases.js'
import { trackParameters } from './parameter-coverage.js'

const { bucket } = A
const { call: getting, uncovered } = trackParameters(getObject)
const at = { bucket, key: 'a.txt' }
const digits = '0123456789'

t.test('a read with every parameter returns every attribute of the object', async (t) => {
  const second = Math.floor(Date.now() / 1000) * 1000
  const { run, headersOf, emulator } = await A.startFixture(t, { now: () => second })
  const to = { bucket: A.versioned, ...A.collapsing }
  const put = await run(putObject({ ...to, ...A.entity, body: digits, sse: A.sseC, tagging: { a: '1' } }))
  await run(putObject({ ...to, body: 'newer' }))
  const got = await run(
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
      resume: true,
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
    lastModified: O.some(new Date(second)),
    cacheControl: O.some('no-store'),
    contentDisposition: O.some('inline; filename="b c+.txt"'),
    contentEncoding: O.some('x-other'),
    contentLanguage: O.some('zh'),
    contentType: O.some('text/plain; charset=utf-8'),
    expires: O.some('Thu, 01 May 2031 08:31:00 GMT'),
    metadata: A.entityAttributes.metadata,
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
  t.match(headersOf('GetObject'), {
    'x-cos-traffic-limit': '838860800',
    referer: 'https://a.example/',
    'x-cos-by-hand': 'header',
    'accept-encoding': 'identity',
    'if-match': put.etag
  })
  t.match(emulator.requests().at(-1)?.query, { 'by-hand': 'parameter', 'response-content-language': 'zh' })
})

t.test('a range returns exactly its bytes', async (t) => {
  const { run, runFailing } = await A.startFixture(t)
  await run(putObject({ ...at, body: digits }))
  const read = async (range: NonNullable<GetObjectInput['range']>) => {
    const got = await run(getting({ ...at, range }))
    return [await A.textOf(got.body), O.toUndefined(got.contentRange)] as const
  }
  const size = O.some(10)
  t.same(await read({ first: 7 }), ['789', { first: 7, last: 9, size }])
  t.same(await read({ first: 7, last: 99 }), ['789', { first: 7, last: 9, size }])
  t.same(await read({ suffix: 3 }), ['789', { first: 7, last: 9, size }])
  t.same(await read({ suffix: 99 }), [digits, { first: 0, last: 9, size }])
  t.match(await runFailing(getObject({ ...at, range: { first: 10 } })), {
    status: 416,
    code: 'InvalidRange',
    headers: { 'content-range': 'bytes */10' }
  })
  await run(putObject({ ...at, body: '' }))
  t.match(await runFailing(getObject({ ...at, range: { suffix: 1 } })), { status: 416, code: 'InvalidRange' })
})

t.test('every parameter is covered', async (t) => t.same(uncovered(), []))

t.test('a whole object is verified, and response overrides are applied', async (t) => {
  const { run } = await A.startFixture(t)
  await run(putObject({ ...at, ...A.entity, body: digits }))
  const got = await run(getObject(at))
  t.equal(await A.textOf(got.body), digits)
  t.match(got, { ...A.entityAttributes, size: O.some(10), contentLength: O.some(10), contentRange: O.none })
  t.match(right(await got.verified()), { _tag: 'Verified', crc64: await crc64(Buffer.from(digits)) })
  const zipped = await run(getObject({ ...at, responseContentEncoding: 'gzip', responseExpires: '0' }))
  t.equal(await A.textOf(zipped.body), digits, 'and nothing is decompressed')
  t.match([zipped.contentEncoding, zipped.expires], [O.some('gzip'), O.some('0')])
})

t.test('changed bytes are an IntegrityError', async (t) => {
  const faults = [
    [{ flip: 3 }, { _tag: 'IntegrityError', check: 'crc64' }],
    [{ cut: { at: 'body', after: 0 } }, { _tag: 'TransportError' }],
    [{ headers: { 'x-cos-hash-crc64ecma': '1' } }, { _tag: 'IntegrityError', expected: '1' }]
  ] as const
  for (const [fault, wanted] of faults) {
    const { run } = await A.startFixture(t, { fault: ({ method }) => (method === 'GET' ? fault : undefined) })
    await run(putObject({ ...at, body: digits }))
    const got = await run(getObject(at))
    t.match(await failure(got.body.toArray()), wanted)
    t.match(await got.verified(), { _tag: 'Left', left: wanted })
  }
})

t.test('without a checksum the body is Unverifiable', async (t) => {
  const fault = { headers: { 'x-cos-hash-crc64ecma': null } }
  const { run } = await A.startFixture(t, { fault: () => fault })
  await run(putObject({ ...at, body: digits }))
  const got = await run(getObject(at))
  t.equal(await A.textOf(got.body), digits)
  t.match(right(await got.verified()), { _tag: 'Unverifiable' })
})

t.test('a whole object in response to a range is a DecodeError', async (t) => {
  const { run, runFailing } = await A.startFixture(t, { fault: () => ({ ignoreRange: true }) })
  await run(putObject({ ...at, body: digits }))
  t.match(await runFailing(getObject({ ...at, range: { first: 2, last: 4 } })), {
    _tag: 'DecodeError',
    status: 200,
    context: { attempts: 4 }
  })
})

t.test('COS refuses requests that its state does not allow', async (t) => {
  const { run, runFailing, cos } = await A.startFixture(t)
  const put = await run(putObject({ ...at, body: 'a' }))
  await run(putObject({ ...at, key: 'archived', body: 'a', storageClass: 'DEEP_ARCHIVE' }))
  await run(putObject({ ...at, key: 'secret', body: 'a', sse: A.sseC }))
  const expectRefusal = async (input: Partial<GetObjectInput>, status: number, code: string) =>
    t.match(await runFailing(getObject({ ...at, ...input })), { _tag: 'ServiceError', status, code }, code)
  await expectRefusal({ bucket: A.nowhere }, 404, 'NoSuchBucket')
  await expectRefusal({ key: 'never' }, 404, 'NoSuchKey')
  await expectRefusal({ versionId: 'never' }, 404, 'NoSuchVersion')
  await expectRefusal({ key: 'archived' }, 403, 'InvalidObjectState')
  await expectRefusal({ key: 'secret' }, 400, 'SsecDecryptHeaderInvalid')
  await expectRefusal({ key: 'secret', sse: A.otherC }, 400, 'SsecDecryptHeaderInvalid')
  await expectRefusal({ sse: A.sseC }, 400, 'SsecDecryptHeaderInvalid')
  await expectRefusal({ headers: { 'x-cos-server-side-encryption': 'AES256' } }, 400, 'SSEHeaderNotAllowed')
  await expectRefusal({ headers: { 'x-cos-traffic-limit': '1' } }, 400, 'InvalidArgument')
  await expectRefusal({ ifMatch: 'another' }, 412, 'PreconditionFailed')
  await expectRefusal({ ifUnmodifiedSince: A.past }, 412, 'PreconditionFailed')
  await expectRefusal({ ifNoneMatch: put.etag }, 304, 'NotModified')
  await expectRefusal({ ifModifiedSince: A.future }, 304, 'NotModified')
  // A 304 has no body, but it has the object's headers.
  t.match(await runFailing(getObject({ ...at, ifNoneMatch: put.etag })), {
    message: '',
    headers: { etag: put.etag, 'x-cos-hash-crc64ecma': String(A.some(put.crc64)) }
  })

  await run(putObject({ ...at, body: 'for all', acl: 'public-read' }))
  const anyone = cos.client({ credentials: 'anonymous' })
  t.equal(await A.textOf(right(await send(getObject(at))(anyone)()).body), 'for all')
  t.match(await send(getObject({ ...at, responseContentType: 'text/html' }))(anyone)(), {
    left: { status: 400, code: 'InvalidRequest' }
  })
})

t.test('a deleted object is 404, by its key and by the version id of its delete marker', async (t) => {
  const { run, runFailing } = await A.startFixture(t)
  const versions = { bucket: A.versioned, key: 'a' }
  const { versionId } = await run(putObject({ ...versions, body: 'one' }))
  const marker = await run(deleteObject(versions))
  const gone = { _tag: 'ServiceError', status: 404, code: 'NoSuchKey' }
  t.match(await runFailing(getObject(versions)), gone)
  t.match(await runFailing(getObject({ ...versions, versionId: A.some(marker.versionId) })), gone)
  const got = await run(getObject({ ...versions, versionId: A.some(versionId) }))
  t.equal(await A.textOf(got.body), 'one')
})

t.test('a redirect is a ServiceError, and is not followed', async (t) => {
  for (const status of [301, 302, 307]) {
    const headers = { location: 'http://127.0.0.1:1/' }
    const { runFailing } = await A.startFixture(t, { fault: () => ({ response: { status, headers } }) })
    t.match(await runFailing(getObject(at)), {
      _tag: 'ServiceError',
      status,
      headers,
      context: { attempts: 1 }
    })
  }
})

t.test('an invalid input is an InvalidInput, and nothing is sent', (t) =>
  expectInvalidInput(t, [
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
