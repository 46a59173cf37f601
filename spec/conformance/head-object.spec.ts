/** HEAD Object, over the wire: the attributes of an object, and errors without a body. */
import * as O from 'fp-ts/lib/Option.js'
import { pipe } from 'fp-ts/lib/function.js'
import t from 'tap'
import { crc64 } from '../../lib/core/crc64.js'
import * as Op from '../../lib/core/operation.js'
import { deleteObject } from '../../lib/operations/delete-object.js'
import { headObject } from '../../lib/operations/head-object.js'
import { objectExists } from '../../lib/operations/object-exists.js'
import { putObject } from '../../lib/operations/put-object.js'
import { restoreObject } from '../../lib/operations/restore-object.js'
import * as A from './fixture.js'
import { refusals, expectInvalidInput } from './error-cases.js'
import { trackParameters } from './parameter-coverage.js'

const { bucket } = A
const { call: heading, uncovered } = trackParameters(headObject)
const at = { bucket, key: 'a.txt' }
const none = { _tag: 'None' }

t.test('a head with every parameter returns every attribute of the object', async (t) => {
  const second = Math.floor(Date.now() / 1000) * 1000
  const { run, headersOf, emulator } = await A.startFixture(t, { now: () => second })
  const to = { bucket: A.versioned, ...A.collapsing }
  const body = 'hidden'
  const put = await run(
    putObject({
      ...to,
      ...A.entity,
      body,
      sse: A.sseC,
      storageClass: 'INTELLIGENT_TIERING',
      tagging: { a: '1' }
    })
  )
  await run(putObject({ ...to, body: 'newer' }))
  const head = await run(
    heading({
      ...to,
      versionId: A.some(put.versionId),
      sse: A.sseC,
      ifMatch: put.etag,
      ifNoneMatch: 'another',
      ifModifiedSince: A.past,
      ifUnmodifiedSince: A.future,
      referer: 'https://a.example/',
      headers: { 'x-cos-by-hand': 'header' },
      query: { 'by-hand': 'parameter' }
    })
  )
  const { headers: raw, ...output } = head
  t.same(output, {
    requestId: emulator.requests().at(-1)?.requestId,
    size: 6,
    etag: put.etag,
    lastModified: O.some(new Date(second)),
    ...A.entityAttributes,
    crc64: O.some(await crc64(Buffer.from(body))),
    storageClass: 'INTELLIGENT_TIERING',
    storageTier: O.some('FREQUENT'),
    objectType: O.none,
    nextAppendPosition: O.none,
    versionId: put.versionId,
    restore: O.none,
    restoreStatus: O.none,
    taggingCount: O.some(1),
    replicationStatus: O.none,
    sse: O.some({ type: 'C', keyMd5: O.some(A.sseCMd5) })
  })
  t.match(raw, { server: 'tencent-cos', 'x-cos-request-id': head.requestId })
  t.match(headersOf('HeadObject'), {
    'if-match': put.etag,
    'if-none-match': '"another"',
    'if-modified-since': 'Thu, 02 Jan 2020 03:04:05 GMT',
    'if-unmodified-since': 'Sat, 02 Jan 2100 03:04:05 GMT',
    referer: 'https://a.example/',
    'x-cos-by-hand': 'header',
    'accept-encoding': 'identity'
  })
  t.match(emulator.requests().at(-1)?.query, { versionId: A.some(put.versionId), 'by-hand': 'parameter' })
})

t.test('every parameter is covered', async (t) => t.same(uncovered(), []))

t.test('a plain object has the defaults', async (t) => {
  const { run } = await A.startFixture(t)
  await run(putObject({ ...at, body: '' }))
  t.match(await run(headObject(at)), {
    size: 0,
    storageClass: 'STANDARD',
    // Of the suffix of the key.
    contentType: O.some('text/plain'),
    metadata: {},
    ...{ versionId: none, sse: none, taggingCount: none, cacheControl: none, expires: none, restore: none }
  })
})

t.test('headers that the emulator never sends are decoded', async (t) => {
  const headers = {
    'x-cos-object-type': 'appendable',
    'x-cos-next-append-position': '5',
    'x-cos-replication-status': 'Complete'
  }
  const { run } = await A.startFixture(t, {
    fault: ({ method }) => (method === 'HEAD' ? { headers } : undefined)
  })
  await run(putObject({ ...at, body: 'a' }))
  t.match(await run(headObject(at)), {
    objectType: O.some('appendable'),
    nextAppendPosition: O.some(5),
    replicationStatus: O.some('Complete')
  })
})

