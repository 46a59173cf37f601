import fc from 'fast-check'
import t from 'tap'
import { fromIterable, sliceChunks } from '../../lib/stages/iterables.js'
import { toArray } from '../support/iterables.js'

t.test('fromIterable yields the items of an iterable in order', async (t) => {
  t.same(await toArray(fromIterable(new Set([3, 1, 2]))), [3, 1, 2])
  t.same(await toArray(fromIterable([])), [])
})

t.test('fromIterable reads no item before the reader requests it', async (t) => {
  let made = 0
  const endless = function* (): Generator<number, void, undefined> {
    for (;;) yield (made += 1)
  }
  const items = fromIterable(endless())
  t.equal(made, 0)
  await items.next()
  await items.next()
  t.equal(made, 2)
})

t.test('fromIterable closes its source if the reader returns', async (t) => {
  let closed = false
  const source = function* (): Generator<number, void, undefined> {
    try {
      yield 1
      yield 2
    } finally {
      closed = true
    }
  }
  const items = fromIterable(source())
  await items.next()
  await items.return()
  t.ok(closed)
})

t.test('an error of the source fails fromIterable', async (t) => {
  const yieldThenBreak = function* (): Generator<number, void, undefined> {
    yield 1
    throw new Error('no more')
  }
  await t.rejects(toArray(fromIterable(yieldThenBreak())), { message: 'no more' })
})

t.test('sliceChunks keeps the bytes and their order, and no slice is empty or too large', async () => {
  fc.assert(
    fc.property(
      fc.array(fc.uint8Array({ maxLength: 40 })),
      fc.integer({ min: 1, max: 50 }),
      (chunks, size) => {
        const slices = [...sliceChunks(size)(chunks)]
        return (
          Buffer.concat(slices).equals(Buffer.concat(chunks)) &&
          slices.every(({ length }) => length > 0 && length <= size)
        )
      }
    )
  )
})

t.test('sliceChunks slices each chunk separately and copies no byte', async (t) => {
  const first = Buffer.from('abcde')
  const second = Buffer.from('fg')
  const slices = [...sliceChunks(2)([first, second])]
  t.same(
    slices.map((slice) => Buffer.from(slice).toString()),
    ['ab', 'cd', 'e', 'fg']
  )
  t.ok(slices.every(({ buffer }) => buffer === first.buffer))
})
