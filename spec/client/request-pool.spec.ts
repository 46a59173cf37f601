/** Slots for the requests of several transfers. */
import { setImmediate } from 'node:timers/promises'
import t from 'tap'
import { createRequestPool, type Lane, type Slot } from '../../lib/client/request-pool.js'
import { systemRuntime } from '../../lib/core/runtime.js'

/** A pool whose timers fire when `look` is called. */
const createPool = (max?: number) => {
  const timers = new Set<() => void>()
  const startTimer = (_: number, then: () => void): (() => void) => {
    timers.add(then)
    return () => timers.delete(then)
  }
  const pool = createRequestPool({ ...systemRuntime, startTimer }, max)
  return {
    pool,
    timers,
    look: () => {
      for (const then of [...timers]) {
        timers.delete(then)
        then()
      }
      return setImmediate()
    }
  }
}

/** Asks for slots. `granted` has those that were granted and have not been ended. */
const createSender = (lane: Lane) => {
  const granted: Array<Slot> = []
  return {
    granted,
    ask: (count: number) => {
      for (let n = 0; n < count; n += 1) void lane.acquire().then((slot) => granted.push(slot))
      return setImmediate()
    },
    end: (status = 200) => {
      granted.shift()?.end({ status, bytes: 0 })
      return setImmediate()
    }
  }
}

t.test('transfers that wait get equal numbers of slots, and no slot stays free', async (t) => {
  const { pool } = createPool(4)
  const [a, b, c] = [
    createSender(pool.openLane()),
    createSender(pool.openLane()),
    createSender(pool.openLane())
  ]
  const counts = () => [a, b, c].map(({ granted }) => granted.length)
  await a.ask(10)
  t.strictSame(counts(), [4, 0, 0], 'one transfer has all')
  await b.ask(10)
  await c.ask(1)
  await a.end()
  t.strictSame(counts(), [3, 1, 0], 'the one that has none, and of two the earlier')
  await a.end()
  t.strictSame(counts(), [2, 1, 1])
  await a.end()
  t.strictSame(counts(), [2, 1, 1], 'of equal ones the one that was granted a slot earlier')
  await c.end()
  t.strictSame(counts(), [2, 2, 0], 'a transfer that does not wait gets none')
  for (let n = 0; n < 30; n += 1) await [a, b, c][n % 3]?.end()
  t.strictSame(counts(), [0, 0, 0], 'all are served')
})

t.test('of transfers with equal numbers, the one that has waited longest is next', async (t) => {
  const { pool } = createPool(1)
  const senders = Array.from({ length: 5 }, () => createSender(pool.openLane()))
  for (const sender of senders) await sender.ask(3)
  const order: Array<number> = []
  for (let n = 0; n < 10; n += 1) {
    const at = senders.findIndex(({ granted }) => granted.length > 0)
    order.push(at)
    await senders[at]?.end()
  }
  t.strictSame(order, [0, 1, 2, 3, 4, 0, 1, 2, 3, 4])
})

t.test('successes raise the limit, 503 and 429 lower it, other failures do not', async (t) => {
  for (const [status, limit] of [
    [200, 5],
    [404, 5],
    [500, 4],
    [0, 4],
    [503, 2],
    [429, 2]
  ] as const) {
    const { pool } = createPool()
    const sender = createSender(pool.openLane())
    await sender.ask(10)
    await sender.end(status)
    t.equal(pool.limit(), limit, String(status))
  }
})

t.test('a slot is returned once, and without an outcome if nothing was sent', async (t) => {
  const { pool } = createPool(2)
  const sender = createSender(pool.openLane())
  await sender.ask(5)
  const [first] = sender.granted
  first?.end()
  first?.end({ status: 503, bytes: 0 })
  await setImmediate()
  t.equal(sender.granted.length, 3, 'one more')
  t.equal(pool.limit(), 2)
})

t.test('the slot of a response whose reader pauses is used for another request', async (t) => {
  const { pool, look, timers } = createPool(1)
  const sender = createSender(pool.openLane())
  await sender.ask(1)
  let received: number | undefined = 100
  sender.granted[0]?.watch(() => received)
  t.equal(timers.size, 0, 'nothing waits')
  await sender.ask(2)
  await look()
  received += 1
  await look()
  t.equal(sender.granted.length, 1, 'bytes still come')
  await look()
  t.equal(sender.granted.length, 2, 'the same bytes at two looks')
  received = undefined
  await look()
  sender.granted[1]?.end({ status: 200, bytes: 0 })
  await setImmediate()
  t.equal(sender.granted.length, 2, 'it reads again')
  sender.granted[0]?.end({ status: 200, bytes: 0 })
  await setImmediate()
  t.equal(sender.granted.length, 3)
  t.ok(timers.size <= 1)
})
