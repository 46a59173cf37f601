/** Objects, from the call to the bytes on a disk that is not there and back: over real sockets, signed and verified. */
import { pipe } from 'fp-ts/lib/function.js'
import * as O from 'fp-ts/lib/Option.js'
import t from 'tap'
import { crc64 } from '../../lib/core/crc64.js'
import * as Op from '../../lib/core/operation.js'
import { send } from '../../lib/effects/send.js'
import { completeMultipartUpload } from '../../lib/operations/complete-multipart-upload.js'
import { copyObject } from '../../lib/operations/copy-object.js'
import { createMultipartUpload } from '../../lib/operations/create-multipart-upload.js'
import { deleteObject } from '../../lib/operations/delete-object.js'
import { deleteObjects } from '../../lib/operations/delete-objects.js'
import { getObject } from '../../lib/operations/get-object.js'
import { headObject } from '../../lib/operations/head-object.js'
import { objectExists } from '../../lib/operations/object-exists.js'
import { putObject } from '../../lib/operations/put-object.js'
import { restoreObject } from '../../lib/operations/restore-object.js'
import { selectObjectContent } from '../../lib/operations/select-object-content.js'
import { uploadPart } from '../../lib/operations/upload-part.js'
import { uploadPartCopy } from '../../lib/operations/upload-part-copy.js'
import { waitFor } from '../support/coming-true.js'
import { bucket, emulating } from '../support/cos.js'
import { recorded } from '../support/select-messages.js'
import { left, right, serving } from '../support/server.js'

type Teardown = Parameters<typeof emulating>[0]

const versioned = 'versioned-1250000000'
const region = 'ap-guangzhou'

/** An emulator, and a way to ask it. */
const asking = async (t: Teardown) => {
  const cos = await emulating(t, {
    buckets: [bucket, { name: versioned, versioning: 'Enabled' }],
    minPartSize: 1,
    restoreTime: 1
  })
  const client = cos.client({ region })
  return {
    cos,
    done: async <A>(operation: Op.Operation<A>): Promise<A> => right(await send(operation)(client)()),
    failed: async (operation: Op.Operation<unknown>) => left(await send(operation)(client)())
  }
}

const said = {
  cacheControl: 'max-age=60',
  contentDisposition: 'attachment; filename="a.txt"',
  contentEncoding: 'identity',
  contentLanguage: 'en',
  contentType: 'text/x-spec',
  expires: new Date('2030-05-01T08:31:00Z')
}
const told = {
  cacheControl: O.some('max-age=60'),
  contentDisposition: O.some('attachment; filename="a.txt"'),
  contentEncoding: O.some('identity'),
  contentLanguage: O.some('en'),
  contentType: O.some('text/x-spec'),
  expires: O.some('Wed, 01 May 2030 08:31:00 GMT')
}

t.test('what is put with all that may be said of it comes back as it was said', async (t) => {
  const { done } = await asking(t)
  // Not an ASCII letter alone: spaces, a percent sign, a slash at the front, and characters of four bytes.
  const at = { bucket, key: '/trips/2024 %2F+&?#"<腾😀.txt' }
  const body = 'hello 腾讯'
  const sum = await crc64(Buffer.from(body))
  const put = await done(
    putObject({
      ...at,
      ...said,
      body,
      enableMd5: true,
      metadata: { colour: 'red', 'x-cos-meta-shape': 'round' },
      acl: 'private',
      grantRead: [{ id: '100000000001' }],
      sse: { type: 'COS' },
      storageClass: 'STANDARD_IA',
      tagging: { a: '1' },
      trafficLimit: 838_860_800
    })
  )
  t.same(put.integrity, { _tag: 'Verified', crc64: sum })
  t.same(put.sse, O.some({ type: 'COS' }))
  t.not(put.requestId, '')

  const head = await done(headObject(at))
  t.match(head, { ...told, size: 12, etag: put.etag, crc64: O.some(sum), storageClass: 'STANDARD_IA' })
  t.same(head.metadata, { colour: 'red', shape: 'round' })
  t.same(head.sse, O.some({ type: 'COS' }))

  const got = await done(getObject(at))
  t.equal((await got.body.toArray()).join(''), body)
  t.same(right(await got.verified()), { _tag: 'Verified', crc64: sum })
  t.match(got, { ...told, size: O.some(12) })
})

