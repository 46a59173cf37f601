import { setTimeout } from 'node:timers/promises'
import { pipe } from 'fp-ts/lib/function.js'
import * as O from 'fp-ts/lib/Option.js'
import t from 'tap'
import { script, type EmulatorOptions } from '../../../lib/emulator/index.js'
import { withSignal } from '../../../lib/client/combinators.js'
import { send } from '../../../lib/client/send.js'
import { headObject } from '../../../lib/operations/head-object.js'
import { putObject } from '../../../lib/operations/put-object.js'
import { createProgressWith } from '../../../lib/stages/progress.js'
import {
  copyPrefix,
  type CopyPrefixInput,
  type CopyPrefixResult
} from '../../../lib/transfers/prefix/copy-prefix.js'
import { collect } from '../../../lib/transfers/shared/effect-stream.js'
import { streamObjects } from '../../../lib/transfers/list/stream-objects.js'
import { becomesTrue } from '../../support/wait-for.js'
import { bucket, startCos, type Cos } from '../../support/cos.js'
import { toArray } from '../../support/iterables.js'
import { settlesWithin } from '../../support/settles-within.js'
import { left, right } from '../../support/server.js'

const elsewhere = 'otherbucket-1250000000'
const copySource = { bucket: elsewhere, region: 'ap-shanghai', prefix: 'a/' }
const to: CopyPrefixInput = { bucket, prefix: 'b/', copySource }
const plain = Array.from({ length: 30 }, (_, n) => `a/${String(n).padStart(2, '0')}`)
const odd = ['a/', 'a//', 'a/&<>"\' \u0001', 'a/\u{1F600}', 'a/../x', 'a/a%20b+c', 'a/\r']

const startWithKeys = (
  t: Parameters<typeof startCos>[0],
  options: EmulatorOptions = {},
  keys: ReadonlyArray<string> = plain
): Promise<Cos> =>
  startCos(t, {
    buckets: [bucket, elsewhere],
    seed: keys.map((key, at) => ({ bucket: elsewhere, key, size: at })),
    ...options
  })

const keysOf = async (cos: Cos, of = bucket): Promise<ReadonlyArray<string>> =>
  right(await collect(streamObjects({ bucket: of }))(cos.client())()).map(({ key }) => key)

const rename = (keys: ReadonlyArray<string>) => keys.map((key) => key.replace('a/', 'b/'))

const readAll = async (stream: AsyncIterable<CopyPrefixResult>) => {
  const results: Array<CopyPrefixResult> = []
  try {
    for await (const result of stream) results.push(result)
  } catch (thrown) {
    return { results, thrown }
  }
  return { results, thrown: undefined }
}

t.test('copyPrefix copies every object of a prefix, and yields a result for each', async (t) => {
  const cos = await startWithKeys(t, {}, [...plain, ...odd, 'a', 'b', '/a/x'])
  const results = right(await collect(copyPrefix(to))(cos.client())())
  t.same(results.map(({ key }) => key).sort(), [...plain, ...odd].sort())
  for (const result of results) {
    t.equal(result.to, result.key.replace('a/', 'b/'))
    t.match(result, { _tag: 'Copied', copied: { integrity: { _tag: 'Verified' } } })
  }
  t.same([...(await keysOf(cos))].sort(), rename([...plain, ...odd]).sort())
  t.equal((await keysOf(cos, elsewhere)).length, plain.length + odd.length + 3, 'the sources remain')
})

t.test('a leading slash is part of source key and new key', async (t) => {
  const cos = await startWithKeys(t, {}, ['/a/x', 'a/x', 'a//y'])
  right(
    await collect(copyPrefix({ ...to, prefix: '/b/', copySource: { ...copySource, prefix: '/a/' } }))(
      cos.client()
    )()
  )
  t.same(await keysOf(cos), ['/b/x'])
  right(await collect(copyPrefix({ ...to, prefix: '', copySource }))(cos.client())())
  t.same(await keysOf(cos), ['/b/x', '/y', 'x'])
})

t.test('copyPrefix passes the options of copy to each object', async (t) => {
  const cos = await startWithKeys(t)
  const input = { storageClass: 'ARCHIVE', copyStatus: 'Replaced', contentType: 'text/x-spec' } as const
  right(await collect(copyPrefix({ ...to, ...input }))(cos.client())())
  for (const key of ['b/00', 'b/29']) {
    t.match(right(await send(headObject({ bucket, key }))(cos.client())()), {
      storageClass: 'ARCHIVE',
      contentType: O.some('text/x-spec')
    })
  }
})

