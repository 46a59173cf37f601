import { readFile } from 'node:fs/promises'
import { setImmediate } from 'node:timers/promises'
import * as E from 'fp-ts/lib/Either.js'
import t from 'tap'
import { createClient } from '../../lib/client/client.js'
import { withTimeout } from '../../lib/client/combinators.js'
import { unlimitedRetries } from '../../lib/client/retry-budget.js'
import { send } from '../../lib/client/send.js'
import { sleep } from '../../lib/core/runtime.js'
import { headObject } from '../../lib/operations/head-object.js'
import { createFakeService, createVirtualTime, type FakeRequest } from '../../lib/testing/index.js'
import { isLongForm } from '../support/long-form.js'
import { credentials, left, right } from '../support/server.js'

const bucket = 'examplebucket-1250000000'
const hour = 3_600_000

t.test('run returns the result of its task, and time jumps from timer to timer', async (t) => {
  const time = createVirtualTime()
  const before = performance.now()
  const result = await time.run(async () => {
    await sleep(time.runtime, hour)
    await sleep(time.runtime, 30 * 24 * hour)
    return time.elapsed()
  })
  t.equal(result, 721 * hour)
  t.equal(new Date(time.runtime.now()).toISOString(), '2026-01-31T01:00:00.000Z')
  t.ok(performance.now() - before < 5000)
  t.equal(time.pendingTimers(), 0)
})

t.test('run passes on an error, and rejects if the task waits for no timer', async (t) => {
  const time = createVirtualTime()
  await t.rejects(
    time.run(() => Promise.reject(new Error('failed'))),
    { message: 'failed' }
  )
  await t.rejects(
    time.run(() => new Promise(() => undefined)),
    { message: /no timer is left/ }
  )
})

t.test('a timer fires after all code that waits for promises, setImmediate or files', async (t) => {
  const time = createVirtualTime()
  const events: Array<string> = []
  const work = async (): Promise<void> => {
    for (let at = 0; at < 5; at += 1) await setImmediate()
    await readFile(import.meta.filename)
    events.push('work')
  }
  await time.run(() => Promise.all([sleep(time.runtime, 1).then(() => events.push('timer')), work()]))
  t.same(events, ['work', 'timer'])
})

t.test(
  'advance fires the timers of a span in order, and those of one instant in order of their start',
  async (t) => {
    const time = createVirtualTime()
    const fired: Array<string> = []
    const start = (name: string, milliseconds: number): (() => void) =>
      time.runtime.startTimer(milliseconds, () => {
        fired.push(`${name} ${String(time.elapsed())}`)
        if (name === 'first') start('nested', 5)
      })
    start('late', 100)
    start('second', 10)
    start('first', 5)
    start('third', 10)
    start('stopped', 10)()
    start('never', Number.POSITIVE_INFINITY)
    await time.advance(99)
    t.same(fired, ['first 5', 'second 10', 'third 10', 'nested 10'])
    t.equal(time.elapsed(), 99)
    await time.advance(1)
    t.equal(fired.at(-1), 'late 100')
  }
)

t.test('runUntilIdle leaves timers that keep no process alive', async (t) => {
  const time = createVirtualTime()
  time.runtime.startTimer(1000, () => undefined, { keepsAlive: false })
  time.runtime.startTimer(10, () => undefined)
  await time.runUntilIdle()
  t.same([time.elapsed(), time.pendingTimers()], [10, 1])
})

t.test('the same seed gives the same random numbers and bytes', async (t) => {
  const draw = (seed: number) => {
    const { runtime } = createVirtualTime({ seed })
    return [runtime.random(), runtime.random(), ...runtime.randomBytes(4)]
  }
  t.same(draw(7), draw(7))
  t.not(draw(7)[0], draw(8)[0])
})

/** The calls of a client whose service is down for the first hour. */
const outage = async (calls: number) => {
  const time = createVirtualTime()
  const sent: Array<number> = []
  const respond = ({ headers }: FakeRequest) => {
    sent.push(time.elapsed())
    if (headers['authorization'] === undefined) return { status: 403 }
    return time.elapsed() < hour
      ? { status: 503, delay: 40 }
      : { status: 200, delay: 40, headers: { etag: '"e"', 'last-modified': 'Thu, 01 Jan 2026 00:00:00 GMT' } }
  }
  const client = right(
    createClient({
      region: 'ap-guangzhou',
      credentials,
      runtime: time.runtime,
      dispatcher: createFakeService(time.runtime, respond),
      timeouts: { overall: 12 * hour },
      retry: { attempts: 20, base: 600_000, cap: hour, budget: unlimitedRetries }
    })
  )
  const results = await time.run(() =>
    Promise.all(
      Array.from({ length: calls }, (_, at) => send(headObject({ bucket, key: String(at) }))(client)())
    )
  )
  return { time, sent, results }
}

t.test('1,000 calls retry through an outage of an hour, and their retries spread over it', async (t) => {
  const { time, sent, results } = await outage(isLongForm ? 1000 : 50)
  t.ok(results.every(E.isRight))
  t.ok(time.elapsed() > hour && time.elapsed() < 2 * hour + 1000, `${String(time.elapsed())} ms`)
  const inTenMinutes = Array.from(
    { length: 6 },
    (_, at) => sent.filter((when) => when >= 1000 && Math.floor(when / (hour / 6)) === at).length
  )
  t.ok(
    Math.max(...inTenMinutes) < results.length * 1.5,
    `retries each ten minutes: ${inTenMinutes.join(' ')}`
  )
  t.equal(time.pendingTimers(), 0, 'no timer is left behind')
  t.same((await outage(5)).sent, (await outage(5)).sent, 'the same seed, the same run')
})

t.test('a timeout of a client ends a call at its exact time', async (t) => {
  const time = createVirtualTime()
  const client = right(
    createClient({
      region: 'ap-guangzhou',
      credentials,
      runtime: time.runtime,
      dispatcher: createFakeService(time.runtime, () => ({})),
      retry: { attempts: 2, random: () => 0.5 }
    })
  )
  const call = send(headObject({ bucket, key: 'k' }))
  t.match(left(await time.run(call(client))), { _tag: 'Timeout', phase: 'headers', context: { attempts: 2 } })
  t.equal(time.elapsed(), 60_000 + 100 + 60_000)
  t.match(left(await time.run(withTimeout(1000)(call)(client))), { _tag: 'Timeout', phase: 'overall' })
  t.equal(time.elapsed(), 121_100)
})
