import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { setImmediate, setTimeout } from 'node:timers/promises'
import t from 'tap'
import { abortable } from '../../lib/stages/abortable.js'
import { collectGarbage } from '../support/gc.js'
import { yieldThenFail, from, toArray } from '../support/iterables.js'
import { createGate } from '../support/responses.js'

const never = (): AbortSignal => new AbortController().signal

/** Counts, and records whether it was closed; stalls after `until`. */
const createCounter = (until = Infinity) => {
  const seen = { read: 0, closed: false }
  const source = async function* () {
    try {
      for (;;) {
        if (seen.read >= until) await new Promise(() => {})
        yield (seen.read += 1)
      }
    } finally {
      seen.closed = true
    }
  }
  return { seen, source: source() }
}

t.test('items pass in order, and without a signal the source itself is returned', async (t) => {
  t.same(await toArray(abortable(never())(from(1, 2, 3))), [1, 2, 3])
  const source = from(1)
  t.equal(abortable(undefined)(source), source)
})

t.test('a paused reader pauses the source', async (t) => {
  const { seen, source } = createCounter()
  const iterator = abortable(never())(source)[Symbol.asyncIterator]()
  await iterator.next()
  await setTimeout(20)
  t.equal(seen.read, 1)
})

t.test('a reader that stops early closes the source', async (t) => {
  const { seen, source } = createCounter()
  for await (const _ of abortable(never())(source)) break
  t.equal(seen.closed, true)
})

t.test('a reader that stops during a read does not wait for the source', async (t) => {
  const { source } = createCounter(0)
  const iterator = abortable(never())(source)[Symbol.asyncIterator]()
  const read = iterator.next()
  await iterator.return?.()
  t.same(await read, { done: true, value: undefined })
  t.same(await iterator.next(), { done: true, value: undefined })
})

t.test('an error of the source fails the pipeline', async (t) => {
  const error = new Error('disk')
  await t.rejects(pipeline(yieldThenFail(error, 1), abortable(never()), toArray), error)
  const iterator = abortable(never())(yieldThenFail(error))[Symbol.asyncIterator]()
  await iterator.next().catch((thrown: unknown) => t.equal(thrown, error))
})

// -- the signal --
t.test('a signal that fires ends the read of a stalled source with the reason of the signal', async (t) => {
  const { source } = createCounter(1)
  const controller = new AbortController()
  const reason = new Error('enough')
  const reading = toArray(abortable(controller.signal)(source))
  await setTimeout(5)
  controller.abort(reason)
  await t.rejects(reading, reason)
})

t.test('a source that throws when it is closed still fails with the reason of the signal', async (t) => {
  const source: AsyncIterable<number> = {
    [Symbol.asyncIterator]: () => ({
      next: () => new Promise(() => {}),
      return: () => {
        throw new Error('no')
      }
    })
  }
  const controller = new AbortController()
  const reading = toArray(abortable(controller.signal)(source))
  await setTimeout(5)
  controller.abort(new Error('enough'))
  await t.rejects(reading, { message: 'enough' })
})

t.test('a signal that fires between reads closes the source and fails the next read', async (t) => {
  const { seen, source } = createCounter()
  const controller = new AbortController()
  const iterator = abortable(controller.signal)(source)[Symbol.asyncIterator]()
  t.equal((await iterator.next()).value, 1)
  controller.abort('enough')
  await setImmediate()
  t.equal(seen.closed, true)
  await iterator.next().then(t.fail, (thrown: unknown) => t.equal(thrown, 'enough'))
  await iterator.next().then(t.fail, (thrown: unknown) => t.equal(thrown, 'enough', 'and every one after it'))
})

t.test('if the signal has already fired, nothing is read', async (t) => {
  const { seen, source } = createCounter()
  await t.rejects(toArray(abortable(AbortSignal.abort(new Error('before')))(source)), { message: 'before' })
  t.equal(seen.read, 0)
})

t.test('a Node stream that stalls is destroyed', async (t) => {
  const stalled = new Readable({ read() {} })
  const controller = new AbortController()
  const reading = toArray(abortable(controller.signal)(stalled))
  await setImmediate()
  controller.abort(new Error('enough'))
  await t.rejects(reading, { message: 'enough' })
  t.equal(stalled.destroyed, true)
})

t.test('an error of the source after the signal has fired is ignored', async (t) => {
  const { opened, open } = createGate()
  const late = async function* () {
    await opened
    yield* yieldThenFail<number>(new Error('late'))
  }
  const controller = new AbortController()
  const reading = toArray(abortable(controller.signal)(late()))
  await setImmediate()
  controller.abort(new Error('enough'))
  await t.rejects(reading, { message: 'enough' })
  open()
  // An unhandled rejection would fail this spec.
  await setTimeout(20)
})

t.test('after the last read the signal has no listeners', async (t) => {
  const { signal } = new AbortController()
  const buffers = async function* () {
    for (let n = 0; n < 20_000; n += 1) yield Buffer.alloc(1024)
  }
  await collectGarbage()
  const before = process.memoryUsage().arrayBuffers
  for await (const _ of abortable(signal)(buffers()));
  await collectGarbage()
  t.ok(process.memoryUsage().arrayBuffers - before < 1024 * 1024, 'of 20 MiB that passed')
})
