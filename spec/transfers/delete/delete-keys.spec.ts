import { pipe } from 'fp-ts/lib/function.js'
import * as O from 'fp-ts/lib/Option.js'
import * as R from 'fp-ts/lib/Reader.js'
import t from 'tap'
import { script, type EmulatorOptions } from '../../../lib/emulator/index.js'
import { withSignal } from '../../../lib/client/combinators.js'
import { send } from '../../../lib/client/send.js'
import { putObject } from '../../../lib/operations/put-object.js'
import {
  deleteKeys,
  type DeleteKeysResult,
  type KeyToDelete
} from '../../../lib/transfers/delete/delete-keys.js'
import { streamObjects } from '../../../lib/transfers/list/stream-objects.js'
import { streamObjectVersions } from '../../../lib/transfers/list/stream-object-versions.js'
import { collect } from '../../../lib/transfers/shared/effect-stream.js'
import { waitFor } from '../../support/wait-for.js'
import { bucket, startCos, type Cos } from '../../support/cos.js'
import { yieldThenFail, toArray } from '../../support/iterables.js'
import { settlesWithin } from '../../support/settles-within.js'
import { left, right } from '../../support/server.js'
import { catchCosError } from '../../support/responses.js'

/** Keys that XML, paths or parsers change. */
const odd = [
  'a&b<c>d"e\'f',
  '&amp;',
  ' leading and trailing ',
  'tab\there',
  'line\nfeed',
  'carriage\rreturn',
  'control\u0001',
  'nul\u0000',
  'escape\u001f/x',
  'not a character \uffff',
  '/slash first',
  '//two',
  '\u{1F600}/\u817e \u8baf',
  'e\u0301 and \u00e9',
  'a%20b+c',
  ']]>',
  'a/../b',
  'dir/'
]
const plain = Array.from({ length: 2500 - odd.length }, (_, n) => `k/${String(n)}`)

type Options = EmulatorOptions & { readonly keys?: ReadonlyArray<string> }

const startWithKeys = (
  t: Parameters<typeof startCos>[0],
  { keys = plain, ...options }: Options = {}
): Promise<Cos> => startCos(t, { seed: keys.map((key) => ({ bucket, key })), ...options })

const listKeys = async (cos: Cos): Promise<ReadonlyArray<string>> =>
  right(await collect(streamObjects({ bucket }))(cos.client())()).map(({ key }) => key)

const tags = (results: ReadonlyArray<DeleteKeysResult>) => new Set(results.map(({ _tag }) => _tag))

t.test('deleteKeys deletes keys of any characters and yields one result for each', async (t) => {
  const keys = [...plain, ...odd]
  const cos = await startWithKeys(t, { keys })
  const results = await toArray(deleteKeys({ bucket })(keys)(cos.client()))
  t.same(results.map(({ key }) => key).sort(), [...keys].sort())
  t.same(tags(results), new Set(['Deleted']))
  t.same(await listKeys(cos), [])
  t.equal(cos.count('DeleteObjects'), 3)
  t.equal(cos.count('DeleteObject'), 7, 'keys that XML cannot carry are deleted one by one')
})

t.test('deleteKeys deletes the objects of a listing while it lists', async (t) => {
  const cos = await startWithKeys(t, { keys: [...plain, ...odd] })
  const results = pipe(
    streamObjects({ bucket, prefix: 'k/1' }),
    R.chain(deleteKeys({ bucket, quiet: true })),
    collect
  )
  const deleted = right(await results(cos.client())())
  t.same(new Set(deleted.map(({ key }) => key)), new Set(plain.filter((key) => key.startsWith('k/1'))))
  t.equal((await listKeys(cos)).length, 2500 - deleted.length)
})

t.test('a leading slash is part of the key', async (t) => {
  const cos = await startWithKeys(t, { keys: ['a', '/a', '//a'] })
  await toArray(deleteKeys({ bucket })(['/a'])(cos.client()))
  t.same(await listKeys(cos), ['//a', 'a'])
})

t.test('a key that COS refuses to delete yields a Failed result with the ServiceError', async (t) => {
  const row = (key: string, code: string) =>
    `<Error><Key>${key}</Key><Code>${code}</Code><Message>no</Message></Error>`
  const cos = await startWithKeys(t, {
    keys: ['a', 'b', 'c'],
    fault: script([
      {
        operation: 'DeleteObjects',
        fault: {
          response: {
            status: 200,
            body: `<DeleteResult>${row('a', 'PathConflict')}${row('b', 'InternalError')}</DeleteResult>`
          }
        }
      }
    ])
  })
  for (const quiet of [false, true]) {
    const results = await toArray(deleteKeys({ bucket, quiet })(['a', 'b', 'c'])(cos.client()))
    t.match(results, [
      {
        _tag: 'Failed',
        key: 'a',
        error: { _tag: 'ServiceError', status: 200, code: 'PathConflict', context: { key: O.some('a') } }
      },
      // A transient error: deleted by a separate request.
      { _tag: 'Deleted', key: 'b' },
      { _tag: 'Deleted', key: 'c' }
    ])
  }
  t.same(
    await listKeys(cos),
    ['a'],
    'a key that a response without quiet does not mention is deleted by a separate request'
  )
})

