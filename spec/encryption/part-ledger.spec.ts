import t from 'tap'
import { createPartLedger, type PartPlace } from '../../lib/encryption/part-ledger.js'
import { left, right } from '../support/server.js'

const part = (partNumber: number, offset: number, size: number, last = false): PartPlace => ({
  partNumber,
  offset,
  size,
  last
})

t.test('parts in any order are reserved, and a part that is sent again has its first record', async (t) => {
  const ledger = createPartLedger()
  const second = right(ledger.reserve(part(2, 100, 50)))
  right(ledger.reserve(part(1, 0, 100)))
  right(ledger.reserve(part(9, 1000, 3, true)))
  t.equal(right(ledger.reserve(part(2, 100, 50))), second)
})

t.test('a part that overlaps another one is refused', async (t) => {
  for (const [one, other] of [
    [part(2, 100, 50), part(2, 100, 51)],
    [part(2, 100, 50), part(2, 99, 50)],
    [part(2, 100, 50), part(2, 149, 1)],
    [part(2, 100, 50), part(3, 149, 50)],
    [part(2, 100, 50), part(5, 120, 1)],
    [part(2, 100, 50), part(1, 0, 101)]
  ] as const) {
    const ledger = createPartLedger()
    right(ledger.reserve(one))
    t.match(left(ledger.reserve(other)), { field: 'offset', problem: 'conflict' })
  }
})

t.test('the key stream of a part that was replaced stays used', async (t) => {
  const ledger = createPartLedger()
  right(ledger.reserve(part(2, 100, 50)))
  right(ledger.reserve(part(2, 200, 50)))
  t.match(left(ledger.reserve(part(1, 0, 200))), { field: 'offset', message: /encrypted before/ })
})

t.test('neighbours must touch, part 1 begins at 0, and no part follows the last', async (t) => {
  const ledger = createPartLedger()
  t.match(left(ledger.reserve(part(1, 16, 16))), { message: 'must be 0 for part 1' })
  right(ledger.reserve(part(3, 96, 16)))
  t.match(left(ledger.reserve(part(4, 128, 16))), { message: /must begin at 112/ })
  t.match(left(ledger.reserve(part(2, 64, 16))), { message: /must begin at 80/ })
  right(ledger.reserve(part(4, 112, 5, true)))
  t.match(left(ledger.reserve(part(5, 117, 5))), { message: /declared the last/ })
  t.match(left(ledger.reserve(part(2, 128, 16))), { field: 'offset' })
})
