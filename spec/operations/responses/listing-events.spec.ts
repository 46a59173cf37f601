import * as E from 'fp-ts/lib/Either.js'
import t from 'tap'
import { CosException, type CosError } from '../../../lib/core/error.js'
import {
  cursorAt,
  ListingCursor,
  markerOf,
  toEvents
} from '../../../lib/operations/responses/listing-events.js'
import { fetchResponse, catchCosError, left, right, specContext } from '../../support/responses.js'
import { yieldThenFail, from, toArray } from '../../support/iterables.js'

// What listingEvents makes of pages is shown with each listing; here are its pieces.

t.test('a cursor is plain data, and comes back from JSON', async (t) => {
  const cursor = { key: 'k', id: '1', prefix: 'p/' }
  t.same(ListingCursor.decode(JSON.parse(JSON.stringify(cursor))), E.right(cursor))
  for (const bad of [
    {},
    { ...cursor, id: undefined },
    { ...cursor, more: 1 },
    { ...cursor, key: '\ud800' },
    'k'
  ]) {
    t.equal(E.isLeft(ListingCursor.decode(bad)), true)
  }
})

t.test('the marker to ask with is the lesser of the two, by UTF-8', async (t) => {
  t.same(cursorAt(), { key: '', id: '', prefix: '' })
  t.same(markerOf(cursorAt('k', '1')), { key: 'k', id: '1' })
  t.same(markerOf({ key: 'k', id: '1', prefix: 'z/' }), { key: 'k', id: '1' })
  t.same(markerOf({ key: 'k', id: '1', prefix: 'a/' }), { key: 'a/', id: '' })
  t.same(markerOf({ key: '😀', id: '1', prefix: '\uffff' }), { key: '\uffff', id: '' })
})

const broken: CosError = {
  _tag: 'TransportError',
  context: specContext,
  code: 'ECONNRESET',
  cause: undefined
}

t.test('the decoder waits for the first event, and its failure is data', async (t) => {
  const response = await fetchResponse(t, {})
  t.same(left(await toEvents(() => yieldThenFail(new CosException(broken)))(response)()), broken)
  t.same(await toArray(right(await toEvents(() => from(1, 2, 3))(response)())), [1, 2, 3])
  t.same(await toArray(right(await toEvents(() => from())(response)())), [])
  const later = right(await toEvents(() => yieldThenFail(new CosException(broken), 1))(response)())
  t.same(await catchCosError(toArray(later)), broken)
})

t.test('a reader that leaves closes what is read', async (t) => {
  for (const leaveAt of [1, 2]) {
    let closed = false
    async function* endless() {
      try {
        for (let n = 1; ; n += 1) yield n
      } finally {
        closed = true
      }
    }
    for await (const n of right(await toEvents(endless)(await fetchResponse(t, {}))()))
      if (n === leaveAt) break
    t.equal(closed, true, `at ${leaveAt}`)
  }
})
