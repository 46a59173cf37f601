import fc from 'fast-check'
import t from 'tap'
import { createRetryBudget, unlimitedRetries } from '../../lib/client/retry-budget.js'

t.test('a budget ends after its capacity, and successes refill it', async (t) => {
  const budget = createRetryBudget({ capacity: 2, refill: 0.5 })
  t.same([budget.take(), budget.take(), budget.take()], [true, true, false])
  budget.succeed(0)
  t.notOk(budget.take())
  budget.succeed(0)
  t.ok(budget.take())
  budget.succeed(3)
  t.same([budget.take(), budget.take()], [true, false])
})

t.test('retries are at most the capacity and the refill of each success, in any order', async () => {
  const event = fc.record({ retries: fc.nat(3), isSuccess: fc.boolean() })
  fc.assert(
    fc.property(
      fc.nat(20),
      fc.double({ min: 0, max: 1, noNaN: true }),
      fc.array(event),
      (capacity, refill, events) => {
        const budget = createRetryBudget({ capacity, refill })
        let sent = 0
        let added = 0
        for (const { retries, isSuccess } of events) {
          let taken = 0
          while (taken < retries && budget.take()) taken += 1
          sent += taken
          if (!isSuccess) continue
          budget.succeed(taken)
          added += taken > 0 ? 1 : refill
        }
        return sent <= capacity + added + 1e-6
      }
    )
  )
})

t.test('an unlimited budget never ends', async (t) => {
  t.ok(Array.from({ length: 1000 }, () => unlimitedRetries.take()).every(Boolean))
})
