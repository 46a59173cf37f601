import { setImmediate, setTimeout } from 'node:timers/promises'
import fc from 'fast-check'
import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import t from 'tap'
import {
  blockSize,
  createMemoryBudget,
  inBlocks,
  type MemoryBudget,
  type Reservation
} from '../../lib/stages/memory-budget.js'
import { collectGarbage } from '../support/gc.js'

const blocks = (count: number): number => count * blockSize

/** A lease that must be there. */
const granted = async (budget: MemoryBudget, bytes: number): Promise<Reservation> => {
  const lease = await budget.reserve(bytes)()
  if (E.isLeft(lease)) throw new Error(lease.left._tag)
  return lease.right
}

/** Whether a promise has settled, a turn of the loop from now. */
const isSettled = async (promise: Promise<unknown>): Promise<boolean> => {
  const pending = Symbol('pending')
  await setImmediate()
  return (await Promise.race([promise, Promise.resolve(pending)])) !== pending
}

t.test('200 uploads that share 128 MiB never exceed it, are served in turn, and all finish', async (t) => {
  const limit = 128 * 1024 * 1024
  const budget = createMemoryBudget({ limit })
  const order: Array<number> = []
  let most = 0
  await Promise.all(
    Array.from({ length: 200 }, async (_, upload) => {
      // As an upload has it: a part is acknowledged while the next ones wait to be cut.
      const acknowledged: Array<Promise<void>> = []
      for (let part = 0; part < 5; part += 1) {
        const lease = await granted(budget, 8 * 1024 * 1024)
        if (part === 0) order.push(upload)
        most = Math.max(most, budget.granted())
        acknowledged.push(setTimeout(2).then(lease.release))
      }
      await Promise.all(acknowledged)
    })
  )
  t.equal(most, limit, 'all of it was used, and no more')
  t.equal(budget.granted(), 0)
  t.same(
    order,
    Array.from({ length: 200 }, (_, n) => n)
  )
})

t.test('whatever is asked for, and given back when, the limit holds and all are served in turn', async () => {
  const asked = fc.array(fc.record({ size: fc.integer({ min: 0, max: 9 }), turns: fc.nat(4) }), {
    maxLength: 40
  })
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 9, max: 30 }), asked, async (limit, leases) => {
      const budget = createMemoryBudget({ limit: blocks(limit) })
      const served: Array<number> = []
      let most = 0
      await Promise.all(
        leases.map(async ({ size, turns }, n) => {
          const lease = await granted(budget, blocks(size))
          served.push(n)
          most = Math.max(most, budget.granted())
          for (let taken = 0; taken < size; taken += 1) lease.take()
          for (let turn = 0; turn < turns; turn += 1) await setImmediate()
          lease.release()
        })
      )
      return (
        most <= blocks(limit) &&
        budget.granted() === 0 &&
        served.length === leases.length &&
        served.every((n, at) => n === at)
      )
    })
  )
})

t.test('a small request does not pass a large one that waits', async (t) => {
  const budget = createMemoryBudget({ limit: blocks(4) })
  const first = await granted(budget, blocks(3))
  const large = granted(budget, blocks(4))
  const small = granted(budget, blocks(1))
  t.equal(await isSettled(small), false)
  first.release()
  t.equal((await large).size(), blocks(4))
  t.equal(await isSettled(small), false)
  ;(await large).release()
  t.equal((await small).size(), blocks(1))
})

t.test('a part larger than the whole budget is told so, and nobody waits behind it', async (t) => {
  const budget = createMemoryBudget({ limit: blocks(4) + 1 })
  t.equal(budget.limit, blocks(4), 'what is less than a block is of no use')
  t.same(
    await budget.reserve(blocks(4) + 1)(),
    E.left({ _tag: 'TooLarge', bytes: blocks(4) + 1, largest: blocks(4) })
  )
  t.ok(E.isRight(await budget.reserve(blocks(4))()))
})

t.test('a budget for some parts has room for as many, whatever their size', async (t) => {
  for (const size of [1, 1000, blockSize, blockSize + 1, 5 * blockSize - 1]) {
    const budget = createMemoryBudget({ limit: 4 * inBlocks(size) })
    for (let part = 1; part <= 4; part += 1) await granted(budget, size)
    t.equal(budget.granted(), budget.limit)
    t.equal(await isSettled(granted(budget, 1)), false)
  }
})

t.test('nothing is asked for until the task is called', async (t) => {
  const budget = createMemoryBudget({ limit: blocks(4) })
  const asking = budget.reserve(blocks(1))
  t.equal(budget.granted(), 0)
  await asking()
  await asking()
  t.equal(budget.granted(), blocks(2))
})

// -- aborts --
t.test('an aborted wait leaves the queue, and lets those behind it pass', async (t) => {
  const budget = createMemoryBudget({ limit: blocks(4) })
  const first = await granted(budget, blocks(3))
  const stop = new AbortController()
  const large = budget.reserve(blocks(4), stop.signal)()
  const small = granted(budget, blocks(1))
  t.equal(await isSettled(small), false)
  stop.abort('enough')
  t.same(await large, E.left({ _tag: 'Aborted', reason: 'enough' }))
  t.equal((await small).size(), blocks(1))
  first.release()
  t.equal(budget.granted(), blocks(1), 'and nothing is granted to who has left')
})

