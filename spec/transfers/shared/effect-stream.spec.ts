import t from 'tap'
import { CosException, contextWithoutObject } from '../../../lib/core/error.js'
import { collect, failedStream, scopedStream } from '../../../lib/transfers/shared/effect-stream.js'
import { toArray } from '../../support/iterables.js'
import { clientOf, left, right } from '../../support/server.js'

const context = contextWithoutObject('spec')

t.test('a stream starts no work before it is read, and each read restarts it', async (t) => {
  let started = 0
  const stream = scopedStream(context, async function* () {
    started += 1
    yield started
  })(clientOf(t, '127.0.0.1:1')())
  t.equal(started, 0)
  t.same([await toArray(stream), await toArray(stream)], [[1], [2]])
})

t.test('the scope is closed at the end, after a failure and after an early stop', async (t) => {
  const signals: Array<AbortSignal> = []
  const endless = scopedStream(context, async function* ({ controller }) {
    signals.push(controller.signal)
    for (;;) yield 1
  })(clientOf(t, '127.0.0.1:1')())
  for await (const one of endless) if (one === 1) break
  t.ok(signals[0]?.aborted)

  const whole = scopedStream(context, async function* ({ controller }) {
    signals.push(controller.signal)
    yield 1
  })
  t.same(right(await collect(whole)(clientOf(t, '127.0.0.1:1')())()), [1])
  t.ok(signals[1]?.aborted)
})

t.test('a stream fails with a CosException, and collect returns its error as data', async (t) => {
  const client = clientOf(t, '127.0.0.1:1')()
  const broken = scopedStream(context, async function* () {
    yield 1
    throw new Error('disk')
  })
  t.match(left(await collect(broken)(client)()), { _tag: 'SourceError', cause: { message: 'disk' }, context })
  const failure = new CosException({ _tag: 'Aborted', context, reason: 'enough' })
  await t.rejects(toArray(failedStream(failure)(client)), failure)
  t.equal(left(await collect(failedStream(failure))(client)()), failure.error)
})

t.test('return during a wait settles at once', async (t) => {
  const waiting = scopedStream(context, async function* ({ controller }) {
    yield 1
    await new Promise((_, reject) =>
      controller.signal.addEventListener('abort', () => reject(controller.signal.reason))
    )
    yield 2
  })(clientOf(t, '127.0.0.1:1')())
  const reader = waiting[Symbol.asyncIterator]()
  t.same(await reader.next(), { done: false, value: 1 })
  const second = reader.next()
  await reader.return?.()
  t.same(await second, { done: true, value: undefined })
})