t.test('partConcurrency limits the requests in flight for one object', async (t) => {
  const MiB = 1024 * 1024
  const inFlight = { now: 0, most: 0 }
  const cos = await startCos(t, {
    buckets: [bucket, elsewhere],
    seed: [{ bucket: elsewhere, key: 'a/large', size: 6 * MiB }],
    fault: ({ operation }) => {
      if (operation !== 'UploadPartCopy') return undefined
      inFlight.now += 1
      inFlight.most = Math.max(inFlight.most, inFlight.now)
      return { delay: 30 }
    },
    onRequest: ({ operation }) => {
      if (operation === 'UploadPartCopy') inFlight.now -= 1
    }
  })
  const inParts = { ...to, threshold: 0, partSize: MiB, partConcurrency: 2 }
  t.match(right(await collect(copyPrefix(inParts))(cos.client())()), [{ _tag: 'Copied' }])
  t.equal(inFlight.most, 2)
})

t.test('an object that fails yields Failed, or ends the stream with onError stop', async (t) => {
  const refused = { response: { status: 403, code: 'InvalidObjectState' } }
  for (const onError of ['continue', 'stop'] as const) {
    const cos = await startWithKeys(t, {
      fault: script([{ operation: 'CopyObject', key: 'b/07', times: 1, fault: refused }])
    })
    const { results, thrown } = await readAll(copyPrefix({ ...to, onError, concurrency: 3 })(cos.client()))
    t.match(
      results.filter(({ _tag }) => _tag === 'Failed'),
      [{ key: 'a/07', to: 'b/07', error: { _tag: 'ServiceError', code: 'InvalidObjectState' } }]
    )
    if (onError === 'continue') {
      t.equal(thrown, undefined)
      t.equal((await keysOf(cos)).length, plain.length - 1)
      continue
    }
    t.match(thrown, { error: { _tag: 'ServiceError' } })
    t.ok(results.length <= 11, `${String(results.length)} were started`)

    // Another run resumes with the objects that are not done, the failed one first.
    const { cursor } = results.at(-1)!
    const rest = await readAll(copyPrefix({ ...to, cursor })(cos.client()))
    t.equal(rest.results[0]!.key <= 'a/07', true)
    t.same(await keysOf(cos), rename(plain))
  }
})

t.test('after a listing failure the last cursor resumes copyPrefix', async (t) => {
  const cos = await startWithKeys(t, {
    fault: script([{ operation: 'ListObjects', times: 1, fault: { cut: { at: 'body', after: 4000 } } }])
  })
  const client = cos.client({ retry: { attempts: 1 } })
  const first = await readAll(copyPrefix(to)(client))
  t.match(first.thrown, { error: { _tag: 'TransportError' } })
  const count = first.results.length
  t.ok(count > 5 && count < 25, `${String(count)} were listed, and all were copied`)
  const { cursor } = first.results.at(-1)!
  t.equal(cursor.key, plain[count - 1])
  const second = await readAll(copyPrefix({ ...to, cursor })(client))
  t.equal(second.thrown, undefined)
  t.same(second.results.map(({ key }) => key).sort(), plain.slice(count))
})

t.test('a cursor never passes an object in progress', async (t) => {
  const cos = await startWithKeys(t, {
    fault: script([{ operation: 'CopyObject', key: 'b/03', fault: { delay: 1500 } }])
  })
  const results = right(await collect(copyPrefix({ ...to, concurrency: 4 }))(cos.client())())
  const at = results.findIndex(({ key }) => key === 'a/03')
  t.ok(at > 5, 'others were faster')
  for (const { cursor } of results.slice(3, at)) t.ok(cursor.key < 'a/03', cursor.key)
  t.equal(results.at(-1)?.cursor.key, plain.at(-1))
})

t.test('an empty source prefix is refused without wholeBucket: true', async (t) => {
  const cos = await startWithKeys(t)
  const input = { ...to, copySource: { ...copySource, prefix: '' } }
  t.match(left(await collect(copyPrefix(input))(cos.client())()), {
    _tag: 'InvalidInput',
    field: 'copySource.prefix',
    context: { operation: 'copyPrefix' }
  })
  t.equal(cos.operations().length, 0)
  right(await collect(copyPrefix({ ...input, wholeBucket: true }))(cos.client())())
  t.same(
    await keysOf(cos),
    plain.map((key) => `b/${key}`)
  )
})

