/** DELETE Multiple Objects, over the wire: each key with its result. */
import * as O from 'fp-ts/lib/Option.js'
import t from 'tap'
import { deleteObjects } from '../../lib/operations/delete-objects.js'
import { objectExists } from '../../lib/operations/object-exists.js'
import { putObject } from '../../lib/operations/put-object.js'
import * as A from './fixture.js'
import { refusals, refusedUnsent } from './error-cases.js'
import { showing } from './parameter-coverage.js'

const { bucket } = A
const { call: deleting, unshown } = showing(deleteObjects)
const deleted = { _tag: 'Deleted', versionId: O.none, deleteMarker: false, deleteMarkerVersionId: O.none }

t.test('versions, markers, what is there and what never was: each has its result, in order', async (t) => {
  const { done, heard, emulator } = await A.asking(t)
  const to = { bucket: A.versioned, key: 'a' }
  const { versionId } = await done(putObject({ ...to, body: 'one' }))
  const one = A.some(versionId)
  const { headers: _raw, ...told } = await done(
    deleting({
      bucket: A.versioned,
      objects: [{ key: 'a', versionId: one }, { key: 'b' }, { key: 'c', versionId: 'never' }],
      quiet: false,
      headers: { 'x-cos-by-hand': 'header' },
      query: { 'by-hand': 'parameter' }
    })
  )
  t.match(told, {
    requestId: emulator.requests().at(-1)?.requestId,
    results: [
      { ...deleted, key: 'a', versionId: O.some(one) },
      { ...deleted, key: 'b', deleteMarker: true, deleteMarkerVersionId: O.some(/./) },
      {
        _tag: 'Error',
        key: 'c',
        versionId: O.some('never'),
        code: 'NoSuchVersion',
        message: 'The specified version does not exist.'
      }
    ]
  })
  t.equal(told.results.length, 3)
  t.match(heard('DeleteObjects'), {
    'content-md5': /^.{22}==$/,
    'content-type': 'application/xml',
    'x-cos-by-hand': 'header'
  })
  t.equal(await done(objectExists({ ...to, versionId: one })), false)
})

t.test('every parameter was shown', async (t) => t.same(unshown(), []))

t.test('keys are what they are, whatever XML would have them be', async (t) => {
  const { done } = await A.asking(t)
  const keys = ['a', ' b ', 'c&<>"\'', ']]>', '00123', '1e5', 'a%2Fb+c', '腾/😀', 'd/../e']
  for (const key of keys) await done(putObject({ bucket, key, body: '' }))
  const { results } = await done(
    deleteObjects({ bucket, objects: [...keys, 'never', '/slash'].map((key) => ({ key })) })
  )
  t.same(
    results,
    [...keys, 'never', 'slash'].map((key) => ({ ...deleted, key }))
  )
  for (const key of keys) t.equal(await done(objectExists({ bucket, key })), false, key)
})

t.test('a thousand go at once; quietly, and only what went wrong is told', async (t) => {
  const { done } = await A.asking(t)
  const objects = Array.from({ length: 1000 }, (_, n) => ({ key: `k${String(n)}` }))
  t.equal((await done(deleteObjects({ bucket, objects }))).results.length, 1000)
  t.same((await done(deleteObjects({ bucket, objects, quiet: true }))).results, [])
  const wrong = { key: 'a', versionId: 'never' }
  const { results } = await done(
    deleteObjects({ bucket, objects: [...objects.slice(1), wrong], quiet: true })
  )
  t.match(results, [{ _tag: 'Error', key: 'a', code: 'NoSuchVersion' }])
})

t.test('some may fail while others do not, and that is no failure of the call', async (t) => {
  const error = (key: string, code: string) =>
    `<Error><Key>${key}</Key><Code>${code}</Code><Message>${code}.</Message></Error>`
  const body = `<DeleteResult><Deleted><Key>a</Key></Deleted>${error('b', 'PathConflict')}${error('c', 'AccessDenied')}${error('d', 'ObjectLocked')}</DeleteResult>`
  const { done, cos } = await A.asking(t, { fault: () => ({ response: { status: 200, body } }) })
  const objects = ['a', 'b', 'c', 'd'].map((key) => ({ key }))
  const failure = { _tag: 'Error', versionId: O.none }
  t.same((await done(deleteObjects({ bucket, objects }))).results, [
    { ...deleted, key: 'a' },
    { ...failure, key: 'b', code: 'PathConflict', message: 'PathConflict.' },
    { ...failure, key: 'c', code: 'AccessDenied', message: 'AccessDenied.' },
    { ...failure, key: 'd', code: 'ObjectLocked', message: 'ObjectLocked.' }
  ])
  t.same(cos.operations(), ['DeleteObjects'])
})

t.test('what does not hold is refused by the one who looks', async (t) => {
  const { failed } = await A.asking(t)
  const objects = [{ key: 'a' }]
  t.match(await failed(deleteObjects({ bucket: A.nowhere, objects })), { status: 404, code: 'NoSuchBucket' })
  t.match(await failed(deleteObjects({ bucket, objects, headers: { 'content-md5': 'nonsense' } })), {
    status: 400,
    code: 'InvalidDigest'
  })
  t.match(
    await failed(deleteObjects({ bucket, objects, headers: { 'content-md5': `${'A'.repeat(22)}==` } })),
    {
      status: 400,
      code: 'BadDigest',
      context: { attempts: 2 }
    }
  )
})

t.test('what makes no sense is refused before it is sent', (t) =>
  refusedUnsent(t, [
    ['objects', deleteObjects({ bucket, objects: [] })],
    ['objects', deleteObjects({ bucket, objects: Array.from({ length: 1001 }, () => ({ key: 'a' })) })],
    ['objects.1.key', deleteObjects({ bucket, objects: [{ key: 'a' }, { key: '' }] })],
    ['objects.0.key', deleteObjects({ bucket, objects: [{ key: 'a\u0001' }] })],
    ['objects.0.key', deleteObjects({ bucket, objects: [{ key: 'x'.repeat(851) }] })],
    ['objects.0.versionId', deleteObjects({ bucket, objects: [{ key: 'a', versionId: '' }] })]
  ])
)

refusals(deleteObjects({ bucket, objects: [{ key: 'a' }] }))
