import * as E from 'fp-ts/lib/Either.js'
import t from 'tap'
import { formatError } from '../../lib/core/format-error.js'
import { withRetry, withTimeout } from '../../lib/client/combinators.js'
import { createRetryBudget, unlimitedRetries } from '../../lib/client/retry-budget.js'
import { withRetries } from '../../lib/client/with-retries.js'
import {
  newCall,
  request,
  requestOnce,
  createScripted,
  serviceError,
  transportError
} from '../support/layers.js'
import { clientOf } from '../support/server.js'
import { settlesWithin } from '../support/settles-within.js'

const slowDown = E.left(serviceError(503, 'SlowDown'))
const denied = E.left(serviceError(403, 'AccessDenied'))

t.test('a transient error is retried, and each attempt sees the failures before it', async (t) => {
  const client = clientOf(t, '127.0.0.1:1')({ retry: { base: 0 } })
  const inside = createScripted(slowDown, slowDown, E.right('done'))
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
  const inside = createScripted(slowDown, slowDown, last, E.right('too late'))
  t.same(await withRetries(client)(inside.send)(request, newCall())(), last)
  t.equal(inside.calls.length, 3)
})

t.test('a permanent error and a body that can be read once are sent once', async (t) => {
  const client = clientOf(t, '127.0.0.1:1')({ retry: { base: 0 } })
  const refused = createScripted(denied, E.right('no'))
  t.same(await withRetries(client)(refused.send)(request, newCall())(), denied)
  const once = createScripted(slowDown, E.right('no'))
  t.same(await withRetries(client)(once.send)(requestOnce, newCall())(), slowDown)
  t.same([refused.calls.length, once.calls.length], [1, 1])
})

t.test('a signal ends the wait before the next attempt', async (t) => {
  const controller = new AbortController()
  const client = {
    ...clientOf(t, '127.0.0.1:1')({ retry: { base: 3_600_000, cap: 3_600_000, random: () => 0.9 } }),
    signals: [controller.signal]
  }
  const inside = createScripted(slowDown)
  const result = withRetries(client)(inside.send)(request, newCall())()
  setTimeout(() => controller.abort(), 10)
  t.ok(await settlesWithin(50, result))
  t.match(await result, E.left({ _tag: 'Aborted', context: { attempts: 1 } }))
})

t.test('a wait that would pass the deadline is not started, and the error is the one of COS', async (t) => {
  const client = clientOf(t, '127.0.0.1:1')()
  for (const after of ['86400', '99999999999', 'Fri, 31 Dec 2099 23:59:59 GMT']) {
    const busy = { _tag: 'Left', left: serviceError(503, 'SlowDown', { 'retry-after': after }) } as const
    const inside = createScripted(busy, E.right('no'))
    const result = withTimeout(2000)((within) => withRetries(within)(inside.send)(request, newCall()))(
      client
    )()
    t.ok(await settlesWithin(50, result))
    t.match(await result, { left: { ...busy.left, context: { retriesEndedBy: 'deadline' } } })
    t.equal(inside.calls.length, 1)
  }
})

t.test('a closed connection is retried at once, and only the first time', async (t) => {
  const client = clientOf(
    t,
    '127.0.0.1:1'
  )({
    retry: { base: 3_600_000, cap: 3_600_000, random: () => 0.9 }
  })
  const closed = E.left(transportError('ECONNRESET'))
  const inside = createScripted(closed, E.right('done'))
  t.same(await withRetries(client)(inside.send)(request, newCall())(), E.right('done'))
  const again = createScripted(closed)
  const limited = withTimeout(1000)((within) => withRetries(within)(again.send)(request, newCall()))
  t.match(await limited(client)(), { left: { code: 'ECONNRESET', context: { retriesEndedBy: 'deadline' } } })
  t.equal(again.calls.length, 2)
})

t.test('calls that fail share the budget of their client; withRetry opts out', async (t) => {
  const client = clientOf(
    t,
    '127.0.0.1:1'
  )({
    retry: { base: 0, budget: createRetryBudget({ capacity: 10 }) }
  })
  const inside = createScripted(slowDown)
  const calls = Array.from({ length: 100 }, () => withRetries(client)(inside.send)(request, newCall())())
  const results = await Promise.all(calls)
  t.equal(inside.calls.length, 110)
  const last = results.at(-1)
  t.match(last, { left: { status: 503, context: { retriesEndedBy: 'budget' } } })
  t.match(
    last !== undefined && E.isLeft(last) ? formatError(last.left) : '',
    /retry budget of the client is used up$/
  )
  const free = createScripted(slowDown)
  await withRetry({ budget: unlimitedRetries })((within) =>
    withRetries(within)(free.send)(request, newCall())
  )(client)()
  t.equal(free.calls.length, 4)
})

t.test('a client has 100 retries, and successful calls add some', async (t) => {
  const client = clientOf(t, '127.0.0.1:1')({ retry: { base: 0 } })
  const retriesOf = async (calls: number): Promise<number> => {
    const inside = createScripted(slowDown)
    for (let n = 0; n < calls; n += 1) await withRetries(client)(inside.send)(request, newCall())()
    return inside.calls.length - calls
  }
  t.equal(await retriesOf(100), 100)
  const succeed = createScripted(E.right('done'))
  for (let n = 0; n < 50; n += 1) await withRetries(client)(succeed.send)(request, newCall())()
  t.equal(await retriesOf(100), 10)
})