t.test('within a bucket, copyPrefix refuses a copy that would land among the sources', async (t) => {
  const cos = await startWithKeys(t, {}, ['a/a/x', 'a/x', 'a/b', 'a/'])
  const within = { ...to, bucket: elsewhere }
  for (const prefix of ['a/', 'a/b/', 'a/a/']) {
    t.match(left(await collect(copyPrefix({ ...within, prefix }))(cos.client())()), {
      _tag: 'InvalidInput',
      field: 'prefix'
    })
  }
  t.equal(cos.operations().length, 0)
  const results = await toArray(copyPrefix({ ...within, prefix: '', concurrency: 1 })(cos.client()))
  t.match(results, [
    // The new key would be empty.
    { key: 'a/', to: '', _tag: 'Skipped' },
    // The copy would overwrite a source.
    {
      key: 'a/a/x',
      to: 'a/x',
      _tag: 'Failed',
      error: { _tag: 'InvalidInput', context: { key: O.some('a/x') } }
    },
    { key: 'a/b', to: 'b', _tag: 'Copied' },
    { key: 'a/x', to: 'x', _tag: 'Copied' }
  ])
})

t.test('one progress counts all objects', async (t) => {
  const cos = await startWithKeys(t)
  const progress = createProgressWith({ total: O.none, clock: () => performance.now() })
  right(await collect(copyPrefix({ ...to, progress }))(cos.client())())
  const seen = await toArray(progress)
  t.match(seen.at(-1), { transferred: (29 * 30) / 2, parts: { inFlight: 0, done: 30 } })
})

t.test('each iteration of the stream starts from the first object', async (t) => {
  const cos = await startWithKeys(t)
  const stream = copyPrefix(to)(cos.client())
  t.same([(await toArray(stream)).length, (await toArray(stream)).at(-1)?.cursor.key], [30, plain.at(-1)])
})

t.test('an abort settles copyPrefix within 50 ms', async (t) => {
  const cos = await startWithKeys(t, {
    fault: script([{ operation: 'CopyObject', skip: 5, fault: { delay: 60_000 } }])
  })
  const controller = new AbortController()
  const result = pipe(copyPrefix(to), withSignal(controller.signal), collect)(cos.client())()
  t.ok(await becomesTrue(() => cos.count('CopyObject') >= 5))
  await setTimeout(100)
  controller.abort()
  t.ok(await settlesWithin(50, result))
  t.match(left(await result), { _tag: 'Aborted' })
})

t.test('an invalid input fails when the stream is read, and nothing is sent', async (t) => {
  const cos = await startCos(t)
  for (const [field, wrong] of [
    ['bucket', { bucket: 'nameless' }],
    ['copySource.region', { copySource: { bucket: elsewhere, prefix: 'a/' } }],
    ['copySource.prefix', { copySource: { bucket: elsewhere, region: 'ap-shanghai' } }],
    ['concurrency', { concurrency: 0 }],
    ['partConcurrency', { partConcurrency: 0 }],
    ['onError', { onError: 'perhaps' }],
    ['copyStatus', { contentType: 'text/plain' }],
    ['key', { key: 'a' }]
  ] as ReadonlyArray<readonly [string, object]>) {
    t.match(left(await collect(copyPrefix({ ...to, ...wrong }))(cos.client())()), {
      _tag: 'InvalidInput',
      field,
      context: { operation: 'copyPrefix' }
    })
  }
  t.equal(cos.operations().length, 0)
})

t.test('copyPrefix ends even if objects are created during the run', async (t) => {
  let more = 0
  const cos = await startWithKeys(t, {
    onRequest: ({ operation }) => {
      if (operation !== 'CopyObject' || more >= 20) return
      more += 1
      void send(putObject({ bucket: elsewhere, key: `a/new${String(more)}`, body: '' }))(cos.client())()
    }
  })
  const results = right(await collect(copyPrefix({ ...to, concurrency: 2 }))(cos.client())())
  t.ok(results.length >= 30 && results.length <= 50)
})
