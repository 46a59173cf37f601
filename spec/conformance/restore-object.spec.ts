/** POST Object restore, over the wire: an archive, asked for and waited for. */
import t from 'tap'
import * as O from 'fp-ts/lib/Option.js'
import { deleteObject } from '../../lib/operations/delete-object.js'
import { getObject } from '../../lib/operations/get-object.js'
import { headObject } from '../../lib/operations/head-object.js'
import { listObjects } from '../../lib/operations/list-objects.js'
import { putObject } from '../../lib/operations/put-object.js'
import { restoreObject, type RestoreObjectInput } from '../../lib/operations/restore-object.js'
import * as A from './fixture.js'
import { refusals, refusedUnsent } from './error-cases.js'
import { showing } from './parameter-coverage.js'

const { bucket } = A
const { call: restoring, unshown } = showing(restoreObject)
const at = { bucket, key: 'a.txt' }
const minute = 60_000
const hour = 60 * minute
const day = 24 * hour

t.test(
  'a version is asked for, comes within its time, is prolonged, and is gone when its days are over',
  async (t) => {
    let now = Math.floor(Date.now() / 1000) * 1000
    const { done, failed, heard, emulator } = await A.asking(t, { now: () => now })
    const to = { bucket: A.versioned, ...A.collapsing }
    const { versionId } = await done(putObject({ ...to, body: 'old', storageClass: 'ARCHIVE' }))
    await done(putObject({ ...to, body: 'newer' }))
    const it = { ...to, versionId: A.some(versionId) }
    t.match(await failed(getObject(it)), { status: 403, code: 'InvalidObjectState' })
    const { headers: _raw, ...told } = await done(
      restoring({
        ...it,
        days: 3,
        tier: 'Expedited',
        headers: { 'x-cos-by-hand': 'header' },
        query: { 'by-hand': 'parameter' }
      })
    )
    t.same(told, { requestId: emulator.requests().at(-1)?.requestId, alreadyRestored: false })
    t.match(emulator.requests().at(-1), { status: 202, query: { restore: '', 'by-hand': 'parameter' } })
    t.match(heard('RestoreObject'), { 'content-md5': /==$/, 'x-cos-by-hand': 'header' })

    t.match(await done(headObject(it)), { restore: O.some({ ongoing: true, expiry: O.none }) })
    t.match(await failed(restoreObject({ ...it, days: 3 })), {
      status: 409,
      code: 'RestoreAlreadyInProgress'
    })
    now += 5 * minute
    t.match(await done(headObject(it)), {
      restore: O.some({ ongoing: false, expiry: O.some(new Date(now + 3 * day)) })
    })
    t.equal(await A.textOf((await done(getObject(it))).body), 'old')

    t.match(await done(restoreObject({ ...it, days: 9 })), { alreadyRestored: true })
    t.equal(emulator.requests().at(-1)?.status, 200)
    now += 4 * day
    t.equal(await A.textOf((await done(getObject(it))).body), 'old')
    now += 6 * day
    t.match(await failed(getObject(it)), { status: 403, code: 'InvalidObjectState' })
  }
)

t.test('every parameter was shown', async (t) => t.same(unshown(), []))

t.test(
  'each tier has its time, Standard where none is named, and a listing tells how far it is',
  async (t) => {
    const times = [
      ['ARCHIVE', { tier: 'Standard' }, 5 * hour],
      ['ARCHIVE', {}, 5 * hour],
      ['ARCHIVE', { tier: 'Bulk' }, 12 * hour],
      ['DEEP_ARCHIVE', { tier: 'Standard' }, 24 * hour],
      ['DEEP_ARCHIVE', { tier: 'Bulk' }, 48 * hour]
    ] as const
    for (const [storageClass, tier, time] of times) {
      let now = Date.now()
      const { done } = await A.asking(t, { now: () => now })
      const status = async () => (await done(listObjects({ bucket }))).contents[0]?.restoreStatus
      await done(putObject({ ...at, body: 'old', storageClass }))
      t.same(await status(), O.none)
      await done(restoreObject({ ...at, days: 1, ...tier }))
      now += time - minute
      t.same(await status(), O.some('ONGOING'))
      now += minute
      t.same(await status(), O.some('DONE'), `${storageClass} ${JSON.stringify(tier)}`)
    }
  }
)

t.test('what a first attempt did, and could not say, is done', async (t) => {
  const { done, cos } = await A.asking(t, {
    fault: ({ operation, count }) =>
      operation === 'RestoreObject' && count === 1 ? { cut: { at: 'head' } } : undefined
  })
  await done(putObject({ ...at, body: 'old', storageClass: 'ARCHIVE' }))
  t.match(await done(restoreObject({ ...at, days: 1 })), { alreadyRestored: false, requestId: /./ })
  t.match(cos.emulator.requests().slice(1), [
    { status: 0 },
    { status: 409, code: 'RestoreAlreadyInProgress' }
  ])
})

t.test('what does not hold is refused by the one who looks', async (t) => {
  const { done, failed } = await A.asking(t)
  await done(putObject({ ...at, body: '' }))
  await done(putObject({ ...at, key: 'deep', body: '', storageClass: 'DEEP_ARCHIVE' }))
  const refused = async (input: Partial<RestoreObjectInput>, status: number, code: string) =>
    t.match(await failed(restoreObject({ ...at, days: 1, ...input })), { _tag: 'ServiceError', status, code })
  await refused({}, 405, 'RestoreNonArchiveObject')
  await refused({ bucket: A.nowhere }, 404, 'NoSuchBucket')
  await refused({ key: 'never' }, 404, 'NoSuchKey')
  await refused({ versionId: 'never' }, 404, 'NoSuchVersion')
  await refused({ key: 'deep', tier: 'Expedited' }, 400, 'InvalidArgument')
  await refused({ key: 'deep', days: 10_000 }, 400, 'MalformedXML')
  await refused({ key: 'deep', headers: { 'content-md5': 'nonsense' } }, 400, 'InvalidDigest')
  await refused({ key: 'deep', headers: { 'content-md5': `${'A'.repeat(22)}==` } }, 400, 'BadDigest')

  const versions = { bucket: A.versioned, key: 'a' }
  await done(putObject({ ...versions, body: '', storageClass: 'ARCHIVE' }))
  const marker = await done(deleteObject(versions))
  await refused(versions, 404, 'NoSuchKey')
  await refused({ ...versions, versionId: A.some(marker.versionId) }, 404, 'NoSuchKey')
})

t.test('what makes no sense is refused before it is sent', (t) =>
  refusedUnsent(t, [
    ['key', restoreObject({ bucket, key: '', days: 1 })],
    ['days', restoreObject({ ...at, days: 0 })],
    ['days', restoreObject({ ...at, days: 1.5 })],
    ['tier', restoreObject({ ...at, days: 1, tier: 'Fast' as never })],
    ['versionId', restoreObject({ ...at, days: 1, versionId: '' })]
  ])
)

refusals(restoreObject({ ...at, days: 1 }))