t.test('a range is those bytes, and an answer says what it was told to', async (t) => {
  const { done, failed } = await asking(t)
  const at = { bucket, key: 'digits' }
  await done(putObject({ ...at, body: '0123456789' }))
  const read = async (range: Parameters<typeof getObject>[0]['range']) => {
    const got = await done(getObject({ ...at, ...(range === undefined ? {} : { range }) }))
    return [(await got.body.toArray()).join(''), pipe(got.contentRange, O.toUndefined)] as const
  }
  const size = O.some(10)
  t.same(await read({ first: 2, last: 4 }), ['234', { first: 2, last: 4, size }])
  t.same(await read({ first: 7 }), ['789', { first: 7, last: 9, size }])
  t.same(await read({ first: 7, last: 99 }), ['789', { first: 7, last: 9, size }])
  t.same(await read({ suffix: 3 }), ['789', { first: 7, last: 9, size }])
  t.same(await read(undefined), ['0123456789', undefined])
  t.match(await failed(getObject({ ...at, range: { first: 10 } })), { status: 416, code: 'InvalidRange' })

  const overridden = await done(
    getObject({ ...at, responseContentType: 'text/plain; charset=utf-8', responseCacheControl: 'no-store' })
  )
  t.match(overridden, { contentType: O.some('text/plain; charset=utf-8'), cacheControl: O.some('no-store') })
  overridden.body.destroy()
})

t.test('conditions hold, or are told by their status', async (t) => {
  const { done, failed } = await asking(t)
  const at = { bucket, key: 'conditions' }
  const { etag } = await done(putObject({ ...at, body: 'a' }))
  const bare = etag.replaceAll('"', '')
  const [past, future] = [new Date(0), new Date(Date.now() + 60_000)]
  t.equal((await done(headObject({ ...at, ifMatch: bare }))).etag, etag)
  t.equal((await done(headObject({ ...at, ifModifiedSince: past, ifUnmodifiedSince: future }))).etag, etag)
  t.match(await failed(headObject({ ...at, ifMatch: 'other' })), { status: 412, code: 'PreconditionFailed' })
  t.match(await failed(headObject({ ...at, ifNoneMatch: bare })), { status: 304, code: 'NotModified' })
  t.match(await failed(getObject({ ...at, ifNoneMatch: etag })), { status: 304, code: 'NotModified' })
  t.match(await failed(getObject({ ...at, ifUnmodifiedSince: past })), {
    status: 412,
    code: 'PreconditionFailed'
  })
})

t.test('an object that is not there is not, and one that is deleted is gone', async (t) => {
  const { done, failed } = await asking(t)
  const at = { bucket, key: 'here' }
  t.equal(await done(objectExists(at)), false)
  await done(putObject({ ...at, body: '' }))
  t.equal(await done(objectExists(at)), true)
  t.match(await done(deleteObject(at)), { deleteMarker: false, versionId: O.none })
  t.match(await done(deleteObject(at)), { deleteMarker: false })
  t.equal(await done(objectExists(at)), false)
  t.match(await failed(headObject(at)), { _tag: 'ServiceError', status: 404, code: 'NoSuchResource' })
  t.match(await failed(getObject(at)), { _tag: 'ServiceError', status: 404, code: 'NoSuchKey' })
})

t.test('what must not be overwritten is not', async (t) => {
  const { done, failed } = await asking(t)
  const at = { bucket, key: 'once' }
  await done(putObject({ ...at, body: 'a', forbidOverwrite: true }))
  t.match(await failed(putObject({ ...at, body: 'b', forbidOverwrite: true })), {
    _tag: 'ServiceError',
    status: 409
  })
})

