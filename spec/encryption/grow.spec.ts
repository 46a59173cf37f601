import t from 'tap'
import { grow } from '../../lib/encryption/grow.js'

t.test('memory that is large enough is used again, and larger memory has its bytes', (t) => {
  const first = grow(Buffer.alloc(0), 10, 100)
  t.equal(first.length, 10)
  first.fill(7)
  t.equal(grow(first, 10, 100), first)
  const second = grow(first, 11, 100)
  t.equal(second.length, 100)
  t.ok(second.subarray(0, 10).equals(Buffer.alloc(10, 7)))
  t.equal(grow(second, 100, 100), second)
  t.equal(grow(Buffer.alloc(0), 5).length, 5)
  t.end()
})
