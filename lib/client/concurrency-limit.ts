/** How many requests a client sends at the same time with `concurrency: 'auto'`: a state and its events, without time or I/O. */

/**
 * - `grow`: one more request for each that succeeds, up to a step in each round. The step doubles from round to round. Ends
 *   at a refusal, or when two rounds bring no more throughput; in the second of these the limit stays.
 * - `recover`: after a refusal, one more request for each that succeeds, up to the limit that was not refused. It starts when
 *   the requests in flight have fallen to the lowered limit.
 * - `hold`: the limit stays for 200 requests; or for 25 and 1.25 s if a refusal was the reason, 5 s if the throughput was.
 *   Then it grows, with a first step of 1: the probe.
 */
type Phase = 'grow' | 'recover' | 'hold'

/** Requests whose throughput is measured together. */
interface Round {
  /** Requests in the round; it ends when so many have succeeded. */
  readonly size: number
  readonly succeeded: number
  readonly work: number
  /** Of the end of the round before; none in the first. */
  readonly startedAt: number | undefined
}

export interface ConcurrencyLimit {
  /** Requests at the same time. */
  readonly limit: number
  readonly max: number
  readonly phase: Phase
  /** Of `grow`: the limit at the end of this round, at most; and how much that is above its start. */
  readonly target: number
  readonly step: number
  /** The smallest limit that no larger one exceeds by a tenth in throughput, as far as known. */
  readonly best: number
  /** Work per millisecond with `best`. */
  readonly bestRate: number
  /** Rounds of `grow` since then. */
  readonly flatRounds: number
  readonly round: Round
  /** Of `hold`: milliseconds, if requests are slow. */
  readonly holdTime: number
  /** Times that a refusal lowered the limit. */
  readonly refusals: number
}

/** `at` in milliseconds, monotonic. */
export type LimitEvent =
  | {
      readonly _tag: 'Succeeded'
      readonly at: number
      /** Bytes, and a constant for the request. */
      readonly work: number
      /** Requests in flight, this one included. */
      readonly inFlight: number
    }
  | {
      /** 503 or 429: the service serves fewer requests at the same time. */
      readonly _tag: 'Refused'
      readonly at: number
      readonly inFlight: number
      /** `refusals` of the limit when the request was sent. */
      readonly refusals: number
    }

/** The first limit: that of transfers without `concurrency`. */
const initialLimit = 4

/** The largest limit of `concurrency: 'auto'`. */
export const maxAutoConcurrency = 64

// A probe may cost a refused request: 0.5 % of them, or one in 1.25 s if requests are slow, but at most 4 %. With one in 5 s
// a limit of 4 was kept for so long after the service took 32 that 10 s brought 0.70 of the best on average (requests of
// 200 ms, virtual time), with 1.25 s 0.88. Doubling the limit after a probe brought the same, and more refused requests if
// a refusal takes longer than a request.
const longestHold = { requests: 200, milliseconds: 1250, leastRequests: 25 }

// A probe of a full link is never refused. It costs rounds with more requests in flight than the link needs.
const longestHoldOfLink = 5000

// A round with the doubled limit must bring a tenth more, or the limit is not worth its connections and memory.
const leastGain = 1.1

const startRound = (size: number, startedAt?: number): Round => ({ size, succeeded: 0, work: 0, startedAt })

/** Another round of `grow`. */
const grow = (state: ConcurrencyLimit, step: number, at: number): ConcurrencyLimit => ({
  ...state,
  ...{ phase: 'grow', step, target: Math.min(state.max, state.limit + step) },
  round: startRound(state.limit, at)
})

export const createLimit = (max = maxAutoConcurrency): ConcurrencyLimit => {
  const limit = Math.min(initialLimit, max)
  return {
    ...{ limit, max, phase: 'grow', best: limit, bestRate: 0, flatRounds: 0, refusals: 0 },
    ...{ step: limit, target: Math.min(max, 2 * limit), holdTime: longestHold.milliseconds },
    round: startRound(limit)
  }
}

const hold = (
  state: ConcurrencyLimit,
  limit: number,
  startedAt: number,
  holdTime = longestHold.milliseconds
): ConcurrencyLimit => ({
  ...state,
  ...{ limit, best: limit, phase: 'hold', flatRounds: 0, holdTime },
  round: startRound(longestHold.requests, startedAt)
})

