import t from 'tap'
import { CosException, type CosError } from '../../../lib/core/error.js'
import { toEvents } from '../../../lib/operations/responses/listing.js'
import { fetchResponse, catchCosError, left, right, specContext } from '../../support/responses.js'
import { yieldThenFail, from, toArray } from '../../support/iterables.js'

// The operations that defineListing makes have their specs with each listing.

const broken: CosError = {
  _tag: 'DecodeError',
  context: specContext,
  status: 200,
  problems: [],
  requestId: ''
}

t.test('a failure before the first event is a Left', async (t) => {
  const response = await fetchResponse(t, {})
  t.same(left(await toEvents(() => yieldThenFail(new CosException(broken)))(response)()), broken)
})

t.test('events are delivered in order, and a later failure is thrown', async (t) => {
  const response = await fetchResponse(t, {})
  t.same(await toArray(right(await toEvents(() => from(1, 2, 3))(response)())), [1, 2, 3])
  t.same(await toArray(right(await toEvents(() => from())(response)())), [])
  const later = right(await toEvents(() => yieldThenFail(new CosException(broken), 1))(response)())
  t.same(await catchCosError(toArray(later)), broken)
})

t.test('a consumer that stops closes the page', async (t) => {
  for (const stopAt of [1, 2]) {
    let closed = false
    async function* endless() {
      try {
        for (let n = 1; ; n += 1) yield n
      } finally {
        closed = true
      }
    }
    for await (const n of right(await toEvents(endless)(await fetchResponse(t, {}))()))
      if (n === stopAt) break
    t.equal(closed, true, `at ${stopAt}`)
  }
})
