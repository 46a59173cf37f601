/** POST Object restore, over the wire: the restore of an archived object, and the states until it is done. */
import t from 'tap'
import * as O from 'fp-ts/lib/Option.js'
import { deleteObject } from '../../lib/operations/delete-object.js'
import { getObject } from '../../lib/operations/get-object.js'
import { headObject } from '../../lib/operations/head-object.js'
import { listObjects } from '../../lib/operations/list-objects.js'
import { putObject } from '../../lib/operations/put-object.js'
import { restoreObject, type RestoreObjectInput } from '../../lib/operations/restore-object.js'
import * as A from './fixture.js'
import { refusals, expectInvalidInput } from './error-cases.js'
import { trackParameters } from './parameter-coverage.js'

const { bucket } = A
const { call: restoring, uncovered } = trackParameters(restoreObject)
const at = { bucket, key: 'a.txt' }
const minute = 60_000
const hour = 60 * minute
const day = 24 * hour

t.test('a version is restored in time, prolonged, and archived again after its days', async (t) => {
  let now = Math.floor(Date.now() / 1000) * 1000
  const { run, runFailing, headersOf, emulator } = await A.startFixture(t, { now: () => now })
  const to = { bucket: A.versioned, ...A.collapsing }
  const { versionId } = await run(putObject({ ...to, body: 'old', storageClass: 'ARCHIVE' }))
  await run(putObject({ ...to, body: 'newer' }))
  const it = { ...to, versionId: A.some(versionId) }
  t.match(await runFailing(getObject(it)), { status: 403, code: 'InvalidObjectState' })
  const { headers: _raw, ...output } = await run(
    restoring({
      ...it,
      days: 3,
      tier: 'Expedited',
      headers: { 'x-cos-by-hand': 'header' },
      query: { 'by-hand': 'parameter' }
    })
  )
  t.same(output, { requestId: emulator.requests().at(-1)?.requestId, alreadyRestored: false })
  t.match(emulator.requests().at(-1), { status: 202, query: { restore: '', 'by-hand': 'parameter' } })
  t.match(headersOf('RestoreObject'), { 'content-md5': /==$/, 'x-cos-by-hand': 'header' })

  t.match(await run(headObject(it)), { restore: O.some({ ongoing: true, expiry: O.none }) })
  t.match(await runFailing(restoreObject({ ...it, days: 3 })), {
    status: 409,
    code: 'RestoreAlreadyInProgress'
  })
  now += 5 * minute
  t.match(await run(headObject(it)), {
    restore: O.some({ ongoing: false, expiry: O.some(new Date(now + 3 * day)) })
  })
  t.equal(await A.textOf((await run(getObject(it))).body), 'old')

  t.match(await run(restoreObject({ ...it, days: 9 })), { alreadyRestored: true })
  t.equal(emulator.requests().at(-1)?.status, 200)
  now += 4 * day
  t.equal(await A.textOf((await run(getObject(it))).body), 'old')
  now += 6 * day
  t.match(await runFailing(getObject(it)), { status: 403, code: 'InvalidObjectState' })
})

t.test('every parameter is covered', async (t) => t.same(uncovered(), []))

t.test('each tier has its duration, the default is Standard, and a listing has the state', async (t) => {
  const times = [
    ['ARCHIVE', { tier: 'Standard' }, 5 * hour],
    ['ARCHIVE', {}, 5 * hour],
    ['ARCHIVE', { tier: 'Bulk' }, 12 * hour],
    ['DEEP_ARCHIVE', { tier: 'Standard' }, 24 * hour],
    ['DEEP_ARCHIVE', { tier: 'Bulk' }, 48 * hour]
  ] as const
  for (const [storageClass, tier, time] of times) {
    let now = Date.now()
    const { run } = await A.startFixture(t, { now: () => now })
    const status = async () => (await run(listObjects({ bucket }))).contents[0]?.restoreStatus
    await run(putObject({ ...at, body: 'old', storageClass }))
    t.same(await status(), O.none)
    await run(restoreObject({ ...at, days: 1, ...tier }))
    now += time - minute
    t.same(await status(), O.some('ONGOING'))
    now += minute
    t.same(await status(), O.some('DONE'), `${storageClass} ${JSON.stringify(tier)}`)
  }
})

t.test('a retry after a lost response is a success', async (t) => {
  const { run, cos } = await A.startFixture(t, {
    fault: ({ operation, count }) =>
      operation === 'RestoreObject' && count === 1 ? { cut: { at: 'head' } } : undefined
  })
  await run(putObject({ ...at, body: 'old', storageClass: 'ARCHIVE' }))
  t.match(await run(restoreObject({ ...at, days: 1 })), { alreadyRestored: false, requestId: /./ })
  t.match(cos.emulator.requests().slice(1), [
    { status: 0 },
    { status: 409, code: 'RestoreAlreadyInProgress' }
  ])
})

t.test('COS refuses requests that its state does not allow', async (t) => {
  const { run, runFailing } = await A.startFixture(t)
  await run(putObject({ ...at, body: '' }))
  await run(putObject({ ...at, key: 'deep', body: '', storageClass: 'DEEP_ARCHIVE' }))
  const expectRefusal = async (input: Partial<RestoreObjectInput>, status: number, code: string) =>
    t.match(await runFailing(restoreObject({ ...at, days: 1, ...input })), {
      _tag: 'ServiceError',
      status,
      code
    })
  await expectRefusal({}, 405, 'RestoreNonArchiveObject')
  await expectRefusal({ bucket: A.nowhere }, 404, 'NoSuchBucket')
  await expectRefusal({ key: 'never' }, 404, 'NoSuchKey')
  await expectRefusal({ versionId: 'never' }, 404, 'NoSuchVersion')
  await expectRefusal({ key: 'deep', tier: 'Expedited' }, 400, 'InvalidArgument')
  await expectRefusal({ key: 'deep', days: 10_000 }, 400, 'MalformedXML')
  await expectRefusal({ key: 'deep', headers: { 'content-md5': 'nonsense' } }, 400, 'InvalidDigest')
  await expectRefusal({ key: 'deep', headers: { 'content-md5': `${'A'.repeat(22)}==` } }, 400, 'BadDigest')

  const versions = { bucket: A.versioned, key: 'a' }
  await run(putObject({ ...versions, body: '', storageClass: 'ARCHIVE' }))
  const marker = await run(deleteObject(versions))
  await expectRefusal(versions, 404, 'NoSuchKey')
  await expectRefusal({ ...versions, versionId: A.some(marker.versionId) }, 404, 'NoSuchKey')
})

t.test('an invalid input is an InvalidInput, and nothing is sent', (t) =>
  expectInvalidInput(t, [
    ['key', restoreObject({ bucket, key: '', days: 1 })],
    ['days', restoreObject({ ...at, days: 0 })],
    ['days', restoreObject({ ...at, days: 1.5 })],
    ['tier', restoreObject({ ...at, days: 1, tier: 'Fast' as never })],
    ['versionId', restoreObject({ ...at, days: 1, versionId: '' })]
  ])
)

refusals(restoreObject({ ...at, days: 1 }))
