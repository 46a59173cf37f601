/** Which errors are retried, and how long to wait before each retry. A policy is a value. */
import { pipe } from 'fp-ts/lib/function.js'
import * as O from 'fp-ts/lib/Option.js'
import type * as t from 'io-ts'
import type { CosError } from '../core/error.js'
import * as In from '../core/input.js'
import { systemRuntime } from '../core/runtime.js'
import { httpTime } from '../core/wire.js'
import { RetryBudgetCodec, unlimitedRetries, type RetryBudget } from './retry-budget.js'

export interface RetryPolicy {
  /** Maximum number of attempts, including the first; 1 is no retry. Default: 4. */
  readonly attempts: number
  /** The first wait is a random time from 0 to this many milliseconds. The limit doubles for each later wait. Default: 200. */
  readonly base: number
  /** The longest wait, in milliseconds; a `Retry-After` of COS may be longer. Default: 20,000. */
  readonly cap: number
  /** Returns a number from 0 to below 1. Injected so that a spec can set it. */
  readonly random: () => number
  /** Limits the retries of all calls that share it. Default: one for each client, of 100 retries. */
  readonly budget: RetryBudget
}

/** The policy of a client without `retry`, apart from its budget. */
export const defaultRetry: RetryPolicy = {
  attempts: 4,
  base: 200,
  cap: 20_000,
  random: systemRuntime.random,
  budget: unlimitedRetries
}

export const RetryPolicyCodec: t.Type<Partial<RetryPolicy>, Partial<RetryPolicy>, unknown> = In.struct<
  Partial<RetryPolicy>
>('a retry policy, { attempts, base, cap }', {
  attempts: In.optional(In.integer(1, 100)),
  base: In.optional(In.integer(0, 3_600_000, 'milliseconds')),
  cap: In.optional(In.integer(0, 3_600_000, 'milliseconds')),
  random: In.optional(
    In.guarded(
      'a function that returns a number from 0 to 1',
      (u): u is () => number => typeof u === 'function'
    )
  ),
  budget: In.optional(RetryBudgetCodec)
})

const transientCodes = new Set([
  'RequestTimeout',
  'UserNetworkTooSlow',
  'BadDigest',
  'Busy',
  'Overload',
  'InternalError',
  'SlowDown',
  'ServiceUnavailable',
  'KmsFreqControl',
  'ErrorWritingRow'
])

/**
 * Whether repeating the request may succeed.
 *
 * @source COS's error table: 5xx except 501, 429, and the 400s about the network or the load
 */
export const isTransient = (error: CosError): boolean => {
  switch (error._tag) {
    case 'TransportError':
      return true
    case 'Timeout':
      return error.phase !== 'overall'
    case 'DecodeError':
      // A 2xx that COS did not write, such as a proxy's own page: the next response may be COS's.
      return error.status >= 200 && error.status < 300
    case 'ServiceError':
      return (
        (error.status >= 500 && error.status !== 501) ||
        error.status === 429 ||
        transientCodes.has(error.code)
      )
    case 'IntegrityError':
      return true
    case 'InvalidInput':
    case 'SizeLimitExceeded':
    case 'Aborted':
    case 'ObjectChanged':
    case 'SourceError':
    case 'FileError':
    case 'CredentialsError':
    case 'MissingPackage':
    case 'EncryptionError':
      return false
  }
}

// The cause of a second failure of this kind is on our side: more attempts would only send more bytes.
const retryOnce = new Set(['BadDigest', 'UserNetworkTooSlow'])

/**
 * Whether another attempt may succeed after these failures, oldest first.
 *
 * @source COS's error table: a digest that does not match, and a network that is too slow, are retried once
 */
export const shouldRetry = (policy: RetryPolicy, failures: ReadonlyArray<CosError>): boolean => {
  const last = failures.at(-1)
  if (last === undefined || !isTransient(last) || failures.length >= policy.attempts) return false
  return !(
    last._tag === 'ServiceError' &&
    retryOnce.has(last.code) &&
    failures.slice(0, -1).some((earlier) => earlier._tag === 'ServiceError' && earlier.code === last.code)
  )
}

const retryAfter = (error: CosError, now: number): number | undefined => {
  const header = error._tag === 'ServiceError' ? error.headers['retry-after'] : undefined
  if (header === undefined) return undefined
  if (/^\d+$/.test(header)) return Number(header) * 1000
  return pipe(
    httpTime(header),
    O.map((until) => Math.max(0, until - now)),
    O.toUndefined
  )
}

const closedCodes: ReadonlySet<string> = new Set(['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET'])

/** A server closes connections that were idle: a request on one of them fails, and the service has not failed. */
export const isConnectionClosed = (error: CosError): boolean =>
  error._tag === 'TransportError' && closedCodes.has(error.code)

/**
 * How long to wait after failure number `failures`, in milliseconds: full jitter over a limit that doubles, or the
 * `Retry-After` of COS.
 *
 * @source https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
 */
export const retryDelay = (policy: RetryPolicy, failures: number, error: CosError, now: number): number =>
  retryAfter(error, now) ??
  Math.floor(policy.random() * Math.min(policy.cap, policy.base * 2 ** (failures - 1)))
