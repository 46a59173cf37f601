import { setTimeout } from 'node:timers/promises'
import { pipe } from 'fp-ts/lib/function.js'
import * as R from 'fp-ts/lib/Reader.js'
import t from 'tap'
import { script, type EmulatorOptions, type SeedObject } from '../../../lib/emulator/index.js'
import { withRetry, withSignal } from '../../../lib/client/combinators.js'
import { mapConcurrent } from '../../../lib/stages/map-concurrent.js'
import { collect, type EffectStream } from '../../../lib/transfers/shared/effect-stream.js'
import { streamMultipartUploads } from '../../../lib/transfers/list/stream-multipart-uploads.js'
import { streamObjectVersions } from '../../../lib/transfers/list/stream-object-versions.js'
import { streamObjects } from '../../../lib/transfers/list/stream-objects.js'
import { streamParts } from '../../../lib/transfers/list/stream-parts.js'
import { becomesTrue, waitFor } from '../../support/wait-for.js'
import { bucket, startCos } from '../../support/cos.js'
import { toArray } from '../../support/iterables.js'
import { settlesWithin } from '../../support/settles-within.js'
import { left, right } from '../../support/server.js'
import { catchCosError } from '../../support/responses.js'

const name = (n: number): string => `k/${String(n).padStart(5, '0')}`
const seed = (count: number): ReadonlyArray<SeedObject> =>
  Array.from({ length: count }, (_, n) => ({ bucket, key: name(n), size: n }))
const all = (count: number): ReadonlyArray<string> => Array.from({ length: count }, (_, n) => name(n))

const startWithObjects = (t: Parameters<typeof startCos>[0], count: number, options: EmulatorOptions = {}) =>
  startCos(t, { seed: seed(count), ...options })

const keysOf = async (stream: AsyncIterable<{ readonly key: string }>): Promise<ReadonlyArray<string>> =>
  (await toArray(stream)).map(({ key }) => key)

t.test('a listing sends nothing before it is read, and then one request for each page', async (t) => {
  const cos = await startWithObjects(t, 2500)
  const stream = streamObjects({ bucket })(cos.client())
  await setTimeout(20)
  t.equal(cos.operations().length, 0)
  t.same(await keysOf(stream), all(2500))
  t.equal(cos.operations().length, 3)
  t.equal((await keysOf(stream)).length, 2500, 'a second reading lists again')
  t.equal(cos.operations().length, 6)
})

t.test('the first object is yielded before its page has ended', async (t) => {
  const cos = await startWithObjects(t, 20, { fault: () => ({ dribble: { size: 300, pause: 50 } }) })
  const sent = (): number => cos.emulator.requests()[0]?.bytesOut ?? 0
  const at: Array<number> = []
  for await (const _ of streamObjects({ bucket })(cos.client())) at.push(sent())
  t.equal(at.length, 20)
  t.ok(at.at(-1)! > 10 * 300, 'the page arrived slowly')
  t.ok(at[0]! < sent() / 3, `the first after ${String(at[0])} of ${String(sent())} bytes`)
})

t.test('a listing whose page breaks off resumes after the last object received', async (t) => {
  let cuts = 0
  const cos = await startWithObjects(t, 40, {
    fault: () => {
      cuts += 1
      return cuts <= 6 ? { cut: { at: 'body', after: 1500 * cuts } } : undefined
    }
  })
  t.same(await keysOf(streamObjects({ bucket, maxKeys: 25 })(cos.client())), all(40))
  t.ok(cuts > 6)
})

t.test('a listing fails if its pages break off repeatedly without a new object', async (t) => {
  const cos = await startWithObjects(t, 10, { fault: () => ({ cut: { at: 'body', after: 900 } }) })
  const seen: Array<string> = []
  const readAll = async (): Promise<void> => {
    for await (const { key } of streamObjects({ bucket })(cos.client())) seen.push(key)
  }
  t.match(await catchCosError(readAll()), { _tag: 'TransportError' })
  t.same(seen, all(seen.length))
  t.ok(cos.operations().length < 40, `${String(cos.operations().length)} requests`)
})

t.test('a listing does not retry a page again whose request has used up its attempts', async (t) => {
  const cos = await startWithObjects(t, 10, {
    fault: () => ({ response: { status: 503, code: 'SlowDown' } })
  })
  t.match(await catchCosError(toArray(streamObjects({ bucket })(cos.client()))), {
    _tag: 'ServiceError',
    code: 'SlowDown'
  })
  t.equal(cos.operations().length, 4)
})

