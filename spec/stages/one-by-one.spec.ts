import t from 'tap'
import { cancelable } from '../../lib/stages/cancelable.js'
import { oneByOne } from '../../lib/stages/one-by-one.js'
import { toArray } from '../support/iterables.js'

async function* generate(
  ...batches: ReadonlyArray<ReadonlyArray<number>>
): AsyncGenerator<ReadonlyArray<number>, void, undefined> {
  yield* batches
}

const start = (
  batches: AsyncGenerator<ReadonlyArray<number>, void, undefined>,
  controller = new AbortController()
) => ({ items: oneByOne(controller.signal, cancelable(controller, batches)) })

t.test('batches are delivered item by item in order, and empty batches are left out', async (t) => {
  t.same(await toArray(start(generate([1, 2], [], [3])).items), [1, 2, 3])
  t.same(await toArray(start(generate([], [])).items), [])
})

t.test('reads that overlap deliver all items in order', async (t) => {
  const { items } = start(generate([1, 2], [3], [4, 5]))
  const results = await Promise.all(Array.from({ length: 7 }, () => items.next()))
  t.same(
    results.map(({ value }) => value),
    [1, 2, 3, 4, 5, undefined, undefined]
  )
})

t.test('a reader that leaves in the middle of a batch closes the source', async (t) => {
  let isClosed = false
  const { items } = start(
    (async function* () {
      try {
        yield [1, 2, 3]
      } finally {
        isClosed = true
      }
    })()
  )
  for await (const _ of items) break
  t.ok(isClosed)
  t.same(await items.next(), { done: true, value: undefined })
})

t.test('if the signal fires in the middle of a batch, the rest of the batch is not delivered', async (t) => {
  const controller = new AbortController()
  const { items } = start(
    (async function* () {
      yield [1, 2, 3]
      controller.signal.throwIfAborted()
    })(),
    controller
  )
  t.same(await items.next(), { done: false, value: 1 })
  controller.abort(new Error('enough'))
  await t.rejects(items.next(), { message: 'enough' })
})

t.test('an error of the source fails the read', async (t) => {
  const { items } = start(
    (async function* () {
      yield [1]
      throw new Error('network')
    })()
  )
  t.same(await items.next(), { done: false, value: 1 })
  await t.rejects(items.next(), { message: 'network' })
})