t.test(
  'a request that fails permanently is the error of each of its keys, and of no other key',
  async (t) => {
    const cos = await startWithKeys(t, {
      fault: script([
        {
          operation: 'DeleteObjects',
          skip: 1,
          times: 1,
          fault: { response: { status: 403, code: 'AccessDenied' } }
        }
      ])
    })
    const results = await toArray(deleteKeys({ bucket, concurrency: 1 })(plain)(cos.client()))
    const failures = results.flatMap((result) => (result._tag === 'Failed' ? [result] : []))
    t.same(
      failures.map(({ key }) => key),
      plain.slice(1000, 2000)
    )
    t.match(failures[0]?.error, { _tag: 'ServiceError', code: 'AccessDenied' })
    t.same((await listKeys(cos)).length, 1000)
  }
)

t.test('an invalid key yields a Failed result, and the other keys are deleted', async (t) => {
  const cos = await startWithKeys(t, { keys: ['a', 'b'] })
  const wrong = ['', '.', '\ud800', 'x'.repeat(851), 'a\u001a', '/']
  const results = await toArray(deleteKeys({ bucket })(['a', ...wrong, 'b'])(cos.client()))
  t.same(
    results.filter(({ _tag }) => _tag === 'Deleted').map(({ key }) => key),
    ['a', 'b']
  )
  for (const result of results) {
    if (result._tag === 'Failed') t.match(result.error, { _tag: 'InvalidInput', field: 'key' })
  }
  t.equal(results.length, wrong.length + 2)
})

t.test('a batch is cut before its XML exceeds 1 MB', async (t) => {
  const keys = Array.from({ length: 400 }, (_, n) => `${'&'.repeat(800)}${String(n)}`)
  const cos = await startWithKeys(t, { keys })
  t.same(tags(await toArray(deleteKeys({ bucket })(keys)(cos.client()))), new Set(['Deleted']))
  t.equal(cos.count('DeleteObjects'), 2)
  t.ok(cos.emulator.requests().every(({ bytesIn }) => bytesIn < 1_000_000))
})

t.test(
  'deleteKeys removes versions permanently, and creates a delete marker for a key without versionId',
  async (t) => {
    const cos = await startCos(t, { buckets: [{ name: bucket, versioning: 'Enabled' }] })
    const client = cos.client()
    for (const key of ['a', 'b', 'odd\u0001']) {
      for (const body of ['1', '2']) right(await send(putObject({ bucket, key, body }))(client)())
    }
    t.match(
      (await toArray(deleteKeys({ bucket })(['a', 'odd\u0001'])(client))).map((result) => ({ ...result })),
      ['a', 'odd\u0001'].map(() => ({
        _tag: 'Deleted',
        deleteMarker: true,
        deleteMarkerVersionId: { _tag: 'Some' }
      }))
    )
    const every = right(await collect(streamObjectVersions({ bucket }))(client)())
    t.equal(every.length, 8)
    const results = await toArray(deleteKeys({ bucket })(every)(client))
    t.same(tags(results), new Set(['Deleted']))
    t.equal(results.filter((result) => result._tag === 'Deleted' && result.deleteMarker).length, 2)
    t.same(right(await collect(streamObjectVersions({ bucket }))(client)()), [])
  }
)

t.test(
  'if the source of the keys fails, the keys received before are deleted and reported first',
  async (t) => {
    const cos = await startWithKeys(t)
    const seen: Array<DeleteKeysResult> = []
    const readAll = async (): Promise<void> => {
      const keys: AsyncIterable<KeyToDelete> = yieldThenFail(new Error('disk'), ...plain.slice(0, 1200))
      for await (const result of deleteKeys({ bucket })(keys)(cos.client())) seen.push(result)
    }
    t.match(await catchCosError(readAll()), { _tag: 'SourceError', cause: { message: 'disk' } })
    t.equal(seen.length, 1200)
    t.equal((await listKeys(cos)).length, plain.length - 1200)
  }
)

t.test('an abort settles deleteKeys within 50 ms', async (t) => {
  const cos = await startWithKeys(t, {
    fault: script([{ operation: 'DeleteObjects', skip: 1, fault: { delay: 60_000 } }])
  })
  const controller = new AbortController()
  const results = pipe(deleteKeys({ bucket })(plain), withSignal(controller.signal), collect)(cos.client())()
  await waitFor(() => cos.count('DeleteObjects') >= 2)
  controller.abort()
  t.ok(await settlesWithin(50, results))
  t.match(left(await results), { _tag: 'Aborted' })
})

t.test('an invalid input fails when the stream is read, and nothing is sent', async (t) => {
  const cos = await startCos(t)
  const results = collect(deleteKeys({ bucket, concurrency: 0 })(['a']))
  t.match(left(await results(cos.client())()), { _tag: 'InvalidInput', field: 'concurrency' })
  t.same(await toArray(deleteKeys({ bucket })([])(cos.client())), [])
  t.equal(cos.operations().length, 0)
})
