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
  type Reservation,
  type ReservationError
} from '../../lib/stages/memory-budget.js'
import { collectGarbage } from '../support/gc.js'
import { isLongForm } from '../support/long-form.js'

const blocks = (count: number): number => count * blockSize

/** A reservation that is small enough. */
const reserve = (budget: MemoryBudget, count: number): Reservation => {
  const reservation = budget.reserve(blocks(count))
  if (E.isLeft(reservation)) throw new Error(reservation.left._tag)
  return reservation.right
}

/** Takes so many blocks, one after another. */
const take = async (
  reservation: Reservation,
  count: number,
  signal?: AbortSignal
): Promise<E.Either<ReservationError, ReadonlyArray<Uint8Array>>> => {
  const taken: Array<Uint8Array> = []
  for (let n = 0; n < count; n += 1) {
    const block = await reservation.take(signal)()
    if (E.isLeft(block)) return block
    taken.push(block.right)
  }
  return E.right(taken)
}

/** A reservation of `max` blocks that holds `count` of them. */
const reserveAndTake = async (budget: MemoryBudget, count: number, max = count): Promise<Reservation> => {
  const reservation = reserve(budget, max)
  const taken = await take(reservation, count)
  if (E.isLeft(taken)) throw new Error(taken.left._tag)
  return reservation
}

/** Whether a promise has settled, a turn of the loop from now. */
const isSettled = async (promise: Promise<unknown>): Promise<boolean> => {
  const pending = Symbol('pending')
  await setImmediate()
  return (await Promise.race([promise, Promise.resolve(pending)])) !== pending
}

// -- holding --
t.test('a reservation holds the blocks that were taken, and no memory before', async (t) => {
  const budget = createMemoryBudget({ limit: blocks(1024) })
  // Otherwise buffers of before are freed meanwhile.
  await collectGarbage()
  const before = process.memoryUsage().arrayBuffers
  const reservation = reserve(budget, 1024)
  t.equal(budget.granted(), 0)
  await take(reservation, 8)
  t.equal(reservation.size(), blocks(8))
  t.equal(budget.granted(), blocks(8))
  t.ok(process.memoryUsage().arrayBuffers - before >= blocks(8))
  reservation.release()
  reservation.release()
  t.equal(budget.granted(), 0)
  t.equal(reservation.size(), 0)
})

t.test(
  'twelve silent uploads that hold one block each do not keep a thirteenth from its memory',
  async (t) => {
    const budget = createMemoryBudget({ limit: blocks(256), ahead: blocks(128) })
    for (let n = 0; n < 12; n += 1) await reserveAndTake(budget, 1, 32)
    t.ok(E.isRight(await take(reserve(budget, 32), 32)))
  }
)

t.test('no more blocks are taken than were reserved, and none after seal or release', async (t) => {
  const budget = createMemoryBudget({ limit: blocks(8) })
  const [full, sealed, released] = [reserve(budget, 1), reserve(budget, 2), reserve(budget, 2)]
  await take(full, 1)
  sealed.seal()
  released.release()
  for (const reservation of [full, sealed, released]) {
    await t.rejects(reservation.take()(), { message: /more blocks/ })
  }
})

t.test('a reservation larger than the budget is refused', async (t) => {
  const budget = createMemoryBudget({ limit: blocks(4) + 1 })
  t.equal(budget.limit, blocks(4), 'whole blocks')
  t.same(
    budget.reserve(blocks(4) + 1),
    E.left({ _tag: 'TooLarge', bytes: blocks(4) + 1, largest: blocks(4) })
  )
})

t.test('inBlocks: a budget for some parts has memory for as many, whatever their size', async (t) => {
  for (const size of [1, 1000, blockSize, blockSize + 1, 5 * blockSize - 1]) {
    const budget = createMemoryBudget({ limit: 4 * inBlocks(size) })
    const parts = [1, 2, 3, 4].map(() => reserveAndTake(budget, inBlocks(size) / blockSize))
    const [first] = await Promise.all(parts)
    t.equal(budget.granted(), budget.limit)
    const waiting = take(reserve(budget, 1), 1)
    t.notOk(await isSettled(waiting))
    first?.release()
    t.ok(E.isRight(await waiting))
  }
})

// -- waiting --
const uploads = isLongForm ? 200 : 60

