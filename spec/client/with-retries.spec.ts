import * as E from 'fp-ts/lib/Either.js'
import t from 'tap'
import { withTimeout } from '../../lib/client/combinators.js'
import { withRetries } from '../../lib/client/with-retries.js'
import { newCall, request, requestOnce, scripted, serviceError } from '../support/layers.js'
import { clientOf } from '../support/server.js'
import { settlesWithin } from '../support/settles-within.js'

const slowDown = E.left(serviceError(503, 'SlowDown'))
const denied = E.left(serviceError(403, 'AccessDenied'))

t.test('a transient error is retried, and each attempt sees the failures before it', async (t) => {
  const client = clientOf(t, '127.0.0.1:1')({ retry: { base: 0 } })
  const inside = scripted(slowDown, slowDown, E.right('done'))
  const call = newCall()
  t.same(await withRetries(client)(inside.send)(request, call)(), E.right('done'))
  t.same(
    inside.calls.map(({ failures }) => failures.length),
    [0, 1, 2]
  )
  t.equal(call.context().attempts, 3)
})

t.test('the policy limits the attempts, and the last error is returned', async (t) => {
  const client = clientOf(t, '127.0.0.1:1')({ retry: { base: 0, attempts: 3 } })
  const last = E.left(serviceError(500, 'InternalError'))
  const inside = scripted(slowDown, slowDown, last, E.right('too late'))
  t.same(await withRetries(client)(inside.send)(request, newCall())(), last)
  t.equal(inside.calls.length, 3)
})

t.test('a permanent error and a body that can be read once are sent once', async (t) => {
  const client = clientOf(t, '127.0.0.1:1')({ retry: { base: 0 } })
  const refused = scripted(denied, E.right('no'))
  t.same(await withRetries(client)(refused.send)(request, newCall())(), denied)
  const once = scripted(slowDown, E.right('no'))
  t.same(await withRetries(client)(once.send)(requestOnce, newCall())(), slowDown)
  t.same([refused.calls.length, once.calls.length], [1, 1])
})

t.test('a signal ends the wait before the next attempt', async (t) => {
  const controller = new AbortController()
  const client = {
    ...clientOf(t, '127.0.0.1:1')({ retry: { base: 3_600_000, cap: 3_600_000, random: () => 0.9 } }),
    signals: [controller.signal]
  }
  const inside = scripted(slowDown)
  const result = withRetries(client)(inside.send)(request, newCall())()
  setTimeout(() => controller.abort(), 10)
  t.ok(await settlesWithin(50, result))
  t.match(await result, E.left({ _tag: 'Aborted', context: { attempts: 1 } }))
})

t.test('a wait that would pass the deadline is not started, and the error is the one of COS', async (t) => {
  const client = clientOf(t, '127.0.0.1:1')()
  for (const after of ['86400', '99999999999', 'Fri, 31 Dec 2099 23:59:59 GMT']) {
    const busy = E.left(serviceError(503, 'SlowDown', { 'retry-after': after }))
    const inside = scripted(busy, E.right('no'))
    const result = withTimeout(2000)((within) => withRetries(within)(inside.send)(request, newCall()))(
      client
    )()
    t.ok(await settlesWithin(50, result))
    t.same(await result, busy)
    t.equal(inside.calls.length, 1)
  }
})
