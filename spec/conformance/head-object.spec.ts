/** HEAD Object, over the wire: all that COS knows of an object, and refusals that have no words. */
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
import { refusals, refusedUnsent } from './error-cases.js'
import { showing } from './parameter-coverage.js'

const { bucket } = A
const { call: heading, unshown } = showing(headObject)
const at = { bucket, key: 'a.txt' }
const none = { _tag: 'None' }

t.test('all that is known of an object is told, to one who says all that can be said', async (t) => {
  const second = Math.floor(Date.now() / 1000) * 1000
  const { done, heard, emulator } = await A.asking(t, { now: () => second })
  const to = { bucket: A.versioned, ...A.collapsing }
  const body = 'hidden'
  const put = await done(
    putObject({
      ...to,
      ...A.entity,
      body,
      sse: A.sseC,
      storageClass: 'INTELLIGENT_TIERING',
      tagging: { a: '1' }
    })
  )
  await done(putObject({ ...to, body: 'newer' }))
  const head = await done(
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
  const { headers: raw, ...told } = head
  t.same(told, {
    requestId: emulator.requests().at(-1)?.requestId,
    size: 6,
    etag: put.etag,
    lastModified: new Date(second),
    ...A.entityTold,
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
  t.match(heard('HeadObject'), {
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

t.test('every parameter was shown', async (t) => t.same(unshown(), []))

t.test('of a plain object it says what is usual', async (t) => {
  const { done } = await A.asking(t)
  await done(putObject({ ...at, body: '' }))
  t.match(await done(headObject(at)), {
    size: 0,
    storageClass: 'STANDARD',
    contentType: O.some('application/octet-stream'),
    metadata: {},
    ...{ versionId: none, sse: none, taggingCount: none, cacheControl: none, expires: none, restore: none }
  })
})

t.test('what the emulator has none of is read all the same', async (t) => {
  const headers = {
    'x-cos-object-type': 'appendable',
    'x-cos-next-append-position': '5',
    'x-cos-replication-status': 'Complete'
  }
  const { done } = await A.asking(t, { fault: ({ method }) => (method === 'HEAD' ? { headers } : undefined) })
  await done(putObject({ ...at, body: 'a' }))
  t.match(await done(headObject(at)), {
    objectType: O.some('appendable'),
    nextAppendPosition: O.some(5),
    replicationStatus: O.some('Complete')
  })
})

t.test('an archive tells how far its restore is', async (t) => {
  let now = Math.floor(Date.now() / 1000) * 1000
  const { done } = await A.asking(t, { now: () => now })
  const began = new Date(now)
  await done(putObject({ ...at, body: 'old', storageClass: 'ARCHIVE' }))
  t.match(await done(headObject(at)), { size: 3, storageClass: 'ARCHIVE', restore: none })
  await done(restoreObject({ ...at, days: 1, tier: 'Expedited' }))
  t.match(await done(headObject(at)), {
    restore: O.some({ ongoing: true, expiry: O.none }),
    restoreStatus: O.some({ tier: 'expedited', requestDate: O.some(began) })
  })
  now += 5 * 60_000
  const expiry = O.some(new Date(now + 86_400_000))
  t.match(await done(headObject(at)), { restore: O.some({ ongoing: false, expiry }), restoreStatus: none })
})

t.test('a refusal has no words: its code is named after its status', async (t) => {
  const { done, failed } = await A.asking(t)
  const put = await done(putObject({ ...at, body: 'a' }))
  const refused = async (input: Partial<Parameters<typeof headObject>[0]>, status: number, code: string) =>
    t.match(await failed(headObject({ ...at, ...input })), {
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
  await done(putObject({ ...at, key: 'secret', body: 'a', sse: A.sseC }))
  await refused({ key: 'secret' }, 400, 'InvalidRequest')
  await refused({ key: 'secret', sse: A.otherC }, 400, 'InvalidRequest')
})

t.test('where it is deleted it is not there, by its name or by its marker’s', async (t) => {
  const { done, failed } = await A.asking(t)
  const versions = { bucket: A.versioned, key: 'a' }
  const { versionId } = await done(putObject({ ...versions, body: 'one' }))
  const marker = await done(deleteObject(versions))
  const gone = { _tag: 'ServiceError', status: 404, code: 'NoSuchResource' }
  t.match(await failed(headObject(versions)), gone)
  t.match(await failed(headObject({ ...versions, versionId: A.some(marker.versionId) })), gone)
  t.match(await done(headObject({ ...versions, versionId: A.some(versionId) })), { size: 3, versionId })
})

t.test('a marker that is answered with 405 is gone as well', async (t) => {
  const { failed } = await A.asking(t, {
    fault: () => ({ response: { status: 405, code: 'MethodNotAllowed' } })
  })
  t.match(await failed(headObject({ ...at, versionId: 'a' })), { status: 405, code: 'MethodNotAllowed' })
})

t.test('whether an object is there is a yes or a no, and no right to ask is neither', async (t) => {
  const { done, cos } = await A.asking(t)
  t.equal(await done(objectExists(at)), false)
  await done(putObject({ ...at, body: '' }))
  t.equal(await done(objectExists(at)), true)
  t.equal(await done(objectExists({ ...at, bucket: A.nowhere })), false)
  const stranger = await A.asking(t, { fault: () => ({ response: { status: 403, code: 'AccessDenied' } }) })
  t.match(await stranger.failed(objectExists(at)), { status: 403, code: 'AccessDenied' })
  t.same(cos.operations(), ['HeadObject', 'PutObject', 'HeadObject', 'HeadObject'])
})

t.test('a result is changed before anything is sent', async (t) => {
  const { done, cos } = await A.asking(t)
  const size = pipe(
    headObject(at),
    Op.map((head) => head.size)
  )
  t.same(cos.operations(), [])
  await done(putObject({ ...at, body: '12345' }))
  t.equal(await done(size), 5)
})

t.test('what makes no sense is refused before it is sent', (t) =>
  refusedUnsent(t, [
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
