/** Rate limits for all bytes of a client, in each direction. */
import type * as t from 'io-ts'
import * as In from '../core/input.js'

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

export interface RateLimiters {
  readonly up: RateLimiter
  readonly down: RateLimiter
}

const unlimited: RateLimiter = () => 0

/** Whether the limiter never waits. */
export const isUnlimited = (limiter: RateLimiter): boolean => limiter === unlimited

// In milliseconds: after a pause, the bytes of this time span may pass at once. Shorter waits are below the resolution of
// timers.
const burst = 50

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
