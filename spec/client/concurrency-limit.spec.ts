/** The limit over a simulated service, in virtual time. */
import t from 'tap'
import {
  adjustLimit,
  createLimit,
  maxAutoConcurrency,
  type ConcurrencyLimit
} from '../../lib/client/concurrency-limit.js'
import { randomFrom } from '../fuzz/seeded-random.js'
import { isLongForm } from '../support/long-form.js'

interface Service {
  /** Requests that it serves at the same time, by the time in milliseconds. */
  readonly capacity: (at: number) => number
  /** Milliseconds of a request, as a mean; each takes up to 30 % more or less. */
  readonly latency: number
  /** Requests per second that the link carries. Default: no limit. */
  readonly link?: number
}

interface Run {
  /** When each request succeeded. */
  readonly done: ReadonlyArray<number>
  readonly refused: number
  readonly limits: ReadonlyArray<readonly [at: number, limit: number]>
}

/** A client that always has requests to send. */
const simulate = ({ capacity, latency, link }: Service, until: number): Run => {
  const { below } = randomFrom('limit')
  const random = (): number => below(1e6) / 1e6
  const agenda: Array<{ readonly at: number; readonly then: () => void }> = []
  const plan = (at: number, then: () => void): void => {
    const before = agenda.findLastIndex((other) => other.at <= at)
    agenda.splice(before + 1, 0, { at, then })
  }
  let state: ConcurrencyLimit = createLimit()
  let now = 0
  let [inFlight, serving, refused, linkIsFreeAt] = [0, 0, 0, 0]
  const done: Array<number> = []
  const limits: Array<readonly [number, number]> = []
  const sendOne = (): void => {
    inFlight += 1
    if (serving >= capacity(now)) {
      const { refusals } = state
      plan(now + 2, () => {
        state = adjustLimit(state, { _tag: 'Refused', at: now, inFlight, refusals })
        refused += 1
        inFlight -= 1
      })
      return
    }
    serving += 1
    linkIsFreeAt = Math.max(linkIsFreeAt, now) + (link === undefined ? 0 : 1000 / link)
    plan(Math.max(now + latency * (0.7 + 0.6 * random()), linkIsFreeAt), () => {
      state = adjustLimit(state, { _tag: 'Succeeded', at: now, work: 1, inFlight })
      done.push(now)
      serving -= 1
      inFlight -= 1
    })
  }
  while (now < until) {
    while (inFlight < state.limit) sendOne()
    limits.push([now, state.limit])
    const next = agenda.shift()
    if (next === undefined) break
    now = next.at
    next.then()
  }
  return { done, refused, limits }
}

const countBetween = ({ done }: Run, from: number, to: number): number =>
  done.filter((at) => at >= from && at < to).length
const limitAt = ({ limits }: Run, time: number): number => limits.findLast(([at]) => at <= time)?.[1] ?? 0

/** Shares of the best goodput in each of three steps of 10 s, and of refused requests, if the first step began earlier. */
const follow = (latency: number, earlier: number) => {
  const steps = [4, 32, 8]
  const capacity = (at: number): number => steps[Math.floor((at + earlier) / 10_000) - 1] ?? steps[0] ?? 0
  const run = simulate({ capacity, latency }, 40_000 - earlier)
  const goodputs = steps.map((step, index) => {
    const start = (index + 1) * 10_000 - earlier
    return countBetween(run, start, start + 10_000) / ((step * 10_000) / latency)
  })
  return { goodputs, refused: run.refused / (run.refused + run.done.length) }
}

const mean = (values: ReadonlyArray<number>): number => values.reduce((a, b) => a + b, 0) / values.length

t.test('the limit follows a capacity of 4, 32, 8, with few refused requests', (t) => {
  // The time since the last probe, when the capacity changes, decides how soon the limit follows.
  const starts = isLongForm ? 20 : 3
  for (const [latency, least] of [
    [20, 0.9],
    [100, 0.87],
    [200, 0.85],
    [300, 0.78]
  ] as const) {
    if (latency === 20 && !isLongForm) continue
    const runs = Array.from({ length: starts }, (_, n) => follow(latency, 8000 + (n * 2000) / starts))
    for (const [index, capacity] of [4, 32, 8].entries()) {
      const got = mean(runs.map(({ goodputs }) => goodputs[index] ?? 0))
      t.ok(got >= least, `${String(latency)} ms: ${got.toFixed(3)} of the best with ${String(capacity)}`)
    }
    const refused = mean(runs.map((run) => run.refused))
    t.ok(refused < 0.02, `${String(latency)} ms: ${(refused * 100).toFixed(2)} % refused`)
  }
  t.end()
})

