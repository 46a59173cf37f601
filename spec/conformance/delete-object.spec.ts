/** DELETE Object, over the wire: what is removed, what is marked, and what was never there. */
import * as O from 'fp-ts/lib/Option.js'
import t from 'tap'
import { deleteObject } from '../../lib/operations/delete-object.js'
import { listObjectVersions } from '../../lib/operations/list-object-versions.js'
import { objectExists } from '../../lib/operations/object-exists.js'
import { putObject } from '../../lib/operations/put-object.js'
import * as A from './fixture.js'
import { refusals, refusedUnsent } from './error-cases.js'
import { showing } from './parameter-coverage.js'

const { bucket } = A
const { call: deleting, unshown } = showing(deleteObject)
const at = { bucket, key: 'a.txt' }

t.test('a version that is named is removed for good', async (t) => {
  const { done, emulator } = await A.asking(t)
  const to = { bucket: A.versioned, ...A.collapsing }
  const { versionId } = await done(putObject({ ...to, body: 'one' }))
  await done(putObject({ ...to, body: 'two' }))
  const { headers: raw, ...told } = await done(
    deleting({
      ...to,
      versionId: A.some(versionId),
      headers: { 'x-cos-by-hand': 'header' },
      query: { 'by-hand': 'parameter' }
    })
  )
  const request = emulator.requests().at(-1)
  t.same(told, { requestId: request?.requestId, versionId, deleteMarker: false })
  t.match(raw, { 'x-cos-version-id': A.some(versionId) })
  t.match(request, {
    method: 'DELETE',
    status: 204,
    headers: { 'x-cos-by-hand': 'header' },
    query: { versionId: A.some(versionId), 'by-hand': 'parameter' }
  })
  t.equal(await done(objectExists({ ...to, versionId: A.some(versionId) })), false)
  t.equal(await done(objectExists(to)), true)
})

t.test('every parameter was shown', async (t) => t.same(unshown(), []))

t.test('without versions an object is gone, and so is one that never was', async (t) => {
  const { done } = await A.asking(t)
  await done(putObject({ ...at, body: '' }))
  await done(putObject({ ...at, key: 'dir/', body: '' }))
  await done(putObject({ ...at, key: 'dir/b', body: '' }))
  t.match(await done(deleteObject(at)), { deleteMarker: false, versionId: O.none })
  t.match(await done(deleteObject(at)), { deleteMarker: false, versionId: O.none })
  t.equal(await done(objectExists(at)), false)
  await done(deleteObject({ ...at, key: 'dir/' }))
  t.equal(await done(objectExists({ ...at, key: 'dir/b' })), true, 'a folder’s mark is no folder')
})

t.test('with versions a marker takes its place, and without the marker it is back', async (t) => {
  const { done } = await A.asking(t)
  const to = { bucket: A.versioned, key: 'a' }
  await done(putObject({ ...to, body: 'one' }))
  const marker = await done(deleteObject(to))
  t.equal(marker.deleteMarker, true)
  t.equal(await done(objectExists(to)), false)
  t.match((await done(listObjectVersions({ bucket: A.versioned }))).entries, [
    { _tag: 'DeleteMarker', versionId: A.some(marker.versionId), isLatest: true },
    { _tag: 'Version', isLatest: false }
  ])
  const removed = await done(deleteObject({ ...to, versionId: A.some(marker.versionId) }))
  t.match(removed, { deleteMarker: true, versionId: marker.versionId })
  t.equal(await done(objectExists(to)), true)
})

t.test('while versioning is suspended the marker has no name of its own', async (t) => {
  const { done } = await A.asking(t)
  const to = { bucket: A.suspended, key: 'a' }
  await done(putObject({ ...to, body: 'one' }))
  t.match(await done(deleteObject(to)), { deleteMarker: true, versionId: O.some('null') })
  const { entries } = await done(listObjectVersions({ bucket: A.suspended }))
  t.match(entries, [{ _tag: 'DeleteMarker', versionId: 'null' }])
  t.equal(entries.length, 1)
})

t.test('what a first attempt did, and could not say, is done', async (t) => {
  const { done, cos } = await A.asking(t, {
    fault: ({ operation, count }) =>
      operation === 'DeleteObject' && count === 1 ? { cut: { at: 'head' } } : undefined
  })
  const to = { bucket: A.versioned, key: 'a' }
  const { versionId } = await done(putObject({ ...to, body: 'one' }))
  const told = await done(deleteObject({ ...to, versionId: A.some(versionId) }))
  t.match(told, { versionId, deleteMarker: false, requestId: /./ })
  t.match(cos.emulator.requests().slice(1), [{ status: 0 }, { status: 404, code: 'NoSuchVersion' }])
})

t.test('what is not there to be deleted is refused by the one who looks', async (t) => {
  const { failed } = await A.asking(t)
  const about = (code: string) => ({ _tag: 'ServiceError', status: 404, code })
  t.match(await failed(deleteObject({ ...at, bucket: A.nowhere })), about('NoSuchBucket'))
  t.match(
    await failed(deleteObject({ bucket: A.versioned, key: 'never', versionId: 'never' })),
    about('NoSuchVersion')
  )
})

t.test('what makes no sense is refused before it is sent, and least of all does it delete the bucket', (t) =>
  refusedUnsent(t, [
    ['key', deleteObject({ bucket, key: '' })],
    ['key', deleteObject({ bucket, key: '/' })],
    ['key', deleteObject({ bucket, key: 'a/..' })],
    ['versionId', deleteObject({ ...at, versionId: '' })],
    ['query', deleteObject({ ...at, query: { delete: '' } })]
  ])
)

refusals(deleteObject(at))
