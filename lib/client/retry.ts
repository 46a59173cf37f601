/** Which failures are worth another attempt, and how long to wait before it. A policy is a value. */
import type * as t from 'io-ts'
import type { CosError } from '../core/error.js'
import * as In from '../core/input.js'

export interface RetryPolicy {
  /** In all, the first included; 1 is no retry. */
  readonly attempts: number
  /** The first wait is somewhere between 0 and this many milliseconds; each later one may be twice as long. */
  readonly base: number
  /** No wait is longer, in milliseconds, unless COS names one in `Retry-After`. */
  readonly cap: number
  /** From 0 to 1, 1 left out; injected so that a spec can know it. */
  readonly random: () => number
}

export const defaultRetry: RetryPolicy = { attempts: 4, base: 200, cap: 20_000, random: Math.random }

export const RetryPolicyCodec: t.Type<Partial<RetryPolicy>, Partial<RetryPolicy>, unknown> = In.struct<
  Partial<RetryPolicy>
>('a retry policy', {
  attempts: In.optional(In.integer(1, 100)),
  base: In.optional(In.integer(0, 3_600_000)),
  cap: In.optional(In.integer(0, 3_600_000)),
  random: In.optional(
    In.guarded(
      'a function that gives a number from 0 to 1',
      (u): u is () => number => typeof u === 'function'
    )
  )
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
 * Whether the same request may fare better later.
 *
 * @source COS's error table: 5xx but 501, 429, and the 400s that speak of the network or of load
 */
export const isTransient = (error: CosError): boolean => {
  switch (error._tag) {
    case 'TransportError':
      return true
    case 'Timeout':
      return error.phase !== 'overall'
    case 'DecodeError':
      // A success that is no answer of COS's, such as a proxy's own page, may be one the next time.
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
    case 'Aborted':
    case 'ObjectChanged':
    case 'SourceError':
    case 'FileError':
    case 'CredentialsError':
    case 'MissingPackage':
      return false
  }
}

// What fails so twice is wrong on our side of the wire, and more tries would only send more bytes into it.
const retryOnce = new Set(['BadDigest', 'UserNetworkTooSlow'])

/**
 * Whether the next attempt is worth it, after those that failed so, oldest first.
 *
 * @source COS's error table: a digest that does not match, and a network that is too slow, are tried once more
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

/** COS says that our clock is off, not that our key is. */
export const isClockSkewError = (error: CosError): boolean =>
  error._tag === 'ServiceError' &&
  (error.code === 'RequestTimeTooSkewed' ||
    error.code === 'Request has expired' ||
    (error.code === 'AccessDenied' && error.message === 'Request has expired') ||
    // A HEAD's refusal has no body to say it in, but it has a Date.
    (error.status === 403 && error.context.operation.startsWith('Head') && error.message === ''))

/** COS says that the token is too old, though its source gave it as good. A HEAD can not say so. */
export const isExpiredToken = (error: CosError): boolean =>
  error._tag === 'ServiceError' && error.code === 'ExpiredToken'

/** What COS's clock said when it answered, in milliseconds of Unix time. */
export const serverTime = (error: CosError): number | undefined => {
  if (error._tag !== 'ServiceError') return undefined
  const time = Date.parse(error.headers['date'] ?? '')
  return Number.isNaN(time) ? undefined : time
}

const retryAfter = (error: CosError, now: number): number | undefined => {
  const said = error._tag === 'ServiceError' ? error.headers['retry-after'] : undefined
  if (said === undefined) return undefined
  if (/^\d{1,6}$/.test(said)) return Number(said) * 1000
  const until = Date.parse(said)
  return Number.isNaN(until) ? undefined : Math.max(0, until - now)
}

/**
 * Milliseconds to wait after attempt `attempt`, counted from 1: full jitter over a doubling window, or what COS asked for.
 *
 * @source https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
 */
export const retryDelay = (policy: RetryPolicy, attempt: number, error: CosError, now: number): number =>
  retryAfter(error, now) ??
  Math.floor(policy.random() * Math.min(policy.cap, policy.base * 2 ** (attempt - 1)))
