import fc from 'fast-check'
import t from 'tap'
import { isSafe, type BlockHolder } from '../../lib/stages/safe-state.js'

const permutations = (holdings: ReadonlyArray<BlockHolder>): ReadonlyArray<ReadonlyArray<BlockHolder>> =>
  holdings.length === 0
    ? [[]]
    : holdings.flatMap((first, at) =>
        permutations(holdings.filter((_, other) => other !== at)).map((rest) => [first, ...rest])
      )

const canFinish = (free: number, order: ReadonlyArray<BlockHolder>): boolean => {
  let available = free
  return order.every(({ held, max }) => {
    if (max - held > available) return false
    available += held
    return true
  })
}

t.test('a state is safe if some order lets every holder finish', async () => {
  const holding = fc
    .record({ held: fc.nat(6), need: fc.nat(6) })
    .map(({ held, need }) => ({ held, max: held + need }))
  fc.assert(
    fc.property(
      fc.nat(12),
      fc.array(holding, { maxLength: 5 }),
      (free, holdings) =>
        isSafe(free, holdings) === permutations(holdings).some((order) => canFinish(free, order))
    )
  )
})

t.test("Dijkstra's and Silberschatz's states: one safe, one unsafe", async (t) => {
  // A. Silberschatz, Operating System Concepts, 12 tapes: P0 5 of 10, P1 2 of 4, P2 2 of 9; and P2 with one more.
  const [p0, p1, p2] = [
    { held: 5, max: 10 },
    { held: 2, max: 4 },
    { held: 2, max: 9 }
  ]
  t.ok(isSafe(3, [p0, p1, p2]))
  t.notOk(isSafe(2, [p0, p1, { held: 3, max: 9 }]))
})

t.test('no holders are safe, and a negative number of free blocks is not', async (t) => {
  t.ok(isSafe(0, []))
  t.notOk(isSafe(-1, []))
})