t.test('after a permanent failure the cursor of any object received resumes the listing', async (t) => {
  const cos = await startWithObjects(t, 30, {
    fault: script([{ skip: 1, times: 1, fault: { response: { status: 403, code: 'AccessDenied' } } }])
  })
  const first = []
  try {
    for await (const entry of streamObjects({ bucket, maxKeys: 12 })(cos.client())) first.push(entry)
  } catch (thrown) {
    t.match(thrown, {
      error: { _tag: 'ServiceError', code: 'AccessDenied', context: { operation: 'ListObjects' } }
    })
  }
  t.equal(first.length, 12)
  for (const at of [3, 11]) {
    const cursor = JSON.parse(JSON.stringify(first[at]!.cursor)) as (typeof first)[0]['cursor']
    t.same(
      await keysOf(streamObjects({ bucket, cursor })(cos.client())),
      all(30).slice(at + 1),
      `after object ${String(at)}`
    )
  }
})

t.test('a reader that stops closes the request at once, between objects and during a read', async (t) => {
  const cos = await startWithObjects(t, 20, { fault: () => ({ stall: { after: 1500, pause: 60_000 } }) })
  for await (const { key } of streamObjects({ bucket })(cos.client())) {
    t.equal(key, name(0))
    break
  }
  t.ok(await becomesTrue(() => cos.emulator.openConnections() === 0))

  const reader = streamObjects({ bucket })(cos.client())[Symbol.asyncIterator]()
  while ((await Promise.race([reader.next(), setTimeout(100, 'stalled')])) !== 'stalled');
  t.ok(await settlesWithin(50, Promise.resolve(reader.return?.())), 'during a read')
  t.ok(await becomesTrue(() => cos.emulator.openConnections() === 0))
})

t.test('a signal aborts a listing in the middle of a page and before the first', async (t) => {
  const cos = await startWithObjects(t, 20, { fault: () => ({ stall: { after: 1500, pause: 60_000 } }) })
  const controller = new AbortController()
  const reading = pipe(streamObjects({ bucket }), withSignal(controller.signal))(cos.client())
  const ended = toArray(reading)
  await waitFor(() => cos.emulator.requests().some(({ bytesOut }) => bytesOut >= 1500))
  await setTimeout(20)
  controller.abort('enough')
  t.ok(await settlesWithin(50, ended))
  t.match(await catchCosError(ended), { _tag: 'Aborted', reason: 'enough' })
  t.ok(await becomesTrue(() => cos.emulator.openConnections() === 0))
  t.match(await catchCosError(toArray(reading)), { _tag: 'Aborted' }, 'a second reading is aborted too')
})

t.test('a signal ends the wait before the next attempt', async (t) => {
  let over = 0
  const cos = await startWithObjects(t, 20, {
    fault: () => ({ cut: { at: 'body', after: 1500 } }),
    onRequest: () => {
      over += 1
    }
  })
  const controller = new AbortController()
  const reading = pipe(
    streamObjects({ bucket }),
    withRetry({ base: 60_000, random: () => 0.99 }),
    withSignal(controller.signal)
  )(cos.client())
  const ended = toArray(reading)
  await waitFor(() => over === 1)
  await setTimeout(20)
  controller.abort()
  t.ok(await settlesWithin(50, ended))
  t.match(await catchCosError(ended), { _tag: 'Aborted' })
})

t.test('a listing is a Reader: R.map adds a stage to it', async (t) => {
  const cos = await startWithObjects(t, 10)
  const sizes = pipe(
    streamObjects({ bucket }),
    R.map(
      mapConcurrent({ concurrency: 3, ordered: true })(
        async ({ size }: { readonly size: number }) => size * 2
      )
    ),
    collect
  )
  t.same(right(await sizes(cos.client())()), [0, 2, 4, 6, 8, 10, 12, 14, 16, 18])
})

t.test('a listing without an input fails with InvalidInput when it is read', async (t) => {
  const client = (await startCos(t)).client()
  const lists: ReadonlyArray<(input: never) => EffectStream<unknown>> = [
    streamObjects,
    streamObjectVersions,
    streamMultipartUploads,
    streamParts
  ]
  for (const list of lists)
    for (const none of [null, undefined])
      t.match(left(await collect(list(none as never))(client)()), {
        _tag: 'InvalidInput',
        field: 'bucket',
        problem: 'missing'
      })
})