t.test('an archived object has the state of its restore', async (t) => {
  let now = Math.floor(Date.now() / 1000) * 1000
  const { run } = await A.startFixture(t, { now: () => now })
  const began = new Date(now)
  await run(putObject({ ...at, body: 'old', storageClass: 'ARCHIVE' }))
  t.match(await run(headObject(at)), { size: 3, storageClass: 'ARCHIVE', restore: none })
  await run(restoreObject({ ...at, days: 1, tier: 'Expedited' }))
  t.match(await run(headObject(at)), {
    restore: O.some({ ongoing: true, expiry: O.none }),
    restoreStatus: O.some({ tier: 'expedited', requestDate: O.some(began) })
  })
  now += 5 * 60_000
  const expiry = O.some(new Date(now + 86_400_000))
  t.match(await run(headObject(at)), { restore: O.some({ ongoing: false, expiry }), restoreStatus: none })
})

t.test('the code of an error is derived from its status', async (t) => {
  const { run, runFailing } = await A.startFixture(t)
  const put = await run(putObject({ ...at, body: 'a' }))
  const refused = async (input: Partial<Parameters<typeof headObject>[0]>, status: number, code: string) =>
    t.match(await runFailing(headObject({ ...at, ...input })), {
      _tag: 'ServiceError',
      status,
      code,
      message: ''
    })
  await refused({ bucket: A.nowhere }, 404, 'NoSuchResource')
  await refused({ key: 'never' }, 404, 'NoSuchResource')
  await refused({ versionId: 'never' }, 404, 'NoSuchResource')
  await refused({ ifMatch: 'another' }, 412, 'PreconditionFailed')
  await refused({ ifUnmodifiedSince: A.past }, 412, 'PreconditionFailed')
  await refused({ ifNoneMatch: put.etag.replaceAll('"', '') }, 304, 'NotModified')
  await refused({ ifModifiedSince: A.future }, 304, 'NotModified')
  await refused({ sse: A.sseC }, 400, 'InvalidRequest')
  await refused({ headers: { 'x-cos-server-side-encryption': 'AES256' } }, 400, 'InvalidRequest')
  await run(putObject({ ...at, key: 'secret', body: 'a', sse: A.sseC }))
  await refused({ key: 'secret' }, 400, 'InvalidRequest')
  await refused({ key: 'secret', sse: A.otherC }, 400, 'InvalidRequest')
})

t.test('a deleted object is 404, by its key and by the version id of its delete marker', async (t) => {
  const { run, runFailing } = await A.startFixture(t)
  const versions = { bucket: A.versioned, key: 'a' }
  const { versionId } = await run(putObject({ ...versions, body: 'one' }))
  const marker = await run(deleteObject(versions))
  const gone = { _tag: 'ServiceError', status: 404, code: 'NoSuchResource' }
  t.match(await runFailing(headObject(versions)), gone)
  t.match(await runFailing(headObject({ ...versions, versionId: A.some(marker.versionId) })), gone)
  t.match(await run(headObject({ ...versions, versionId: A.some(versionId) })), { size: 3, versionId })
})

t.test('a delete marker with status 405 does not exist', async (t) => {
  const { runFailing } = await A.startFixture(t, {
    fault: () => ({ response: { status: 405, code: 'MethodNotAllowed' } })
  })
  t.match(await runFailing(headObject({ ...at, versionId: 'a' })), { status: 405, code: 'MethodNotAllowed' })
})

t.test('objectExists is true or false, and 403 is an error', async (t) => {
  const { run, cos } = await A.startFixture(t)
  t.equal(await run(objectExists(at)), false)
  await run(putObject({ ...at, body: '' }))
  t.equal(await run(objectExists(at)), true)
  t.equal(await run(objectExists({ ...at, bucket: A.nowhere })), false)
  const stranger = await A.startFixture(t, {
    fault: () => ({ response: { status: 403, code: 'AccessDenied' } })
  })
  t.match(await stranger.runFailing(objectExists(at)), { status: 403, code: 'AccessDenied' })
  t.same(cos.operations(), ['HeadObject', 'PutObject', 'HeadObject', 'HeadObject'])
})

t.test('Op.map changes the result of an operation before it is sent', async (t) => {
  const { run, cos } = await A.startFixture(t)
  const size = pipe(
    headObject(at),
    Op.map((head) => head.size)
  )
  t.same(cos.operations(), [])
  await run(putObject({ ...at, body: '12345' }))
  t.equal(await run(size), 5)
})

t.test('an invalid input is an InvalidInput, and nothing is sent', (t) =>
  expectInvalidInput(t, [
    ['bucket', headObject({ ...at, bucket: 'no-appid' })],
    ['key', headObject({ bucket, key: '' })],
    ['key', headObject({ bucket, key: 'a/..' })],
    ['versionId', headObject({ ...at, versionId: '' })],
    ['ifMatch', headObject({ ...at, ifMatch: ' ' })],
    ['ifModifiedSince', headObject({ ...at, ifModifiedSince: new Date(NaN) })],
    ['sse.key', headObject({ ...at, sse: { type: 'C', key: Buffer.alloc(16) } })],
    ['referer', headObject({ ...at, referer: 'a\nb' })]
  ])
)

refusals(headObject(at))
