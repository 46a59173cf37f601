import * as E from 'fp-ts/lib/Either.js'
import t from 'tap'
import { Agent } from 'undici'
import { checkRequest } from '../../lib/client/check-request.js'
import { contextWithoutObject } from '../../lib/core/error.js'
import { request } from '../support/layers.js'
import { clientOf } from '../support/server.js'

const context = contextWithoutObject('Spec')

t.test("a customer's key is refused over plain HTTP, except on the loopback", (t) => {
  const secret = { ...request, headers: { 'x-cos-server-side-encryption-customer-key': 'k' } }
  const check = (config: Parameters<ReturnType<typeof clientOf>>[0]) =>
    checkRequest(clientOf(t, '127.0.0.1:1')(config), secret, context)
  t.same(check({}), E.right(secret))
  t.same(check({ scheme: 'https', address: '192.0.2.1:443' }), E.right(secret))
  for (const address of ['192.0.2.1:80', '127.example.com:80', 'localhost.example.com']) {
    t.match(check({ address }), E.left({ _tag: 'InvalidInput', field: 'sse' }), address)
  }
  t.end()
})

t.test("expectContinue is refused if the dispatcher is the caller's", (t) => {
  const dispatcher = new Agent()
  t.teardown(() => dispatcher.destroy())
  const withContinue = { ...request, expectContinue: true }
  const client = clientOf(t, '127.0.0.1:1')
  t.same(checkRequest(client(), withContinue, context), E.right(withContinue))
  t.match(
    checkRequest(client({ dispatcher }), withContinue, context),
    E.left({ _tag: 'InvalidInput', field: 'expectContinue' })
  )
  t.end()
})
