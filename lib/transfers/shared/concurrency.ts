/** The option `concurrency` of a transfer: a number, or `'auto'`. */
import type * as t from 'io-ts'
import * as O from 'fp-ts/lib/Option.js'
import * as In from '../../core/input.js'
import { MiB } from '../../core/limits.js'
import type { Client } from '../../client/client.js'
import { maxAutoConcurrency } from '../../client/concurrency-limit.js'
import { inBlocks } from '../../stages/memory-budget.js'

export interface WithConcurrency {
  /** Requests in flight, 1 to 1,000. `'auto'`: as many as the service and the link take. */
  readonly concurrency?: number | 'auto'
}

/** For a codec. */
export const Concurrency: t.Type<number | 'auto', number | 'auto', unknown> = In.guarded(
  "an integer from 1 to 1,000, or 'auto'",
  (u): u is number | 'auto' => u === 'auto' || In.integer(1, 1000).is(u)
)

/** The client of a transfer: with `'auto'`, its requests wait for the client's pool, in one lane with those of a transfer around it. */
export const withLane = (client: Client, concurrency?: number | 'auto'): Client =>
  concurrency === 'auto' && O.isNone(client.lane)
    ? { ...client, lane: O.some(client.pool.openLane()) }
    : client

/**
 * The number of requests in flight: with `'auto'`, the limit of the client's pool at the moment.
 *
 * @param most of this transfer, see `mostInMemory`
 */
export const requestsInFlight = (
  { pool }: Client,
  concurrency: number | 'auto',
  most = Number.POSITIVE_INFINITY
): number | (() => number) => (concurrency === 'auto' ? () => Math.min(pool.limit(), most) : concurrency)

/** In bytes: the parts in memory of one transfer with `'auto'`. */
const autoMemory = 256 * MiB

/**
 * The largest number of parts in flight for a transfer that holds them in memory.
 *
 * @param ahead parts that are filled besides those in flight
 */
export const mostInMemory = (concurrency: number | 'auto', partSize: number, ahead: 0 | 1): number =>
  concurrency === 'auto'
    ? Math.min(maxAutoConcurrency, Math.max(1, Math.floor(autoMemory / inBlocks(partSize)) - ahead))
    : concurrency
