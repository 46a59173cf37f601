/** DELETE Object, over the wire: objects, versions, delete markers, and keys that do not exist. */
import * as O from 'fp-ts/lib/Option.js'
import t from 'tap'
import { deleteObject } from '../../lib/operations/delete-object.js'
import { listObjectVersions } from '../../lib/operations/list-object-versions.js'
import { objectExists } from '../../lib/operations/object-exists.js'
import { putObject } from '../../lib/operations/put-object.js'
import * as A from './fixture.js'
import { refusals, expectInvalidInput } from './error-cases.js'
import { trackParameters } from './parameter-coverage.js'

const { bucket } = A
const { call: deleting, uncovered } = trackParameters(deleteObject)
const at = { bucket, key: 'a.txt' }

t.test('a version is deleted permanently', async (t) => {
  const { run, emulator } = await A.startFixture(t)
  const to = { bucket: A.versioned, ...A.collapsing }
  const { versionId } = await run(putObject({ ...to, body: 'one' }))
  await run(putObject({ ...to, body: 'two' }))
  const { headers: raw, ...output } = await run(
    deleting({
      ...to,
      versionId: A.some(versionId),
      headers: { 'x-cos-by-hand': 'header' },
      query: { 'by-hand': 'parameter' }
    })
  )
  const request = emulator.requests().at(-1)
  t.same(output, { requestId: request?.requestId, versionId, deleteMarker: false })
  t.match(raw, { 'x-cos-version-id': A.some(versionId) })
  t.match(request, {
    method: 'DELETE',
    status: 204,
    headers: { 'x-cos-by-hand': 'header' },
    query: { versionId: A.some(versionId), 'by-hand': 'parameter' }
  })
  t.equal(await run(objectExists({ ...to, versionId: A.some(versionId) })), false)
  t.equal(await run(objectExists(to)), true)
})

t.test('every parameter is covered', async (t) => t.same(uncovered(), []))

t.test('without versioning, deleting an object or an unknown key is a success', async (t) => {
  const { run } = await A.startFixture(t)
  await run(putObject({ ...at, body: '' }))
  await run(putObject({ ...at, key: 'dir/', body: '' }))
  await run(putObject({ ...at, key: 'dir/b', body: '' }))
  t.match(await run(deleteObject(at)), { deleteMarker: false, versionId: O.none })
  t.match(await run(deleteObject(at)), { deleteMarker: false, versionId: O.none })
  t.equal(await run(objectExists(at)), false)
  await run(deleteObject({ ...at, key: 'dir/' }))
  t.equal(await run(objectExists({ ...at, key: 'dir/b' })), true, 'a folder’s mark is no folder')
})

t.test('with versioning, a delete adds a marker, and deleting the marker restores the object', async (t) => {
  const { run } = await A.startFixture(t)
  const to = { bucket: A.versioned, key: 'a' }
  await run(putObject({ ...to, body: 'one' }))
  const marker = await run(deleteObject(to))
  t.equal(marker.deleteMarker, true)
  t.equal(await run(objectExists(to)), false)
  t.match((await run(listObjectVersions({ bucket: A.versioned }))).entries, [
    { _tag: 'DeleteMarker', versionId: A.some(marker.versionId), isLatest: true },
    { _tag: 'Version', isLatest: false }
  ])
  const removed = await run(deleteObject({ ...to, versionId: A.some(marker.versionId) }))
  t.match(removed, { deleteMarker: true, versionId: marker.versionId })
  t.equal(await run(objectExists(to)), true)
})

t.test('while versioning is suspended, the delete marker has the version id null', async (t) => {
  const { run } = await A.startFixture(t)
  const to = { bucket: A.suspended, key: 'a' }
  await run(putObject({ ...to, body: 'one' }))
  t.match(await run(deleteObject(to)), { deleteMarker: true, versionId: O.some('null') })
  const { entries } = await run(listObjectVersions({ bucket: A.suspended }))
  t.match(entries, [{ _tag: 'DeleteMarker', versionId: 'null' }])
  t.equal(entries.length, 1)
})

t.test('a retry after a lost response is a success', async (t) => {
  const { run, cos } = await A.startFixture(t, {
    fault: ({ operation, count }) =>
      operation === 'DeleteObject' && count === 1 ? { cut: { at: 'head' } } : undefined
  })
  const to = { bucket: A.versioned, key: 'a' }
  const { versionId } = await run(putObject({ ...to, body: 'one' }))
  const output = await run(deleteObject({ ...to, versionId: A.some(versionId) }))
  t.match(output, { versionId, deleteMarker: false, requestId: /./ })
  t.match(cos.emulator.requests().slice(1), [{ status: 0 }, { status: 404, code: 'NoSuchVersion' }])
})

t.test('deleting an unknown version or in an unknown bucket is 404', async (t) => {
  const { runFailing } = await A.startFixture(t)
  const about = (code: string) => ({ _tag: 'ServiceError', status: 404, code })
  t.match(await runFailing(deleteObject({ ...at, bucket: A.nowhere })), about('NoSuchBucket'))
  t.match(
    await runFailing(deleteObject({ bucket: A.versioned, key: 'never', versionId: 'never' })),
    about('NoSuchVersion')
  )
})

t.test('an invalid input is an InvalidInput, and never deletes the bucket', (t) =>
  expectInvalidInput(t, [
    ['key', deleteObject({ bucket, key: '' })],
    ['key', deleteObject({ bucket, key: '/' })],
    ['key', deleteObject({ bucket, key: 'a/..' })],
    ['versionId', deleteObject({ ...at, versionId: '' })],
    ['query', deleteObject({ ...at, query: { delete: '' } })]
  ])
)

refusals(deleteObject(at))
