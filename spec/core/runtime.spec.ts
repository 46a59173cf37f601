import { setTimeout } from 'node:timers/promises'
import t from 'tap'
import { sleep, systemRuntime } from '../../lib/core/runtime.js'

const { startTimer } = systemRuntime

t.test('a timer longer than 2^31 ms is armed again, and an infinite timer is none', async (t) => {
  const month = 30 * 24 * 3_600_000
  const times: Array<number> = []
  const { setTimeout: original } = globalThis
  t.teardown(() => {
    globalThis.setTimeout = original
  })
  globalThis.setTimeout = ((then: () => void, after: number) => {
    times.push(after)
    return original(then, 1)
  }) as typeof globalThis.setTimeout
  let count = 0
  const fired = new Promise<void>((resolve) => {
    startTimer(month, () => {
      count += 1
      resolve()
    })
  })
  startTimer(Number.POSITIVE_INFINITY, () => (count += 1))
  await fired
  t.same([times, count], [[2 ** 31 - 1, month - (2 ** 31 - 1)], 1])
})

t.test('a stopped timer does not fire', async (t) => {
  let isFired = false
  startTimer(5, () => (isFired = true))()
  await setTimeout(20)
  t.notOk(isFired)
})

t.test('sleep resolves after its time, and rejects with the reason of its signal', async (t) => {
  const start = systemRuntime.elapsed()
  await sleep(systemRuntime, 20)
  t.ok(systemRuntime.elapsed() - start >= 19)
  const controller = new AbortController()
  const slept = sleep(systemRuntime, 60_000, controller.signal)
  controller.abort(new Error('now'))
  await t.rejects(slept, { message: 'now' })
  await t.rejects(sleep(systemRuntime, 60_000, controller.signal), { message: 'now' })
})
