import { setImmediate } from 'node:timers/promises'
import { pipe } from 'fp-ts/lib/function.js'
import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import t from 'tap'
import {
  initialState,
  createProgressWith,
  reportParts,
  reportBytes,
  progressAt,
  step,
  type ProgressSnapshot,
  type ProgressEvent
} from '../../lib/stages/progress.js'
import { yieldThenFail, from, toArray } from '../support/iterables.js'

/** The snapshot at `at`, after events at their times. */
const after = (at: number, ...events: ReadonlyArray<readonly [number, ProgressEvent]>): ProgressSnapshot =>
  pipe(
    events.reduce((state, [moment, event]) => step(event, moment)(state), initialState(0)),
    progressAt(at)
  )

const movedEvent = (size: number): ProgressEvent => ({ _tag: 'Moved', size })

/** A clock that a spec sets. */
const clockAt = (at: number) => {
  const clock = { at, read: () => clock.at }
  return clock
}

// -- the fold --
t.test('the first snapshot is empty', async (t) => {
  t.same(after(0), { transferred: 0, total: O.none, parts: { inFlight: 0, done: 0 }, rate: 0 })
})

t.test('a part is in flight from its start until it is done or has failed', async (t) => {
  const started: ProgressEvent = { _tag: 'PartStarted' }
  t.same(
    after(1, [0, started], [0, started], [0, started], [1, { _tag: 'PartDone' }], [1, { _tag: 'PartFailed' }])
      .parts,
    {
      inFlight: 1,
      done: 1
    }
  )
})

t.test('skipped bytes count as transferred, and not for the rate', async (t) => {
  t.same(after(1000, [0, { _tag: 'PartSkipped', size: 700 }], [0, { _tag: 'Expected', size: 1000 }]), {
    transferred: 700,
    total: O.some(1000),
    parts: { inFlight: 0, done: 1 },
    rate: 0
  })
})

t.test('the total is the sum of the Expected events', async (t) => {
  const expectedEvent = (size: number): ProgressEvent => ({ _tag: 'Expected', size })
  t.same(after(0, [0, expectedEvent(0)]).total, O.some(0))
  t.same(after(0, [0, expectedEvent(5)], [0, expectedEvent(7)]).total, O.some(12))
})

t.test('the rate is that of the last five seconds', async (t) => {
  // 1000 bytes every 100 ms, for 20 s; then 100 of them.
  const steady = Array.from({ length: 200 }, (_, n) => [n * 100, movedEvent(1000)] as const)
  const slow = Array.from({ length: 100 }, (_, n) => [20_000 + n * 100, movedEvent(100)] as const)
  const near = (rate: number, wanted: number) => Math.abs(rate - wanted) / wanted < 0.05
  t.ok(near(after(1000, ...steady.slice(0, 10)).rate, 10_000), 'before five seconds have passed')
  t.ok(near(after(20_000, ...steady).rate, 10_000))
  t.ok(near(after(22_500, ...steady, ...slow.slice(0, 25)).rate, 5500), 'half of it slow')
  t.ok(near(after(30_000, ...steady, ...slow).rate, 1000))
  t.ok(after(30_000, ...steady).rate < 500, 'where nothing moves it dwindles')
})

t.test('parts that take longer than five seconds each have a rate', async (t) => {
  const parts = Array.from({ length: 5 }, (_, n) => [(n + 1) * 8000, movedEvent(64_000)] as const)
  t.equal(after(40_000, ...parts).rate, 8000)
})

t.test('a state stays small after many events', async (t) => {
  let state = initialState(0)
  for (let at = 0; at < 100_000; at += 1) state = step(movedEvent(1), at)(state)
  t.equal(state.transferred, 100_000)
  t.ok(state.marks.length <= 12, String(state.marks.length))
  t.ok(Math.abs(progressAt(100_000)(state).rate - 1000) < 20)
})

// -- the progress --
t.test('a total that is known beforehand grows by each Expected event', async (t) => {
  const progress = createProgressWith({ total: O.some(10), clock: clockAt(0).read })
  t.same(progress.read().total, O.some(10))
  progress.report({ _tag: 'Expected', size: 5 })
  t.same(progress.read().total, O.some(15))
})