t.test('a version is kept, named, and removed for good', async (t) => {
  const { done, failed } = await asking(t)
  const at = { bucket: versioned, key: 'versions' }
  const first = O.toUndefined((await done(putObject({ ...at, body: 'one' }))).versionId) ?? ''
  await done(putObject({ ...at, body: 'two' }))
  t.match(await done(headObject({ ...at, versionId: first })), { size: 3, versionId: O.some(first) })

  const marker = await done(deleteObject(at))
  t.equal(marker.deleteMarker, true)
  t.equal(await done(objectExists(at)), false)
  t.equal(await done(objectExists({ ...at, versionId: first })), true)
  const removed = await done(deleteObject({ ...at, versionId: O.toUndefined(marker.versionId) ?? '' }))
  t.equal(removed.deleteMarker, true)
  t.equal(await done(objectExists(at)), true)
  await done(deleteObject({ ...at, versionId: first }))
  t.match(await failed(headObject({ ...at, versionId: first })), { status: 404 })
})

t.test('many are deleted at once, each with its result', async (t) => {
  const { done } = await asking(t)
  const keys = ['a', ' b ', 'c&<>"\'', '腾/😀']
  for (const key of keys) await done(putObject({ bucket, key, body: '' }))
  const { results } = await done(
    deleteObjects({ bucket, objects: [...keys, 'never'].map((key) => ({ key })) })
  )
  t.same(
    results.map(({ _tag, key }) => [_tag, key]),
    [...keys, 'never'].map((key) => ['Deleted', key])
  )
  for (const key of keys) t.equal(await done(objectExists({ bucket, key })), false, key)
  t.same((await done(deleteObjects({ bucket, objects: [{ key: 'a' }], quiet: true }))).results, [])

  const marked = await done(deleteObjects({ bucket: versioned, objects: [{ key: 'a' }] }))
  t.match(marked.results, [{ _tag: 'Deleted', deleteMarker: true, deleteMarkerVersionId: O.some(String) }])
})

t.test('a copy has the bytes, and what was said of the source or of it', async (t) => {
  const { done, failed } = await asking(t)
  const from = { bucket: versioned, key: 'from/a b+%.txt' }
  const source = await done(putObject({ ...from, ...said, body: 'hello', metadata: { colour: 'red' } }))
  const copySource = { ...from, region }
  const to = { bucket, key: 'to' }

  const copied = await done(copyObject({ ...to, copySource, copySourceIfMatch: source.etag }))
  t.equal(copied.etag, source.etag)
  t.same(O.isSome(copied.lastModified), true)
  t.match(await done(headObject(to)), { ...told, metadata: { colour: 'red' }, crc64: source.crc64 })

  await done(
    copyObject({ ...to, copySource, copyStatus: 'Replaced', contentType: 'text/plain', metadata: { a: '1' } })
  )
  const replaced = await done(headObject(to))
  t.match(replaced, { contentType: O.some('text/plain'), cacheControl: O.none })
  t.same(replaced.metadata, { a: '1' })

  const versionId = O.toUndefined(source.versionId) ?? ''
  await done(putObject({ ...from, body: 'newer' }))
  const older = await done(copyObject({ ...to, copySource: { ...copySource, versionId } }))
  t.same(older.copySourceVersionId, O.some(versionId))
  t.equal((await done(headObject(to))).size, 5)
  t.match(await failed(copyObject({ ...to, copySource, copySourceIfMatch: 'other' })), { status: 412 })
  t.match(await failed(copyObject({ ...to, copySource: { ...copySource, key: 'never' } })), { status: 404 })
})

t.test('an object is made in parts, of bytes and of another object', async (t) => {
  const { done, failed } = await asking(t)
  const from = { bucket, key: 'source' }
  await done(putObject({ ...from, body: '0123456789' }))
  const at = { bucket, key: 'parts/\u0001 & <>' }
  const { uploadId, key } = await done(createMultipartUpload({ ...at, ...said, metadata: { colour: 'red' } }))
  t.equal(key, at.key)

  const one = await done(uploadPart({ ...at, uploadId, partNumber: 1, body: 'hello ' }))
  t.match(one, { partNumber: 1, integrity: { _tag: 'Verified' } })
  const copySource = { ...from, region }
  const copySourceRange = { first: 2, last: 4 }
  const two = await done(uploadPartCopy({ ...at, uploadId, partNumber: 2, copySource, copySourceRange }))
  t.equal(two.partNumber, 2)
  await done(completeMultipartUpload({ ...at, uploadId, parts: [one, two] }))

  const got = await done(getObject(at))
  t.equal((await got.body.toArray()).join(''), 'hello 234')
  t.match(right(await got.verified()), { _tag: 'Verified' })
  t.match(got, { ...told, metadata: { colour: 'red' } })
  t.match(await failed(uploadPart({ ...at, uploadId, partNumber: 1, body: 'a' })), {
    status: 404,
    code: 'NoSuchUpload'
  })
})

