import * as E from 'fp-ts/lib/Either.js'
import t from 'tap'
import { withReferer, refererHeaders, type WithReferer } from '../../../lib/operations/parameters/referer.js'
import { validateFields, withoutUndefined } from '../../support/operations.js'

t.test('a referer is sent unchanged', async (t) => {
  const judge = validateFields<WithReferer>(withReferer)
  t.same(judge({ referer: 'https://a.example/' }), E.right({ referer: 'https://a.example/' }))
  t.same(withoutUndefined(refererHeaders({ referer: 'https://a.example/' })), {
    referer: 'https://a.example/'
  })
  t.same(withoutUndefined(refererHeaders({})), {})
  t.match(judge({ referer: 'a\nb' }), { left: /^referer: must be a string that a header/ })
})
