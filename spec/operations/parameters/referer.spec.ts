import * as E from 'fp-ts/lib/Either.js'
import t from 'tap'
import { withReferer, refererHeaders, type WithReferer } from '../../../lib/operations/parameters/referer.js'
import { judging, present } from '../../support/operations.js'

t.test('a referer is sent as it is', async (t) => {
  const judge = judging<WithReferer>(withReferer)
  t.same(judge({ referer: 'https://a.example/' }), E.right({ referer: 'https://a.example/' }))
  t.same(present(refererHeaders({ referer: 'https://a.example/' })), { referer: 'https://a.example/' })
  t.same(present(refererHeaders({})), {})
  t.match(judge({ referer: 'a\nb' }), { left: /^referer: text that a header/ })
})
