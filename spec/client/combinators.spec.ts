import { setTimeout } from 'node:timers/promises'
import * as E from 'fp-ts/lib/Either.js'
import * as TE from 'fp-ts/lib/TaskEither.js'
import t from 'tap'
import type { Client } from '../../lib/client/client.js'
import { withRetry, withSignal, withTimeout } from '../../lib/client/combinators.js'
import { clientOf } from '../support/server.js'

const signalsOf = (client: Client) => TE.right<never, ReadonlyArray<AbortSignal>>(client.signals)

t.test('withSignal adds a signal to those of the client', async (t) => {
  const client = clientOf(t, '127.0.0.1:1')()
  const [first, second] = [new AbortController().signal, new AbortController().signal]
  t.same(await withSignal(first)(withSignal(second)(signalsOf))(client)(), E.right([first, second]))
})

t.test(
  'withTimeout fires a signal whose reason is the Timeout, and stops its timer after the effect',
  async (t) => {
    const client = clientOf(t, '127.0.0.1:1')()
    const slow = (within: Client) => async () => {
      await setTimeout(1000, undefined, { signal: within.signals[0] }).catch(() => undefined)
      return E.left<unknown>(within.signals[0]?.reason)
    }
    t.match(await withTimeout(20)(slow)(client)(), {
      left: { error: { _tag: 'Timeout', phase: 'overall', after: 20 } }
    })
    const result = await withTimeout(20)(signalsOf)(client)()
    await setTimeout(40)
    t.match(result, { right: [{ aborted: false }] })
  }
)

t.test('withRetry changes the fields that are given', async (t) => {
  const client = clientOf(t, '127.0.0.1:1')()
  const policy = withRetry({ attempts: 7 })((within) => within.retry)(client)
  t.same(policy, { ...client.retry, attempts: 7 })
})

t.test('withTimeout accepts Infinity and a month', async (t) => {
  const client = clientOf(t, '127.0.0.1:1')()
  for (const milliseconds of [Number.POSITIVE_INFINITY, 30 * 24 * 3_600_000]) {
    const isAborted = (within: Client) => async () => {
      await setTimeout(20)
      return E.right(within.signals[0]?.aborted)
    }
    t.same(await withTimeout(milliseconds)(isAborted)(client)(), E.right(false))
  }
})

t.test('withTimeout sets the deadline, and an inner one can only shorten it', async (t) => {
  const client = clientOf(t, '127.0.0.1:1')()
  const left = (within: Client) => TE.rightIO<never, number>(() => within.deadline - performance.now())
  t.equal(await TE.toUnion(left(client))(), Number.POSITIVE_INFINITY)
  const shorter = await TE.toUnion(withTimeout(60_000)(withTimeout(1000)(left))(client))()
  const longer = await TE.toUnion(withTimeout(1000)(withTimeout(60_000)(left))(client))()
  for (const milliseconds of [shorter, longer]) t.ok(milliseconds > 0 && milliseconds <= 1000)
})