t.test('read returns the state at the moment of the call', async (t) => {
  const clock = clockAt(500)
  const progress = createProgressWith({ total: O.none, clock: clock.read })
  progress.report(movedEvent(100))
  clock.at = 1000
  t.match(progress.read(), { transferred: 100, rate: 200 })
})

t.test('a reader gets the newest snapshot at each read, and the last one at the end', async (t) => {
  const progress = createProgressWith({ total: O.none, clock: clockAt(0).read })
  const reader = progress[Symbol.asyncIterator]()
  t.match(await reader.next(), { value: { transferred: 0 } })
  for (let n = 0; n < 50; n += 1) progress.report(movedEvent(1))
  t.match(await reader.next(), { value: { transferred: 50 } })
  progress.report(movedEvent(1))
  progress.report(movedEvent(1))
  progress.end()
  t.match(await reader.next(), { value: { transferred: 52 } })
  t.match(await reader.next(), { done: true })
})

t.test('a reader waits without events, and two readers both get the snapshots', async (t) => {
  const progress = createProgressWith({ total: O.none, clock: clockAt(0).read })
  const both = [toArray(progress), toArray(progress)]
  await setImmediate()
  progress.report(movedEvent(1))
  await setImmediate()
  progress.report(movedEvent(1))
  await setImmediate()
  progress.end()
  for (const seen of await Promise.all(both))
    t.same(
      seen.map(({ transferred }) => transferred),
      [0, 1, 2, 2]
    )
  t.equal(
    (await toArray(progress)).at(-1)?.transferred,
    2,
    'an iteration that starts after the end yields the last state'
  )
})

t.test('a reader that stops early does not affect the progress', async (t) => {
  const progress = createProgressWith({ total: O.none, clock: clockAt(0).read })
  for await (const _ of progress) break
  progress.report(movedEvent(1))
  progress.end()
  t.equal(progress.read().transferred, 1)
})

// -- reportParts and reportBytes --
t.test('reportParts reports the start of a part, and its end or failure', async (t) => {
  const progress = createProgressWith({ total: O.none, clock: clockAt(0).read })
  const results = [E.right('etag'), E.left('no')]
  const during: Array<ProgressSnapshot> = []
  const send = reportParts(progress)((_: { readonly size: number }, __: AbortSignal) => async () => {
    during.push(progress.read())
    return results.shift() ?? E.left('none')
  })
  const { signal } = new AbortController()
  const sent = send({ size: 10 }, signal)
  t.same(progress.read().parts.inFlight, 0, 'not before it is called')
  t.same(await sent(), E.right('etag'))
  t.match(progress.read(), { transferred: 10, parts: { inFlight: 0, done: 1 } })
  t.same(await send({ size: 10 }, signal)(), E.left('no'))
  t.match(progress.read(), { transferred: 10, parts: { inFlight: 0, done: 1 } })
  t.same(
    during.map(({ parts }) => parts.inFlight),
    [1, 1]
  )
})

t.test('reportBytes reports bytes as they arrive, and passes errors unchanged', async (t) => {
  const progress = createProgressWith({ total: O.none, clock: clockAt(0).read })
  const { signal } = new AbortController()
  const chunks = (error: boolean) => {
    const bytes = [Buffer.alloc(3), Buffer.alloc(4)]
    return error ? yieldThenFail(new Error('reset'), ...bytes) : from(...bytes)
  }
  const fetch = reportBytes(progress)(chunks)
  const seen: Array<ProgressSnapshot> = []
  for await (const _ of fetch(false, signal)) seen.push(progress.read())
  t.match(seen, [
    { transferred: 3, parts: { inFlight: 1, done: 0 } },
    { transferred: 7, parts: { inFlight: 1, done: 0 } }
  ])
  t.match(progress.read().parts, { inFlight: 0, done: 1 })
  await t.rejects(toArray(fetch(true, signal)), { message: 'reset' })
  t.match(progress.read(), { transferred: 14, parts: { inFlight: 0, done: 1 } })
  for await (const _ of fetch(false, signal)) break
  t.match(progress.read().parts, { inFlight: 0, done: 1 }, 'a range that was left is not done')
})
