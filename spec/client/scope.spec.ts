import { setTimeout } from 'node:timers/promises'
import * as E from 'fp-ts/lib/Either.js'
import t from 'tap'
import { contextWithoutObject } from '../../lib/core/error.js'
import { scopedWithCleanup } from '../../lib/client/scope.js'
import { settlesWithin } from '../support/settles-within.js'
import { clientOf, left } from '../support/server.js'

const context = contextWithoutObject('spec')

t.test(
  'scopedWithCleanup returns the result of its function, and what that throws as an error',
  async (t) => {
    const client = clientOf(t, '127.0.0.1:1')()
    t.same(await scopedWithCleanup(client, context, () => Promise.resolve(E.right(7))), E.right(7))
    t.match(left(await scopedWithCleanup(client, context, () => Promise.reject(new Error('disk')))), {
      _tag: 'TransportError',
      cause: { message: 'disk' }
    })
  }
)

t.test('an aborted scopedWithCleanup waits for a short cleanup, and not for a long one', async (t) => {
  for (const [takes, cleared] of [
    [5, true],
    [2000, false]
  ] as const) {
    const controller = new AbortController()
    const client = { ...clientOf(t, '127.0.0.1:1')(), signals: [controller.signal] }
    const over = new AbortController()
    let isCleared = false
    const running = scopedWithCleanup(client, context, async ({ controller: { signal } }) => {
      await setTimeout(60_000, undefined, { signal }).catch(() => undefined)
      await setTimeout(takes, undefined, { signal: over.signal }).catch(() => undefined)
      isCleared = true
      return E.right(undefined)
    })
    await setTimeout(10)
    controller.abort()
    t.ok(await settlesWithin(50, running))
    t.match(left(await running), { _tag: 'Aborted' })
    t.equal(isCleared, cleared)
    over.abort()
  }
})

t.test('scopedWithCleanup does nothing if a signal has fired already', async (t) => {
  const client = { ...clientOf(t, '127.0.0.1:1')(), signals: [AbortSignal.abort()] }
  let began = false
  const result = await scopedWithCleanup(client, context, () => {
    began = true
    return Promise.resolve(E.right(undefined))
  })
  t.match(left(result), { _tag: 'Aborted' })
  t.notOk(began)
})
