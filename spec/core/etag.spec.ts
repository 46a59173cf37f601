import t from 'tap'
import { isSameEtag, isWeakEtag, strongEtag } from '../../lib/core/etag.js'

t.test('a weak ETag has the prefix W/', async (t) => {
  t.equal(isWeakEtag('W/"a"'), true)
  t.equal(isWeakEtag('"W/a"'), false)
  t.equal(strongEtag('W/"a"'), '"a"')
  t.equal(strongEtag('"a"'), '"a"')
})

// The table of RFC 9110, 8.8.3.2, column "weak comparison".
t.test('ETags are compared without their weakness', async (t) => {
  t.equal(isSameEtag('W/"1"', 'W/"1"'), true)
  t.equal(isSameEtag('W/"1"', 'W/"2"'), false)
  t.equal(isSameEtag('W/"1"', '"1"'), true)
  t.equal(isSameEtag('"1"', '"1"'), true)
})