t.test('an archived object is read after it was restored', async (t) => {
  const { done, failed } = await asking(t)
  const at = { bucket, key: 'archived' }
  await done(putObject({ ...at, body: 'old', storageClass: 'ARCHIVE' }))
  t.match(await failed(getObject(at)), { code: 'InvalidObjectState' })
  t.match(await done(restoreObject({ ...at, days: 3, tier: 'Expedited' })), { alreadyRestored: false })
  await waitFor(async () => {
    const { restore } = await done(headObject(at))
    return O.isSome(restore) && !restore.value.ongoing
  })
  const head = await done(headObject(at))
  t.match(head.restore, O.some({ ongoing: false, expiry: O.some(Date) }))
  t.equal((await (await done(getObject(at))).body.toArray()).join(''), 'old')
  t.match(await done(restoreObject({ ...at, days: 3 })), { alreadyRestored: true })
  const plain = { bucket, key: 'plain' }
  await done(putObject({ ...plain, body: '' }))
  t.match(await failed(restoreObject({ ...plain, days: 1 })), { code: 'RestoreNonArchiveObject' })
})

t.test('an object under the caller’s own key is read with that key alone', async (t) => {
  const { done, failed } = await asking(t)
  const at = { bucket, key: 'secret' }
  const sse = { type: 'C', key: Buffer.alloc(32, 7) } as const
  await done(putObject({ ...at, body: 'hidden', sse }))
  t.match(await done(headObject({ ...at, sse })), { size: 6, sse: O.some({ type: 'C' }) })
  const got = await done(getObject({ ...at, sse }))
  t.equal((await got.body.toArray()).join(''), 'hidden')
  t.match(await failed(getObject(at)), { _tag: 'ServiceError', status: 400 })
  const other = { type: 'C', key: Buffer.alloc(32, 8) } as const
  t.match(await failed(getObject({ ...at, sse: other })), { _tag: 'ServiceError' })
  const copy = { bucket, key: 'copy', copySource: { ...at, region }, copySourceSse: sse }
  await done(copyObject(copy))
  t.equal((await (await done(getObject({ bucket, key: 'copy' }))).body.toArray()).join(''), 'hidden')
})

t.test('a query goes out signed, and its records come in', async (t) => {
  const names = ['Records', 'Progress', 'Stats', 'End']
  const server = await serving(t, (_, response) => response.end(Buffer.concat(names.map(recorded))))
  const operation = selectObjectContent({
    bucket,
    key: 'people.csv',
    expression: 'SELECT * FROM COSObject',
    inputSerialization: { csv: {} },
    outputSerialization: { csv: {} }
  })
  const selected = right(await send(operation)(server.client())())
  t.equal((await selected.records.toArray()).join(''), '1,Ann\n2,Bo\n')
  t.match(right(await selected.stats()), O.some({ bytesReturned: 11 }))
  const seen = server.seen[0]
  t.match(seen, { method: 'POST', target: '/people.csv?select=&select-type=2' })
  t.match(seen?.headers, {
    authorization: /q-url-param-list=select;select-type/,
    'content-type': 'application/xml'
  })
})

t.test('a result is changed before anything is sent', async (t) => {
  const { done, cos } = await asking(t)
  const size = pipe(
    headObject({ bucket, key: 'sized' }),
    Op.map((head) => head.size)
  )
  t.same(cos.asked(), [])
  await done(putObject({ bucket, key: 'sized', body: '12345' }))
  t.equal(await done(size), 5)
})
