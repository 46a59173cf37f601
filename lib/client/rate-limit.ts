/** Rate limits for all bytes of a client, in each direction. */
import type * as t from 'io-ts'
import * as In from '../core/input.js'
import { ioChunkSize } from '../core/limits.js'

/** In bytes per second, for all requests of the client together. Default of each direction: no limit. */
export interface Bandwidth {
  readonly up?: number
  readonly down?: number
}

export const BandwidthCodec: t.Type<Bandwidth, Bandwidth, unknown> = In.struct<Bandwidth>(
  'a bandwidth, { up, down } in bytes/s',
  {
    up: In.optional(In.integer(1024, Number.MAX_SAFE_INTEGER, 'bytes/s')),
    down: In.optional(In.integer(1024, Number.MAX_SAFE_INTEGER, 'bytes/s'))
  }
)

/** Counts bytes, and returns how long to wait before the next ones, in milliseconds. */
export type RateLimiter = (bytes: number) => number

/** A request that carries an object's bytes. */
export interface LimitedRequest {
  /** Its share of the bandwidth for `x-cos-traffic-limit`, in bit/s; undefined if COS does not accept the value. */
  readonly trafficLimit: number | undefined
  readonly end: () => void
}

/** The limit of one direction. */
export interface DirectionLimit {
  readonly limit: RateLimiter
  /** The largest number of bytes to pass at once. */
  readonly chunkSize: number
}

export interface RateLimiters {
  readonly up: DirectionLimit
  readonly down: DirectionLimit
  /** Counts a request among those that share the bandwidth; undefined if the operation is not limited. */
  readonly start: (operation: string) => LimitedRequest | undefined
}

const unlimited: RateLimiter = () => 0

/** Whether the limiter never waits. */
export const isUnlimited = (limiter: RateLimiter): boolean => limiter === unlimited

// In milliseconds: after a pause, the bytes of this time span may pass at once, and those of a chunk pass at once. Together
// they are less than 5 % of a second. Shorter waits are below the resolution of timers.
const burst = 25
const chunk = 20

/** Of `x-cos-traffic-limit`, in bit/s. */
const cosRange = { min: 819_200, max: 838_860_800 }

/** The operations that accept `x-cos-traffic-limit`. */
const directions: ReadonlyMap<string, keyof Bandwidth> = new Map([
  ['PutObject', 'up'],
  ['UploadPart', 'up'],
  ['GetObject', 'down']
])

/**
 * Creates a limiter that several requests share: each byte occupies it for a time, and the sender waits until it is free
 * again. Parallel requests take turns.
 *
 * @param rate bytes per second; `undefined`: no limit
 * @param now milliseconds, monotonic
 */
export const rateLimiter = (rate: number | undefined, now: () => number): RateLimiter => {
  if (rate === undefined) return unlimited
  let freeAt = Number.NEGATIVE_INFINITY
  return (bytes) => {
    const at = now()
    freeAt = Math.max(freeAt, at - burst) + (bytes * 1000) / rate
    return Math.max(0, freeAt - at)
  }
}

/**
 * The limits of a client.
 *
 * COS limits a request to its share of the bandwidth, the whole divided by the requests in flight in its direction. A
 * request keeps its share until it ends; later ones get theirs by the number of requests then. A share below COS's minimum
 * of 819,200 bit/s, or above its maximum, is not sent. The client's own limit holds in each case.
 *
 * @param now milliseconds, monotonic
 * @source https://www.tencentcloud.com/document/product/436/34072
 */
export const createRateLimiters = (bandwidth: Bandwidth | undefined, now: () => number): RateLimiters => {
  const inFlight = { up: 0, down: 0 }
  const start = (operation: string): LimitedRequest | undefined => {
    const direction = directions.get(operation)
    const rate = direction && bandwidth?.[direction]
    if (direction === undefined || rate === undefined) return undefined
    inFlight[direction] += 1
    const share = Math.floor((rate * 8) / inFlight[direction])
    let isOver = false
    return {
      trafficLimit: share >= cosRange.min && share <= cosRange.max ? share : undefined,
      end: () => {
        if (!isOver) inFlight[direction] -= 1
        isOver = true
      }
    }
  }
  const limitOf = (rate: number | undefined): DirectionLimit => ({
    limit: rateLimiter(rate, now),
    chunkSize: Math.min(
      ioChunkSize,
      rate === undefined ? ioChunkSize : Math.max(1, Math.floor((rate * chunk) / 1000))
    )
  })
  return { up: limitOf(bandwidth?.up), down: limitOf(bandwidth?.down), start }
}
