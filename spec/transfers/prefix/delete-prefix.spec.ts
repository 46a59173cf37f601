import t from 'tap'
import { script, type EmulatorOptions } from '../../../lib/emulator/index.js'
import { send } from '../../../lib/client/send.js'
import { deleteObject } from '../../../lib/operations/delete-object.js'
import { putObject } from '../../../lib/operations/put-object.js'
import type { DeleteKeysResult } from '../../../lib/transfers/delete/delete-keys.js'
import { deletePrefix, type DeletePrefixInput } from '../../../lib/transfers/prefix/delete-prefix.js'
import { collect } from '../../../lib/transfers/shared/effect-stream.js'
import { streamObjects } from '../../../lib/transfers/list/stream-objects.js'
import { streamObjectVersions } from '../../../lib/transfers/list/stream-object-versions.js'
import { bucket, startCos, type Cos } from '../../support/cos.js'
import { left, right } from '../../support/server.js'
import { catchCosError } from '../../support/responses.js'

const logs = Array.from({ length: 1100 }, (_, n) => `logs/${String(n).padStart(4, '0')}`)
const others = ['log', 'logs', 'logs.txt', 'm']
const odd = ['logs/&<>"\' \u0001', 'logs/', 'logs//', 'logs/\r', 'logs/../x', '/logs/a']

const startWithKeys = (t: Parameters<typeof startCos>[0], options: EmulatorOptions = {}): Promise<Cos> =>
  startCos(t, {
    seed: [...logs, ...others, ...odd].map((key) => ({ bucket, key })),
    ...options
  })

const listKeys = async (cos: Cos): Promise<ReadonlyArray<string>> =>
  right(await collect(streamObjects({ bucket }))(cos.client())()).map(({ key }) => key)

const tags = (results: ReadonlyArray<DeleteKeysResult>) => new Set(results.map(({ _tag }) => _tag))

t.test('deletePrefix deletes all objects of a prefix and no others', async (t) => {
  const cos = await startWithKeys(t)
  const results = right(await collect(deletePrefix({ bucket, prefix: 'logs/' }))(cos.client())())
  t.equal(results.length, logs.length + odd.length - 1)
  t.same(tags(results), new Set(['Deleted']))
  t.same(await listKeys(cos), ['/logs/a', ...others])
})

t.test('an empty prefix is refused without wholeBucket: true', async (t) => {
  const cos = await startWithKeys(t)
  for (const wrong of [{ prefix: '' }, { prefix: '', wholeBucket: false }, {}]) {
    const result = collect(deletePrefix({ bucket, ...wrong } as DeletePrefixInput))
    t.match(left(await result(cos.client())()), { _tag: 'InvalidInput', field: 'prefix' })
  }
  t.equal(cos.operations().length, 0)
  right(await collect(deletePrefix({ bucket, prefix: '', wholeBucket: true }))(cos.client())())
  t.same(await listKeys(cos), [])
})

t.test('after a listing failure a second run deletes the rest', async (t) => {
  const cos = await startWithKeys(t, {
    fault: script([
      {
        operation: 'ListObjects',
        skip: 1,
        times: 1,
        fault: { response: { status: 403, code: 'AccessDenied' } }
      }
    ])
  })
  const results: Array<DeleteKeysResult> = []
  const readAll = async (): Promise<void> => {
    const all = deletePrefix({ bucket, prefix: 'logs/' })(cos.client())
    for await (const result of all) results.push(result)
  }
  t.match(await catchCosError(readAll()), { _tag: 'ServiceError', code: 'AccessDenied' })
  t.ok(results.length > 900)
  await readAll()
  t.same(await listKeys(cos), ['/logs/a', ...others])
})

t.test('a failed request yields Failed for each key, or ends the stream with onError stop', async (t) => {
  for (const onError of ['continue', 'stop'] as const) {
    const cos = await startWithKeys(t, {
      fault: script([
        { operation: 'DeleteObjects', times: 1, fault: { response: { status: 403, code: 'AccessDenied' } } }
      ])
    })
    const results: Array<DeleteKeysResult> = []
    const input = { bucket, prefix: 'logs/', concurrency: 1, onError }
    const readAll = async (): Promise<void> => {
      for await (const result of deletePrefix(input)(cos.client())) results.push(result)
    }
    if (onError === 'stop') t.match(await catchCosError(readAll()), { _tag: 'ServiceError' })
    else await readAll()
    t.equal(results.filter(({ _tag }) => _tag === 'Failed').length, 1000)
    t.equal(cos.count('DeleteObjects'), onError === 'stop' ? 1 : 2)
  }
})

t.test('versions: true removes versions and markers, also if a page ends within a key', async (t) => {
  const cos = await startCos(t, {
    buckets: [{ name: bucket, versioning: 'Enabled' }],
    // The page ends after the second version of the last key.
    seed: Array.from({ length: 998 }, (_, n) => ({ bucket, key: `v/${String(n)}` }))
  })
  const client = cos.client()
  const last = { bucket, key: 'v/z\u0001' }
  for (const body of ['1', '2', '3']) right(await send(putObject({ ...last, body }))(client)())
  right(await send(deleteObject(last))(client)())
  right(await send(putObject({ bucket, key: 'w', body: '1' }))(client)())

  // One request at a time: a key deleted by a separate request is gone before the next page is requested.
  const input = { bucket, prefix: 'v/', versions: true, concurrency: 1 }
  const results = right(await collect(deletePrefix(input))(client)())
  t.equal(results.length, 1002)
  t.same(tags(results), new Set(['Deleted']))
  const rest = right(await collect(streamObjectVersions({ bucket }))(client)())
  t.same(
    rest.map(({ key }) => key),
    ['w']
  )
})

t.test('without versions, deletePrefix keeps versions under a delete marker', async (t) => {
  const cos = await startCos(t, { buckets: [{ name: bucket, versioning: 'Enabled' }] })
  right(await send(putObject({ bucket, key: 'v/a', body: '1' }))(cos.client())())
  right(await collect(deletePrefix({ bucket, prefix: 'v/' }))(cos.client())())
  t.match(right(await collect(streamObjectVersions({ bucket }))(cos.client())()), [
    { _tag: 'DeleteMarker' },
    { _tag: 'Version' }
  ])
})