t.test(
  'a signal that fired already is told at once, and one that fires later takes nothing back',
  async (t) => {
    const budget = createMemoryBudget({ limit: blocks(4) })
    t.same(
      await budget.reserve(blocks(1), AbortSignal.abort('before'))(),
      E.left({ _tag: 'Aborted', reason: 'before' })
    )
    const stop = new AbortController()
    const waited = await granted(budget, blocks(4))
    const asked = budget.reserve(blocks(4), stop.signal)()
    waited.release()
    t.ok(E.isRight(await asked))
    stop.abort()
    t.equal(budget.granted(), blocks(4))
  }
)

// -- blocks --
t.test('memory is allocated when it is taken, not when it is granted', async (t) => {
  const budget = createMemoryBudget({ limit: 1024 * blocks(1) })
  const before = process.memoryUsage().arrayBuffers
  const lease = await granted(budget, budget.limit)
  t.ok(process.memoryUsage().arrayBuffers - before < blocks(4), 'granted')
  const taken = Array.from({ length: 8 }, () => lease.take())
  t.ok(process.memoryUsage().arrayBuffers - before >= blocks(8), 'taken')
  t.equal(taken.length, 8)
  lease.release()
})

t.test('a block given back is the next one taken', async (t) => {
  const budget = createMemoryBudget({ limit: blocks(4) })
  const first = await granted(budget, blocks(2))
  const used = new Set([first.take(), first.take()])
  t.equal(used.size, 2)
  first.release()
  const next = await granted(budget, blocks(3))
  t.ok(used.delete(next.take()))
  t.ok(used.delete(next.take()))
  t.equal(next.take().length, blockSize, 'and where there is none, a new one')
})

t.test('parts one after another leave no garbage, and what is left at the end is collected', async (t) => {
  const budget = createMemoryBudget({ limit: blocks(64) })
  await collectGarbage()
  const before = process.memoryUsage().arrayBuffers
  let most = 0
  for (let part = 0; part < 200; part += 1) {
    const lease = await granted(budget, blocks(32))
    for (let taken = 0; taken < 32; taken += 1) lease.take()
    await setImmediate()
    most = Math.max(most, process.memoryUsage().arrayBuffers - before)
    lease.release()
  }
  t.ok(most < blocks(34), `${String(most)} bytes at the most`)
  await collectGarbage()
  t.ok(process.memoryUsage().arrayBuffers - before < blocks(2))
})

t.test('no more is taken than was granted, and nothing after it was given back', async (t) => {
  const budget = createMemoryBudget({ limit: blocks(8) })
  const lease = await granted(budget, blocks(1) + 1)
  t.equal(lease.size(), blocks(2))
  lease.take()
  lease.take()
  t.throws(() => lease.take(), /more blocks/)
  lease.release()
  t.throws(() => lease.take(), /more blocks/)
  t.equal(lease.size(), 0)
})

t.test('what is not needed can be given back early, but not what was taken', async (t) => {
  const budget = createMemoryBudget({ limit: blocks(6) })
  const lease = await granted(budget, blocks(6))
  lease.take()
  lease.take()
  const waiting = granted(budget, blocks(3))
  lease.shrink(blocks(3) + 1)
  t.equal(lease.size(), blocks(4))
  t.equal(await isSettled(waiting), false)
  lease.shrink(0)
  t.equal(lease.size(), blocks(2))
  t.equal((await waiting).size(), blocks(3))
  lease.shrink(blocks(6))
  t.equal(lease.size(), blocks(2), 'and it never grows again')
})

t.test('what was given back twice was given back once', async (t) => {
  const budget = createMemoryBudget({ limit: blocks(4) })
  const lease = await granted(budget, blocks(2))
  lease.take()
  const other = await granted(budget, blocks(2))
  lease.release()
  lease.release()
  lease.shrink(0)
  t.equal(budget.granted(), blocks(2))
  const blocksOf = new Set([other.take(), other.take()])
  t.equal(blocksOf.size, 2, 'and no block is lent twice')
})

// -- reading ahead --
t.test('what is read ahead never takes the share that parts may need', async (t) => {
  const budget = createMemoryBudget({ limit: blocks(8), ahead: blocks(4) })
  t.equal(budget.largest, blocks(4))
  const ahead = [budget.reserveAhead(blocks(3)), budget.reserveAhead(blocks(1))]
  t.ok(ahead.every(O.isSome))
  t.ok(O.isNone(budget.reserveAhead(1)), 'its share is used up')
  // The reader of those may be an upload that asks for memory first. It must not wait.
  const part = await granted(budget, blocks(4))
  t.equal(budget.granted(), blocks(8))
  t.same(
    await budget.reserve(blocks(5))(),
    E.left({ _tag: 'TooLarge', bytes: blocks(5), largest: blocks(4) })
  )
  part.release()
  if (O.isSome(ahead[1]!)) ahead[1].value.release()
  t.ok(O.isSome(budget.reserveAhead(blocks(1))))
})

t.test('nobody reads ahead of a part that waits', async (t) => {
  const budget = createMemoryBudget({ limit: blocks(8), ahead: blocks(4) })
  const parts = [await granted(budget, blocks(4)), await granted(budget, blocks(3))]
  const waiting = granted(budget, blocks(2))
  t.ok(O.isNone(budget.reserveAhead(blocks(1))))
  parts[0]!.release()
  await waiting
  t.ok(O.isSome(budget.reserveAhead(blocks(1))))
})

t.test('without a share of its own, nothing is read ahead', async (t) => {
  t.ok(O.isNone(createMemoryBudget({ limit: blocks(8) }).reserveAhead(1)))
})
