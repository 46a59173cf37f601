/** Limits the retries of a client together, so that its retries do not multiply the load of a service that fails. */
import type * as t from 'io-ts'
import * as In from '../core/input.js'

/**
 * Counts the retries that a client may still send. Each retry takes one. Each call that succeeds at once adds `refill`, and
 * each that succeeds after a retry adds one, up to `capacity`.
 */
export interface RetryBudget {
  /** Takes one retry; false if none is left. */
  readonly take: () => boolean
  /** A call has succeeded, after so many retries. */
  readonly succeed: (retries: number) => void
}

export interface RetryBudgetOptions {
  /** Retries of a new budget, and the most that it holds. Default: 100. */
  readonly capacity?: number
  /** The part of a retry that a call without retries adds, 0 to 1. Default: 0.2. */
  readonly refill?: number
}

/**
 * Makes a budget. A client makes its own; pass one to share it among clients, or to choose its size.
 *
 * @source the defaults are those of the standard mode of the AWS SDKs: 500 tokens, 5 a retry, 1 for a success
 * @example createClient({ region, credentials, retry: { budget: createRetryBudget({ capacity: 20 }) } })
 */
export const createRetryBudget = ({ capacity = 100, refill = 0.2 }: RetryBudgetOptions = {}): RetryBudget => {
  let left = capacity
  return {
    take: () => {
      // 0.2 added fifty times is less than 10.
      if (left < 1 - 1e-9) return false
      left -= 1
      return true
    },
    succeed: (retries) => {
      if (left < capacity) left = Math.min(capacity, left + (retries > 0 ? 1 : refill))
    }
  }
}

/** For calls that must not be limited by those of others: `withRetry({ budget: unlimitedRetries })`. */
export const unlimitedRetries: RetryBudget = { take: () => true, succeed: () => undefined }

export const RetryBudgetCodec: t.Type<RetryBudget, RetryBudget, unknown> = In.guarded(
  'a budget of createRetryBudget, or unlimitedRetries',
  (u): u is RetryBudget =>
    typeof u === 'object' &&
    u !== null &&
    'take' in u &&
    typeof u.take === 'function' &&
    'succeed' in u &&
    typeof u.succeed === 'function'
)
