import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import t from 'tap'
import { compareCrc64, unverifiable } from '../../lib/core/integrity.js'
import { specContext } from '../support/responses.js'

const sides = ['expected', 'got'] as const

t.test('equal checksums are Verified', async (t) => {
  for (const ours of sides) {
    for (const crc64 of [0n, 7n]) {
      const checksums = { expected: O.some(crc64), got: O.some(crc64), ours }
      t.same(compareCrc64(specContext)(checksums), E.right({ _tag: 'Verified', crc64 }))
    }
  }
})

t.test('an unknown checksum makes the result Unverifiable, with our checksum if it is known', async (t) => {
  const compare = compareCrc64(specContext)
  for (const ours of sides) {
    const theirs = ours === 'expected' ? 'got' : 'expected'
    const none = { expected: O.none, got: O.none, ours }
    t.same(compare({ ...none, [ours]: O.some(7n) }), E.right(unverifiable('NoChecksum', O.some(7n))))
    t.same(compare({ ...none, [theirs]: O.some(7n) }), E.right(unverifiable('NoChecksum', O.none)))
    t.same(compare(none), E.right({ _tag: 'Unverifiable', reason: 'NoChecksum', crc64: O.none }))
  }
})

t.test('different checksums are an IntegrityError with both checksums and the part', async (t) => {
  const checksums = { expected: O.some(18446744073709551615n), got: O.some(7n) }
  const error = {
    _tag: 'IntegrityError',
    context: specContext,
    check: 'crc64',
    expected: '18446744073709551615',
    got: '7'
  }
  for (const ours of sides) {
    for (const part of [O.none, O.some(3)]) {
      t.same(compareCrc64(specContext, part)({ ...checksums, ours }), E.left({ ...error, part }))
    }
  }
})