const endRound = (state: ConcurrencyLimit, at: number): ConcurrencyLimit => {
  const { phase, best, bestRate, flatRounds, round, step } = state
  const rate = round.startedAt === undefined ? 0 : round.work / Math.max(1, at - round.startedAt)
  switch (phase) {
    case 'hold':
      return grow({ ...state, bestRate: rate }, 1, at)
    case 'recover':
      return { ...state, round: startRound(state.limit, at) }
    case 'grow': {
      const wider = Math.max(1, 2 * step)
      if (round.startedAt === undefined) return grow(state, wider, at)
      // The requests of a round were sent with the limit at its start.
      if (rate >= bestRate * leastGain)
        return grow({ ...state, best: round.size, bestRate: rate, flatRounds: 0 }, wider, at)
      // A small step cannot bring a tenth more.
      if (round.size < best * leastGain + 1) return grow(state, wider, at)
      return flatRounds >= 1
        ? hold(state, best, at, longestHoldOfLink)
        : grow({ ...state, flatRounds: flatRounds + 1 }, 0, at)
    }
  }
}

const isRoundOver = ({ phase, round, holdTime }: ConcurrencyLimit, at: number): boolean =>
  round.succeeded >= round.size ||
  (phase === 'hold' &&
    round.succeeded >= longestHold.leastRequests &&
    at - (round.startedAt ?? at) >= holdTime)

const succeed = (
  state: ConcurrencyLimit,
  { at, work, inFlight }: Extract<LimitEvent, { readonly _tag: 'Succeeded' }>
): ConcurrencyLimit => {
  const { limit, phase, best, target } = state
  // The transfers have no more requests to send, so their throughput says nothing about the limit.
  if (inFlight * 2 < limit) return { ...state, round: startRound(state.round.size, at) }
  const round = { ...state.round, succeeded: state.round.succeeded + 1, work: state.round.work + work }
  // Requests that were sent before a refusal lowered the limit say nothing about the lower one.
  const most = inFlight > limit ? limit : { grow: target, recover: best, hold: limit }[phase]
  const grown = Math.min(Math.max(limit, most), limit + 1)
  if (phase === 'recover' && grown === best) return hold(state, best, at)
  const after = { ...state, limit: grown, round }
  return isRoundOver(after, at) ? endRound(after, at) : after
}

/** The limit after a refusal: half of the requests in flight, then up to one less than these. */
const refuse = (
  state: ConcurrencyLimit,
  { at, inFlight, refusals }: Extract<LimitEvent, { readonly _tag: 'Refused' }>
): ConcurrencyLimit => {
  // Sent before the limit was lowered: the service serves still one less, and the limit is not lowered again.
  if (refusals < state.refusals)
    return refusals === state.refusals - 1 && state.phase === 'recover'
      ? { ...state, best: Math.max(1, state.limit, state.best - 1) }
      : state
  const lowered = { ...state, refusals: state.refusals + 1 }
  // The one request too many is that of the probe.
  if (state.phase === 'grow' && state.step === 1) return hold(lowered, state.best, at)
  const sent = Math.min(inFlight, state.limit)
  const limit = Math.max(1, Math.floor(sent / 2))
  const best = Math.max(1, sent - 1)
  if (limit === best) return hold(lowered, best, at)
  return { ...lowered, limit, best, phase: 'recover', flatRounds: 0, round: startRound(limit) }
}

/**
 * The limit after an event.
 *
 * It grows while throughput grows, halves when the service refuses a request, returns to the largest limit that was not
 * refused, and probes with one more request from time to time. The parts are those of TCP: slow start; multiplicative
 * decrease, once for the requests that were in flight together; CUBIC's memory of the last loss; and the end of BBR's
 * start-up, when more in flight brings no more throughput. Latency is no signal here: that of an object service depends
 * on the size of the request.
 *
 * @source RFC 5681, RFC 9438; https://github.com/Netflix/concurrency-limits (`AIMDLimit`: no growth while less than half
 *         of the limit is in use)
 */
export const adjustLimit = (state: ConcurrencyLimit, event: LimitEvent): ConcurrencyLimit =>
  event._tag === 'Succeeded' ? succeed(state, event) : refuse(state, event)
