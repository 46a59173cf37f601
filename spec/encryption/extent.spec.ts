import * as O from 'fp-ts/lib/Option.js'
import t from 'tap'
import { plainSizeOf, spanOf } from '../../lib/encryption/extent.js'
import { left, right } from '../support/server.js'

t.test('the size of the plaintext follows from the stored size', async (t) => {
  const none = O.none
  t.same(right(plainSizeOf({ cipher: 'ctr', plainSize: none }, 100)), O.some(100))
  t.same(right(plainSizeOf({ cipher: 'gcm', plainSize: none }, 116)), O.some(100))
  t.same(right(plainSizeOf({ cipher: 'gcm', plainSize: O.some(5) }, 16)), O.some(0))
  t.same(right(plainSizeOf({ cipher: 'cbc', plainSize: none }, 112)), none)
  t.same(right(plainSizeOf({ cipher: 'cbc', plainSize: O.some(96) }, 112)), O.some(96))
  t.same(right(plainSizeOf({ cipher: 'cbc', plainSize: O.some(112) }, 112)), none)
  t.same(right(plainSizeOf({ cipher: 'cbc', plainSize: O.some(95) }, 112)), none)
  t.match(left(plainSizeOf({ cipher: 'gcm', plainSize: none }, 15)), { reason: 'Truncated' })
  for (const size of [0, 1, 111])
    t.match(left(plainSizeOf({ cipher: 'cbc', plainSize: none }, size)), { reason: 'Truncated' })
})

t.test('a range is the span of its bytes, or none beyond the end', async (t) => {
  t.same(spanOf({ first: 3 }, 10), O.some({ first: 3, last: 9 }))
  t.same(spanOf({ first: 3, last: 5 }, 10), O.some({ first: 3, last: 5 }))
  t.same(spanOf({ first: 3, last: 50 }, 10), O.some({ first: 3, last: 9 }))
  t.same(spanOf({ suffix: 3 }, 10), O.some({ first: 7, last: 9 }))
  t.same(spanOf({ suffix: 30 }, 10), O.some({ first: 0, last: 9 }))
  t.same(spanOf({ first: 10 }, 10), O.none)
  t.same(spanOf({ suffix: 1 }, 0), O.none)
})
