import { setTimeout } from 'node:timers/promises'
import t from 'tap'
import { coalesce } from '../../lib/files/coalesce.js'

t.test('calls during a run share one run after it', async (t) => {
  let begun = 0
  let ended = 0
  const call = coalesce(async () => {
    begun += 1
    await setTimeout(5)
    ended += 1
  })
  const first = call()
  await setTimeout(1)
  const others = [call(), call(), call()]
  t.equal(begun, 1)
  await first
  t.equal(ended, 1)
  await Promise.all(others)
  t.equal(ended, 2)
  await call()
  t.equal(begun, 3)
})

t.test('after a failed run all later calls fail, and the task does not run again', async (t) => {
  let runs = 0
  const call = coalesce(() => {
    runs += 1
    return Promise.reject(new Error('disk'))
  })
  await t.rejects(call(), { message: 'disk' })
  await t.rejects(call(), { message: 'disk' })
  t.equal(runs, 1)
})
