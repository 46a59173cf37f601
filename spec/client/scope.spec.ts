import * as E from 'fp-ts/lib/Either.js'
import t from 'tap'
import { contextWithoutObject } from '../../lib/core/error.js'
import { sleep } from '../../lib/core/runtime.js'
import { scopedWithCleanup } from '../../lib/client/scope.js'
import { createVirtualTime } from '../../lib/testing/virtual-time.js'
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
    [20, true],
    [30, false]
  ] as const) {
    const { runtime, advance, runUntilIdle, elapsed } = createVirtualTime()
    const controller = new AbortController()
    const client = { ...clientOf(t, '127.0.0.1:1')({ runtime }), signals: [controller.signal] }
    let isCleared = false
    const running = scopedWithCleanup(client, context, async ({ controller: { signal } }) => {
      await sleep(runtime, 60_000, signal).catch(() => undefined)
      await sleep(runtime, takes)
      isCleared = true
      return E.right(undefined)
    })
    const settled = running.then((result) => ({ result, at: elapsed(), isCleared }))
    await advance(10)
    controller.abort()
    await runUntilIdle()
    t.match(await settled, {
      result: { left: { _tag: 'Aborted' } },
      at: cleared ? 30 : 35,
      isCleared: cleared
    })
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