t.test('over a link that is full, the limit stays near the smallest that fills it', (t) => {
  for (const link of [20, 100, 300]) {
    const run = simulate({ capacity: () => Infinity, latency: 100, link }, 20_000)
    const got = countBetween(run, 0, 20_000) / (20 * link)
    t.ok(got >= 0.9, `${got.toFixed(2)} of ${String(link)} requests/s`)
    const held = run.limits.map(([, limit]) => limit).sort((a, b) => a - b)[run.limits.length >> 1] ?? 0
    // 20 requests/s need 2 in flight: the limit starts with 4 and is doubled at least once, to compare.
    t.ok(held <= Math.max(8, (link / 10) * 2.2), `${String(held)} in flight for ${String(link)} requests/s`)
  }
  t.end()
})

t.test('without any limit of the service, the limit is 64', (t) => {
  const run = simulate({ capacity: () => Infinity, latency: 50 }, 3000)
  t.equal(limitAt(run, 3000), maxAutoConcurrency)
  t.equal(maxAutoConcurrency, 64)
  t.equal(Math.max(...run.limits.map(([, limit]) => limit)), 64)
  t.end()
})

const after = (
  state: ConcurrencyLimit,
  ...events: ReadonlyArray<Parameters<typeof adjustLimit>[1]>
): ConcurrencyLimit => events.reduce(adjustLimit, state)
const refusal = (inFlight: number, refusals: number) =>
  ({ _tag: 'Refused', at: 0, inFlight, refusals }) as const

t.test('a refusal halves the limit, once for the requests that were in flight together', (t) => {
  const full: ConcurrencyLimit = { ...createLimit(), limit: 40 }
  const halved = after(full, refusal(40, 0))
  t.match(halved, { limit: 20, best: 39, phase: 'recover' })
  const all = after(halved, ...Array.from({ length: 7 }, () => refusal(30, 0)))
  t.match(all, { limit: 20, best: 32 }, 'eight of 40 were refused, so 32 were not')
  t.match(after(all, refusal(20, 1)), { limit: 10, best: 19 }, 'one that was sent later halves it again')
  t.match(after({ ...createLimit(), limit: 1 }, refusal(1, 0)), { limit: 1, best: 1, phase: 'hold' })
  t.end()
})

t.test('a refused probe returns to the limit before it', (t) => {
  let state: ConcurrencyLimit = after({ ...createLimit(), limit: 9 }, refusal(9, 0))
  const successAt = (at: number) => ({ _tag: 'Succeeded', at, work: 1, inFlight: state.limit }) as const
  for (let at = 1; state.phase !== 'hold'; at += 1) state = after(state, successAt(at))
  t.equal(state.limit, 8)
  const held = after(state, ...Array.from({ length: 199 }, (_, at) => successAt(10 + at)))
  t.match(held, { limit: 8, phase: 'hold' })
  const probe = after(held, successAt(300), successAt(301), successAt(302))
  t.match(probe, { limit: 9, phase: 'grow' }, 'after 200 requests')
  const slow = after(state, ...Array.from({ length: 24 }, () => successAt(1300)))
  t.match(slow, { limit: 8, phase: 'hold' }, 'not before 25 requests')
  t.match(
    after(slow, successAt(1301), successAt(1302)),
    { limit: 9, phase: 'grow' },
    'or after 25 and 1.25 s'
  )
  t.match(after(probe, refusal(9, probe.refusals)), { limit: 8, phase: 'hold' })
  const limits = new Set<number>()
  let [grown, at] = [after(held, successAt(300)), 300]
  while (grown.limit < 60) {
    if (grown.phase === 'grow') limits.add(grown.round.size)
    at += 100 / grown.limit
    grown = after(grown, { ...successAt(at), inFlight: grown.limit })
  }
  t.strictSame([...limits], [8, 9, 11, 15, 23, 39], 'a probe that is not refused doubles the step')
  t.end()
})

t.test('the limit does not grow while requests from before a refusal are in flight', (t) => {
  const halved = after({ ...createLimit(), limit: 40 }, refusal(40, 0))
  const succeeded = (inFlight: number) => ({ _tag: 'Succeeded', at: 1, work: 1, inFlight }) as const
  t.match(after(halved, succeeded(39), succeeded(21)), { limit: 20, phase: 'recover' })
  t.match(after(halved, succeeded(39), succeeded(20)), { limit: 21, phase: 'recover' })
  t.end()
})

t.test('the limit does not grow while less than half of it is in use', (t) => {
  const idle = Array.from(
    { length: 50 },
    (_, at) => ({ _tag: 'Succeeded', at, work: 1, inFlight: 1 }) as const
  )
  t.equal(after(createLimit(), ...idle).limit, 4)
  t.end()
})