t.test(
  `${String(uploads)} uploads that share 128 MiB never exceed it, start in turn, and all finish`,
  async (t) => {
    const budget = createMemoryBudget({ limit: blocks(512) })
    const order: Array<number> = []
    let most = 0
    await Promise.all(
      Array.from({ length: uploads }, async (_, upload) => {
        for (let part = 0; part < (isLongForm ? 5 : 2); part += 1) {
          const reservation = reserve(budget, 32)
          await take(reservation, 1)
          if (part === 0) order.push(upload)
          await take(reservation, 31)
          reservation.seal()
          most = Math.max(most, budget.granted())
          await setTimeout(2)
          reservation.release()
        }
      })
    )
    t.ok(most <= budget.limit && most > budget.limit / 2, `${String(most)} of ${String(budget.limit)}`)
    t.equal(budget.granted(), 0)
    t.same(
      order,
      Array.from({ length: uploads }, (_, n) => n)
    )
  }
)

t.test('two holders that together need more than the limit do not wait for each other', async (t) => {
  const budget = createMemoryBudget({ limit: blocks(4) })
  const [one, other] = [reserve(budget, 3), reserve(budget, 3)]
  const fill = async (reservation: Reservation): Promise<void> => {
    t.ok(E.isRight(await take(reservation, 3)))
    reservation.seal()
    await setImmediate()
    reservation.release()
  }
  await Promise.all([fill(one), fill(other)])
  t.equal(budget.granted(), 0)
})

t.test('a new reservation does not pass one that waits to start', async (t) => {
  const budget = createMemoryBudget({ limit: blocks(4) })
  // It may need the three that are free.
  const first = await reserveAndTake(budget, 1, 4)
  const large = reserve(budget, 4)
  const started = take(large, 1)
  const small = take(reserve(budget, 1), 1)
  t.notOk(await isSettled(started))
  t.notOk(await isSettled(small))
  first.release()
  t.ok(E.isRight(await started))
  t.ok(E.isRight(await small))
})

t.test('a holder that waits is served before a new reservation', async (t) => {
  const budget = createMemoryBudget({ limit: blocks(4) })
  const [blocking, growing] = [await reserveAndTake(budget, 2), await reserveAndTake(budget, 2, 3)]
  const order: Array<string> = []
  const grown = take(growing, 1).then(() => order.push('holder'))
  const started = take(reserve(budget, 1), 1).then(() => order.push('new'))
  t.notOk(await isSettled(grown))
  blocking.release()
  await Promise.all([grown, started])
  t.same(order, ['holder', 'new'])
})

// -- aborts --
t.test('an aborted wait leaves the queue, and those behind it are served', async (t) => {
  const budget = createMemoryBudget({ limit: blocks(4) })
  await reserveAndTake(budget, 1, 4)
  const controller = new AbortController()
  const large = take(reserve(budget, 4), 1, controller.signal)
  const small = take(reserve(budget, 1), 1)
  t.notOk(await isSettled(small))
  controller.abort('enough')
  t.same(await large, E.left({ _tag: 'Aborted', reason: 'enough' }))
  t.ok(E.isRight(await small))
})

t.test('a signal that is already aborted takes nothing, and a later abort returns nothing', async (t) => {
  const budget = createMemoryBudget({ limit: blocks(4) })
  t.same(
    await reserve(budget, 1).take(AbortSignal.abort('before'))(),
    E.left({ _tag: 'Aborted', reason: 'before' })
  )
  const controller = new AbortController()
  t.ok(E.isRight(await take(reserve(budget, 4), 4, controller.signal)))
  controller.abort()
  t.equal(budget.granted(), blocks(4))
})

t.test('a wait ends if its reservation is released', async (t) => {
  const budget = createMemoryBudget({ limit: blocks(2) })
  const first = await reserveAndTake(budget, 2)
  const second = reserve(budget, 1)
  const waiting = take(second, 1)
  second.release()
  t.match(await waiting, E.left({ _tag: 'Aborted' }))
  first.release()
  t.equal(budget.granted(), 0)
})

// -- stalls --
t.test('a wait fails with Stalled if reservations that do not move leave too little', async (t) => {
  const budget = createMemoryBudget({ limit: blocks(4), stallTimeout: 40 })
  const silent = await reserveAndTake(budget, 3, 4)
  t.same(await take(reserve(budget, 4), 1), E.left({ _tag: 'Stalled', after: 40, stalled: blocks(3) }))
  t.equal(silent.size(), blocks(3), 'and the silent one keeps its memory')
})

t.test('a wait continues while a sealed reservation holds the memory', async (t) => {
  const budget = createMemoryBudget({ limit: blocks(4), stallTimeout: 20 })
  const sending = await reserveAndTake(budget, 3, 4)
  sending.seal()
  const waiting = take(reserve(budget, 4), 4)
  await setTimeout(80)
  sending.release()
  t.ok(E.isRight(await waiting))
})

