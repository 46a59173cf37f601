/** How fast all of a client's bytes may go together, each way. */
import { setTimeout as sleep } from 'node:timers/promises'
import type * as t from 'io-ts'
import * as In from '../core/input.js'

/** In bytes a second, over all requests of the client; a direction that is left out is not limited. */
export interface Bandwidth {
  readonly up?: number
  readonly down?: number
}

export const BandwidthCodec: t.Type<Bandwidth, Bandwidth, unknown> = In.struct<Bandwidth>(
  'bandwidth in bytes a second',
  { up: In.optional(In.integer(1024)), down: In.optional(In.integer(1024)) }
)

/** Says how long to wait, in milliseconds, before going on after so many bytes. */
export type RateLimiter = (bytes: number) => number

export interface RateLimiters {
  readonly up: RateLimiter
  readonly down: RateLimiter
}

const unlimited: RateLimiter = () => 0

// A line that was silent may send this much at once, in milliseconds' worth; timers are no finer.
const burst = 50

/**
 * One line that all requests stand in: each byte takes its time on it, and whoever sent waits until the line is free
 * again. Requests that send at once share it by their turns.
 *
 * @param now milliseconds, never going back
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

/** Waits, unless the signal ends the request first. */
export const delay = async (milliseconds: number, signal: AbortSignal): Promise<void> => {
  if (milliseconds > 0) await sleep(milliseconds, undefined, { signal })
}
