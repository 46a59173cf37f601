import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import t from 'tap'
import { compareCrc64, unverifiable } from '../../lib/core/integrity.js'
import { specContext } from '../support/responses.js'

t.test('equal checksums are Verified', async (t) => {
  t.same(compareCrc64(specContext)(O.some(7n), O.some(7n)), E.right({ _tag: 'Verified', crc64: 7n }))
  t.same(compareCrc64(specContext)(O.some(0n), O.some(0n)), E.right({ _tag: 'Verified', crc64: 0n }))
})

t.test('an unknown checksum makes the result Unverifiable, with our checksum if it is known', async (t) => {
  const compare = compareCrc64(specContext)
  t.same(compare(O.some(7n), O.none), E.right(unverifiable('NoChecksum', O.some(7n))))
  t.same(compare(O.none, O.some(7n)), E.right(unverifiable('NoChecksum', O.none)))
  t.same(compare(O.none, O.none), E.right({ _tag: 'Unverifiable', reason: 'NoChecksum', crc64: O.none }))
})

t.test('different checksums are an IntegrityError with both checksums and the part', async (t) => {
  const error = {
    _tag: 'IntegrityError',
    context: specContext,
    check: 'crc64',
    expected: '18446744073709551615',
    got: '7'
  }
  const [ours, theirs] = [O.some(18446744073709551615n), O.some(7n)]
  t.same(compareCrc64(specContext)(ours, theirs), E.left({ ...error, part: O.none }))
  t.same(compareCrc64(specContext, { part: O.some(3) })(ours, theirs), E.left({ ...error, part: O.some(3) }))
  const down = compareCrc64(specContext, { right: 'theirs' })(ours, theirs)
  t.match(down, E.left({ expected: '7', got: '18446744073709551615' }))
})