t.test('if a silent holder makes two others wait, one fails and the other finishes', async (t) => {
  const budget = createMemoryBudget({ limit: blocks(16), stallTimeout: 40 })
  await reserveAndTake(budget, 1, 4)
  const [one, other] = [await reserveAndTake(budget, 6, 10), await reserveAndTake(budget, 6, 10)]
  const grow = async (reservation: Reservation): Promise<string> => {
    const grown = await take(reservation, 4)
    reservation.release()
    return E.isLeft(grown) ? grown.left._tag : 'Finished'
  }
  t.same((await Promise.all([grow(one), grow(other)])).sort(), ['Finished', 'Stalled'])
})

t.test(
  'for sources of any timing the limit holds, each wait ends, and only silent sources keep memory',
  async () => {
    const part = fc.record({
      max: fc.integer({ min: 1, max: 8 }),
      // Blocks after which the source is silent for ever; most sources are not.
      silentAfter: fc.option(fc.integer({ min: 0, max: 8 }), { freq: 4, nil: undefined }),
      turns: fc.nat(3)
    })
    const ahead = fc.array(fc.record({ size: fc.integer({ min: 1, max: 4 }), turns: fc.nat(4) }), {
      maxLength: 5
    })
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 12, max: 30 }),
        fc.array(part, { maxLength: 20 }),
        ahead,
        async (limit, parts, ranges) => {
          const budget = createMemoryBudget({ limit: blocks(limit), ahead: blocks(4), stallTimeout: 5 })
          const exceeding: Array<number> = []
          let silent = 0
          const rest = async (turns: number): Promise<void> => {
            for (let turn = 0; turn < turns; turn += 1) await setImmediate()
          }
          const upload = async ({ max, silentAfter, turns }: (typeof parts)[number]): Promise<void> => {
            const reservation = reserve(budget, max)
            for (let n = 0; n < max; n += 1) {
              if (n === silentAfter) {
                silent += reservation.size()
                return
              }
              await rest(turns)
              if (E.isLeft(await take(reservation, 1))) break
              if (budget.granted() > budget.limit) exceeding.push(budget.granted())
            }
            reservation.seal()
            await rest(turns)
            reservation.release()
          }
          const read = async ({ size, turns }: (typeof ranges)[number]): Promise<void> => {
            const range = budget.reserveAhead(blocks(size))
            if (budget.granted() > budget.limit) exceeding.push(budget.granted())
            await rest(turns)
            if (O.isSome(range)) range.value.release()
          }
          await Promise.all([...parts.map(upload), ...ranges.map(read)])
          return exceeding.length === 0 && budget.granted() === silent
        }
      )
    )
  }
)

t.test('if no source is silent, no wait fails, for any sizes', async () => {
  const part = fc.record({ max: fc.integer({ min: 1, max: 8 }), turns: fc.nat(3) })
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 8, max: 20 }),
      fc.array(part, { maxLength: 20 }),
      async (limit, parts) => {
        const budget = createMemoryBudget({ limit: blocks(limit) })
        const results = await Promise.all(
          parts.map(async ({ max, turns }) => {
            const reservation = reserve(budget, max)
            const taken = await take(reservation, max)
            for (let turn = 0; turn < turns; turn += 1) await setImmediate()
            reservation.release()
            return E.isRight(taken)
          })
        )
        return results.every(Boolean) && budget.granted() === 0
      }
    )
  )
})

// -- blocks --
t.test('consecutive parts create no garbage, and free blocks are collected at the end', async (t) => {
  const budget = createMemoryBudget({ limit: blocks(64) })
  await collectGarbage()
  const before = process.memoryUsage().arrayBuffers
  let most = 0
  for (let part = 0; part < 200; part += 1) {
    const reservation = await reserveAndTake(budget, 32)
    await setImmediate()
    most = Math.max(most, process.memoryUsage().arrayBuffers - before)
    reservation.release()
  }
  t.ok(most < blocks(34), `${String(most)} bytes at the most`)
  await collectGarbage()
  t.ok(process.memoryUsage().arrayBuffers - before < blocks(2))
})

t.test('no block has two owners', async (t) => {
  const budget = createMemoryBudget({ limit: blocks(4) })
  const first = await reserveAndTake(budget, 2)
  first.release()
  first.release()
  const [one, other] = [await take(reserve(budget, 2), 2), await take(reserve(budget, 2), 2)]
  if (E.isLeft(one) || E.isLeft(other)) return t.fail('no memory')
  t.equal(new Set([...one.right, ...other.right]).size, 4)
  return undefined
})

