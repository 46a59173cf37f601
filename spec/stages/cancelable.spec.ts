import { pipeline } from 'node:stream/promises'
import { setTimeout } from 'node:timers/promises'
import t from 'tap'
import { abortable } from '../../lib/stages/abortable.js'
import { cancelable, readerCancelled } from '../../lib/stages/cancelable.js'
import { yieldThenFail, from, toArray } from '../support/iterables.js'

const never = new Promise<number>(() => {})

/** Yields the items, then stalls until its signal fires. */
const createStalling = (controller: AbortController, ...items: ReadonlyArray<number>) => {
  const seen = { closed: false }
  const run = async function* (): AsyncGenerator<number, void, undefined> {
    try {
      yield* items
      yield* abortable(controller.signal)(from(never))
    } finally {
      seen.closed = true
    }
  }
  return { seen, iterator: cancelable(controller, run()) }
}

t.test('items pass in order', async (t) => {
  t.same(await toArray(cancelable(new AbortController(), from(1, 2, 3))), [1, 2, 3])
})

t.test('return during a read ends the iteration at once', async (t) => {
  const controller = new AbortController()
  const { seen, iterator } = createStalling(controller, 1)
  t.same(await iterator.next(), { done: false, value: 1 })
  const read = iterator.next()
  await setTimeout(5)
  t.same(await iterator.return(), { done: true, value: undefined })
  t.same(await read, { done: true, value: undefined })
  t.equal(controller.signal.reason, readerCancelled)
  t.equal(seen.closed, true)
})

t.test('return between reads closes the source', async (t) => {
  const { seen, iterator } = createStalling(new AbortController(), 1)
  for await (const _ of iterator) break
  t.equal(seen.closed, true)
})

t.test('return after the end does not abort the controller', async (t) => {
  const controller = new AbortController()
  const iterator = cancelable(controller, from(1))
  t.same(await toArray(iterator), [1])
  await iterator.return()
  t.equal(controller.signal.aborted, false)
})

t.test('an error of the run is thrown unchanged', async (t) => {
  const error = new Error('disk')
  await t.rejects(pipeline(cancelable(new AbortController(), yieldThenFail(error, 1)), toArray), error)
})

t.test('an abort by another owner of the controller is thrown like any error', async (t) => {
  const controller = new AbortController()
  const { iterator } = createStalling(controller)
  const read = iterator.next()
  controller.abort(new Error('enough'))
  await t.rejects(read, { message: 'enough' })
})

t.test('a hundred listeners on the signal cause no warning', async (t) => {
  const warnings: Array<Error> = []
  const onWarning = (warning: Error): unknown => warnings.push(warning)
  process.on('warning', onWarning)
  t.teardown(() => process.off('warning', onWarning))
  const controller = new AbortController()
  cancelable(controller, from(1))
  for (let n = 0; n < 100; n += 1) controller.signal.addEventListener('abort', () => {})
  await setTimeout(5)
  t.same(warnings, [])
})
