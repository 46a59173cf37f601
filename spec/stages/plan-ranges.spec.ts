import fc from 'fast-check'
import t from 'tap'
import { planRanges } from '../../lib/stages/plan-ranges.js'

t.test('planRanges has the ranges of its example, and each names its bytes', async (t) => {
  t.same(
    [...planRanges({ to: 10, partSize: 4 })],
    [
      { number: 1, first: 0, last: 3, size: 4 },
      { number: 2, first: 4, last: 7, size: 4 },
      { number: 3, first: 8, last: 9, size: 2 }
    ]
  )
  t.same([...planRanges({ from: 5, to: 10, partSize: 100 })], [{ number: 1, first: 5, last: 9, size: 5 }])
})

t.test('zero bytes have no ranges', async (t) => {
  t.same([...planRanges({ to: 0, partSize: 4 })], [])
  t.same([...planRanges({ from: 9, to: 9, partSize: 4 })], [])
})

t.test('each byte is in one range, no range is empty, and ranges can be iterated again', async () => {
  const requested = fc.record({
    from: fc.nat(100),
    length: fc.nat(1000),
    partSize: fc.integer({ min: 1, max: 300 })
  })
  fc.assert(
    fc.property(requested, ({ from, length, partSize }) => {
      const plan = planRanges({ from, to: from + length, partSize })
      let next = from
      for (const { first, last, size } of plan) {
        if (first !== next || size < 1 || size > partSize || last !== first + size - 1) return false
        next = last + 1
      }
      return next === from + length && [...plan].every(({ number }, n) => number === n + 1)
    })
  )
})

t.test('the ranges of 48 TB are created while they are iterated', async (t) => {
  const [first] = planRanges({ to: 50_000 * 1024 ** 3, partSize: 1024 ** 2 })
  t.same(first, { number: 1, first: 0, last: 1048575, size: 1048576 })
})