// -- without waiting --
t.test('reserveNow grants all blocks at once, and returns them for the next', async (t) => {
  const budget = createMemoryBudget({ limit: blocks(4) })
  const held = budget.reserveNow(blocks(2) + 1)
  if (O.isNone(held)) return t.fail('no memory')
  t.same(
    held.value.blocks.map(({ length }) => length),
    [blockSize, blockSize, blockSize]
  )
  t.equal(budget.granted(), blocks(3))
  t.ok(O.isNone(budget.reserveNow(blocks(2))), 'two are not free')
  const last = await reserveAndTake(budget, 1)
  const waiting = take(reserve(budget, 1), 1)
  t.notOk(await isSettled(waiting))
  held.value.release()
  held.value.release()
  const next = await waiting
  t.ok(E.isRight(next) && held.value.blocks.includes(next.right[0]!), 'the same memory')
  last.release()
  t.equal(budget.granted(), blocks(1))
  return undefined
})

t.test('reserveNow grants nothing while a part waits, and no more than the largest part', async (t) => {
  const budget = createMemoryBudget({ limit: blocks(8), ahead: blocks(4) })
  t.ok(O.isNone(budget.reserveNow(blocks(5))), 'more than the largest part')
  const part = await reserveAndTake(budget, 1, 4)
  const held = budget.reserveNow(blocks(4))
  if (O.isNone(held)) return t.fail('no memory')
  t.ok(E.isRight(await take(part, 3)))
  const waiting = take(reserve(budget, 2), 2)
  t.notOk(await isSettled(waiting))
  part.release()
  t.ok(E.isRight(await waiting))
  const another = take(reserve(budget, 3), 3)
  t.notOk(await isSettled(another))
  t.ok(O.isNone(budget.reserveNow(1)), 'two are free')
  held.value.release()
  t.ok(E.isRight(await another))
  t.ok(O.isSome(budget.reserveNow(1)))
  return undefined
})

// -- reading ahead --
t.test('reading ahead never uses the share that a part may need', async (t) => {
  const budget = createMemoryBudget({ limit: blocks(8), ahead: blocks(4) })
  t.equal(budget.largest, blocks(4))
  const ahead = [budget.reserveAhead(blocks(3)), budget.reserveAhead(blocks(1))]
  t.ok(ahead.every(O.isSome))
  t.ok(O.isNone(budget.reserveAhead(1)), 'its share is used up')
  // Their reader may be an upload that needs memory first.
  const part = await reserveAndTake(budget, 4)
  t.equal(budget.granted(), blocks(8))
  t.match(budget.reserve(blocks(5)), E.left({ _tag: 'TooLarge', largest: blocks(4) }))
  part.release()
  if (O.isSome(ahead[1]!)) ahead[1].value.release()
  t.ok(O.isSome(budget.reserveAhead(blocks(1))))
})

t.test('an ahead reservation shrinks to whole blocks and never grows', async (t) => {
  const budget = createMemoryBudget({ limit: blocks(8), ahead: blocks(4) })
  const ahead = budget.reserveAhead(blocks(4))
  if (O.isNone(ahead)) return t.fail('no memory')
  ahead.value.shrink(blocks(1) + 1)
  t.equal(ahead.value.size(), blocks(2))
  ahead.value.shrink(blocks(4))
  t.equal(budget.granted(), blocks(2))
  ahead.value.release()
  ahead.value.release()
  t.equal(budget.granted(), 0)
  return undefined
})

t.test(
  'nothing is read ahead while a part waits for memory, or if a started part could not finish',
  async (t) => {
    const budget = createMemoryBudget({ limit: blocks(8), ahead: blocks(4) })
    const [one, other] = [await reserveAndTake(budget, 3, 4), await reserveAndTake(budget, 1, 3)]
    t.ok(O.isNone(budget.reserveAhead(blocks(4))), 'a part needs one of the four free blocks')
    t.ok(O.isSome(budget.reserveAhead(blocks(2))))
    await take(one, 1)
    const waiting = take(other, 2)
    t.notOk(await isSettled(waiting))
    t.ok(O.isNone(budget.reserveAhead(blocks(1))))
    one.release()
    t.ok(E.isRight(await waiting))
  }
)

t.test('blocks that are kept for use count against the limit when memory is read ahead', async (t) => {
  const budget = createMemoryBudget({ limit: blocks(64), ahead: blocks(32) })
  const [most, one] = [await reserveAndTake(budget, 32), await reserveAndTake(budget, 1, 2)]
  const others = await reserveAndTake(budget, 31)
  most.release()
  others.release()
  await collectGarbage()
  const before = process.memoryUsage().arrayBuffers
  t.ok(O.isSome(budget.reserveAhead(blocks(32))))
  await collectGarbage()
  t.ok(before - process.memoryUsage().arrayBuffers >= blocks(31), 'free blocks are dropped')
  one.release()
})

t.test('without a share, nothing is read ahead', async (t) => {
  t.ok(O.isNone(createMemoryBudget({ limit: blocks(8) }).reserveAhead(1)))
})
