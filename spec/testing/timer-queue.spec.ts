import * as fc from 'fast-check'
import t from 'tap'
import { createTimerQueue, type QueuedTimer } from '../../lib/testing/timer-queue.js'

const input = fc.array(fc.record({ at: fc.integer({ min: 0, max: 9 }), isStopped: fc.boolean() }))

t.test(
  'timers leave in order of their time, then of their start, without those that were stopped',
  async (t) => {
    fc.assert(
      fc.property(input, (timers) => {
        const queue = createTimerQueue()
        const started = timers.map(({ at }) => queue.start({ at, then: () => undefined, keepsAlive: at > 4 }))
        for (const [index, { isStopped }] of timers.entries()) if (isStopped) queue.stop(started[index]!)
        const expected = started
          .filter(({ isStopped }) => !isStopped)
          .sort((a, b) => a.at - b.at || a.order - b.order)
        t.same(queue.count(), {
          all: expected.length,
          keepingAlive: expected.filter(({ keepsAlive }) => keepsAlive).length
        })
        const left: Array<QueuedTimer> = []
        for (let first = queue.first(); first !== undefined; first = queue.first()) {
          left.push({ ...first, isStopped: false })
          queue.stop(first)
        }
        return (
          JSON.stringify(left) === JSON.stringify(expected.map((each) => ({ ...each, isStopped: false })))
        )
      })
    )
  }
)

t.test('a stopped timer keeps no object of its function', (t) => {
  const queue = createTimerQueue()
  const then = (): void => undefined
  const [stopped, running] = [1000, 1].map((at) => queue.start({ at, then, keepsAlive: true }))
  queue.stop(stopped!)
  t.not(stopped?.then, then)
  t.equal(running?.then, then)
  t.end()
})
