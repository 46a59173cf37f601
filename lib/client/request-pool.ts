/** The requests of a client's transfers with `concurrency: 'auto'`: how many are sent at the same time, and whose. */
import type { Runtime } from '../core/runtime.js'
import { adjustLimit, createLimit, type LimitEvent } from './concurrency-limit.js'

/** How a request ended. */
export interface Outcome {
  /** 0 if no response came. */
  readonly status: number
  /** Of the bodies of the request and of the response. */
  readonly bytes: number
}

/** The right to send one request. */
export interface Slot {
  /**
   * Sets the function that returns the bytes received so far if the reader of the response pauses, or `undefined` if it
   * reads. A response whose reader pauses may wait for another request, so its slot is used for another one.
   */
  readonly watch: (paused: () => number | undefined) => void
  /** Returns the slot when the connection has ended the request. Without an outcome: nothing was sent. Later calls do nothing. */
  readonly end: (outcome?: Outcome) => void
}

/** The requests of one transfer. */
export interface Lane {
  /** Waits for the turn of a request. */
  readonly acquire: () => Promise<Slot>
}

export interface RequestPool {
  /** Requests that may be in flight now. */
  readonly limit: () => number
  readonly openLane: () => Lane
}

/** Work of a request besides its bytes, in bytes: requests without a body are work too. */
const requestWork = 64 * 1024

/** Milliseconds between two looks at the responses in flight, while requests wait. */
const watchInterval = 250

/** The service serves fewer requests at the same time. `SlowDown` has status 503. */
const isRefusal = (status: number): boolean => status === 503 || status === 429

const toEvent = (
  { status, bytes }: Outcome,
  at: number,
  inFlight: number,
  refusals: number
): LimitEvent | undefined => {
  if (isRefusal(status)) return { _tag: 'Refused', at, inFlight, refusals }
  return status > 0 && status < 500
    ? { _tag: 'Succeeded', at, work: bytes + requestWork, inFlight }
    : // A failure of the connection or of the service says nothing about the number of requests.
      undefined
}

interface LaneState {
  readonly waiting: Array<(slot: Slot) => void>
  inFlight: number
  /** When its last request was granted, counted in grants. */
  lastGrant: number
}

interface SlotState {
  paused: () => number | undefined
  /** At the last look. */
  pausedAt: number | undefined
  isHeldUp: boolean
}

const isReading = (): undefined => undefined

/**
 * Makes the pool of a client.
 *
 * A slot is granted to the transfer with the fewest requests in flight, and of several to the one that has waited longest.
 * So transfers that have enough to send get equal numbers of requests, and no slot stays free while one waits.
 */
export const createRequestPool = ({ elapsed, startTimer }: Runtime, max?: number): RequestPool => {
  let limit = createLimit(max)
  let inFlight = 0
  let grants = 0
  let stopWatching: (() => void) | undefined
  /** Lanes with requests that wait. */
  const lanes = new Set<LaneState>()
  const slots = new Set<SlotState>()

  const nextLane = (): LaneState | undefined => {
    let next: LaneState | undefined
    for (const lane of lanes)
      if (
        next === undefined ||
        lane.inFlight < next.inFlight ||
        (lane.inFlight === next.inFlight && lane.lastGrant < next.lastGrant)
      )
        next = lane
    return next
  }
  const countHeldUp = (): number => {
    let count = 0
    for (const { isHeldUp } of slots) if (isHeldUp) count += 1
    return count
  }
  const grant = (lane: LaneState): void => {
    const resolve = lane.waiting.shift()
    if (lane.waiting.length === 0) lanes.delete(lane)
    if (resolve === undefined) return
    const { refusals } = limit
    const slot: SlotState = { paused: isReading, pausedAt: undefined, isHeldUp: false }
    slots.add(slot)
    inFlight += 1
    lane.inFlight += 1
    grants += 1
    lane.lastGrant = grants
    resolve({
      watch: (paused) => {
        slot.paused = paused
      },
      end: (outcome) => {
        if (!slots.has(slot)) return
        slot.isHeldUp = false
        const event = outcome && toEvent(outcome, elapsed(), inFlight - countHeldUp(), refusals)
        if (event !== undefined) limit = adjustLimit(limit, event)
        slots.delete(slot)
        inFlight -= 1
        lane.inFlight -= 1
        dispatch()
      }
    })
  }
  const dispatch = (): void => {
    while (inFlight - countHeldUp() < limit.limit) {
      const lane = nextLane()
      if (lane === undefined) break
      grant(lane)
    }
    if (lanes.size > 0) stopWatching ??= startTimer(watchInterval, watch, { keepsAlive: false })
  }
  const watch = (): void => {
    stopWatching = undefined
    for (const slot of slots) {
      const pausedAt = slot.paused()
      slot.isHeldUp = pausedAt !== undefined && pausedAt === slot.pausedAt
      slot.pausedAt = pausedAt
    }
    dispatch()
  }
  return {
    limit: () => limit.limit,
    openLane: () => {
      const lane: LaneState = { waiting: [], inFlight: 0, lastGrant: 0 }
      return {
        acquire: () =>
          new Promise((resolve) => {
            lane.waiting.push(resolve)
            lanes.add(lane)
            dispatch()
          })
      }
    }
  }
}
