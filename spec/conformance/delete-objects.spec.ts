/** DELETE Multiple Objects, over the wire: each key with its result. */
import * as O from 'fp-ts/lib/Option.js'
import t from 'tap'
import { deleteObjects } from '../../lib/operations/delete-objects.js'
import { objectExists } from '../../lib/operations/object-exists.js'
import { putObject } from '../../lib/operations/put-object.js'
import * as A from './fixture.js'
import { refusals, expectInvalidInput } from './error-cases.js'
import { trackParameters } from './parameter-coverage.js'

const { bucket } = A
const { call: deleting, uncovered } = trackParameters(deleteObjects)
const deleted = { _tag: 'Deleted', versionId: O.none, deleteMarker: false, deleteMarkerVersionId: O.none }

t.test('versions, markers, objects and unknown keys each have a result, in order', async (t) => {
  const { run, headersOf, emulator } = await A.startFixture(t)
  const to = { bucket: A.versioned, key: 'a' }
  const { versionId } = await run(putObject({ ...to, body: 'one' }))
  const one = A.some(versionId)
  const { headers: _raw, ...output } = await run(
    deleting({
      bucket: A.versioned,
      objects: [{ key: 'a', versionId: one }, { key: 'b' }, { key: 'c', versionId: 'never' }],
      quiet: false,
      headers: { 'x-cos-by-hand': 'header' },
      query: { 'by-hand': 'parameter' }
    })
  )
  t.match(output, {
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
  t.equal(output.results.length, 3)
  t.match(headersOf('DeleteObjects'), {
    'content-md5': /^.{22}==$/,
    'content-type': 'application/xml',
    'x-cos-by-hand': 'header'
  })
  t.equal(await run(objectExists({ ...to, versionId: one })), false)
})

t.test('every parameter is covered', async (t) => t.same(uncovered(), []))

t.test('keys with XML characters are deleted exactly', async (t) => {
  const { run } = await A.startFixture(t)
  const keys = ['a', ' b ', 'c&<>"\'', ']]>', '00123', '1e5', 'a%2Fb+c', '腾/😀', 'd/../e']
  for (const key of keys) await run(putObject({ bucket, key, body: '' }))
  const { results } = await run(
    deleteObjects({ bucket, objects: [...keys, 'never', '/slash'].map((key) => ({ key })) })
  )
  t.same(
    results,
    [...keys, 'never', 'slash'].map((key) => ({ ...deleted, key }))
  )
  for (const key of keys) t.equal(await run(objectExists({ bucket, key })), false, key)
})

t.test('a thousand keys are deleted at once, and quiet returns only the failures', async (t) => {
  const { run } = await A.startFixture(t)
  const objects = Array.from({ length: 1000 }, (_, n) => ({ key: `k${String(n)}` }))
  t.equal((await run(deleteObjects({ bucket, objects }))).results.length, 1000)
  t.same((await run(deleteObjects({ bucket, objects, quiet: true }))).results, [])
  const wrong = { key: 'a', versionId: 'never' }
  const { results } = await run(deleteObjects({ bucket, objects: [...objects.slice(1), wrong], quiet: true }))
  t.match(results, [{ _tag: 'Error', key: 'a', code: 'NoSuchVersion' }])
})

t.test('a partial failure is a success with an Error result', async (t) => {
  const error = (key: string, code: string) =>
    `<Error><Key>${key}</Key><Code>${code}</Code><Message>${code}.</Message></Error>`
  const body = `<DeleteResult><Deleted><Key>a</Key></Deleted>${error('b', 'PathConflict')}${error('c', 'AccessDenied')}${error('d', 'ObjectLocked')}</DeleteResult>`
  const { run, cos } = await A.startFixture(t, { fault: () => ({ response: { status: 200, body } }) })
  const objects = ['a', 'b', 'c', 'd'].map((key) => ({ key }))
  const failure = { _tag: 'Error', versionId: O.none }
  t.same((await run(deleteObjects({ bucket, objects }))).results, [
    { ...deleted, key: 'a' },
    { ...failure, key: 'b', code: 'PathConflict', message: 'PathConflict.' },
    { ...failure, key: 'c', code: 'AccessDenied', message: 'AccessDenied.' },
    { ...failure, key: 'd', code: 'ObjectLocked', message: 'ObjectLocked.' }
  ])
  t.same(cos.operations(), ['DeleteObjects'])
})

t.test('COS refuses requests that its state does not allow', async (t) => {
  const { runFailing } = await A.startFixture(t)
  const objects = [{ key: 'a' }]
  t.match(await runFailing(deleteObjects({ bucket: A.nowhere, objects })), {
    status: 404,
    code: 'NoSuchBucket'
  })
  t.match(await runFailing(deleteObjects({ bucket, objects, headers: { 'content-md5': 'nonsense' } })), {
    status: 400,
    code: 'InvalidDigest'
  })
  t.match(
    await runFailing(deleteObjects({ bucket, objects, headers: { 'content-md5': `${'A'.repeat(22)}==` } })),
    {
      status: 400,
      code: 'BadDigest',
      context: { attempts: 2 }
    }
  )
})

t.test('an invalid input is an InvalidInput, and nothing is sent', (t) =>
  expectInvalidInput(t, [
    ['objects', deleteObjects({ bucket, objects: [] })],
    ['objects', deleteObjects({ bucket, objects: Array.from({ length: 1001 }, () => ({ key: 'a' })) })],
    ['objects.1.key', deleteObjects({ bucket, objects: [{ key: 'a' }, { key: '' }] })],
    ['objects.0.key', deleteObjects({ bucket, objects: [{ key: 'a\u0001' }] })],
    ['objects.0.key', deleteObjects({ bucket, objects: [{ key: 'x'.repeat(851) }] })],
    ['objects.0.versionId', deleteObjects({ bucket, objects: [{ key: 'a', versionId: '' }] })]
  ])
)

refusals(deleteObjects({ bucket, objects: [{ key: 'a' }] }))
