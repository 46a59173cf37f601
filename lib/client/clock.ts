/** The clock of signatures, and the layers that set it by COS's clock. */
import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import { pipe } from 'fp-ts/lib/function.js'
import type * as T from 'fp-ts/lib/Task.js'
import * as TE from 'fp-ts/lib/TaskEither.js'
import { drain } from '../core/decoder.js'
import type { CosError } from '../core/error.js'
import { isReplayableBody } from '../core/body.js'
import { head, type Request } from '../core/request.js'
import type { Response } from '../core/response.js'
import type { Runtime } from '../core/runtime.js'
import { httpTime } from '../core/wire.js'
import { createCall, type Call, type Send } from './call.js'
import type { Client } from './client.js'

export interface Clock {
  /** Milliseconds of Unix time, corrected. */
  readonly now: () => number
  /** Corrects the clock: `time` is now, in milliseconds of Unix time. */
  readonly set: (time: number) => void
  /** The correction, in milliseconds. */
  readonly offset: () => number
  /** Whether COS has set the clock, or has accepted its time. */
  readonly isProven: () => boolean
  readonly confirm: () => void
  /** Runs `check` unless the clock is proven. Parallel callers share one check. */
  readonly prove: (check: T.Task<void>) => T.Task<void>
}

/** The clock of the runtime, and a correction that is 0 until `set` is called. */
export const createClock = ({ now }: Pick<Runtime, 'now'>): Clock => {
  let offset = 0
  let proven = false
  let check: Promise<void> | undefined
  return {
    now: () => now() + offset,
    set: (time) => {
      offset = time - now()
      proven = true
    },
    offset: () => offset,
    isProven: () => proven,
    confirm: () => {
      proven = true
    },
    prove: (run) => async () => {
      if (!proven) await (check ??= run())
      check = undefined
    }
  }
}

/** Whether COS refused the request because our clock is wrong. */
export const isClockSkewError = (error: CosError): boolean =>
  error._tag === 'ServiceError' &&
  (error.code === 'RequestTimeTooSkewed' ||
    error.code === 'Request has expired' ||
    (error.code === 'AccessDenied' && error.message === 'Request has expired') ||
    // A refused HEAD has no body that states the reason, nor has a body that broke off. But the response has a Date.
    (error.status === 403 &&
      error.message === '' &&
      (error.context.operation.startsWith('Head') || error.code === 'AccessDenied')))

// In milliseconds. A clock that is off by less is not the reason for a refusal, and a new signature would change nothing.
const smallestSkew = 30_000

const isNear = (time: number, other: number): boolean => Math.abs(time - other) < smallestSkew

/**
 * Sets the client's clock by the `Date` of a response that refuses its time, and sends the request again. A request that
 * was signed before a parallel call set the clock is sent again too.
 *
 * @shape  a body that can be read only once is not sent again; the clock is right for the next call
 */
export const withClockCorrection =
  ({ clock }: Client) =>
  <A>(send: Send<A>): Send<A> =>
  (request, call) =>
  async () => {
    const signedWith = clock.offset()
    const result = await send(request, call)()
    if (E.isRight(result)) {
      clock.confirm()
      return result
    }
    const error = result.left
    if (error._tag !== 'ServiceError') return result
    const time = O.toUndefined(httpTime(error.headers['date']))
    if (time !== undefined && isNear(time, clock.now())) clock.confirm()
    else if (time !== undefined && isClockSkewError(error)) clock.set(time)
    return isClockSkewError(error) && !isNear(clock.offset(), signedWith) && isReplayableBody(request.body)
      ? send(request, call)()
      : result
  }

/** Sets the clock by the `Date` of the response to a HEAD, of any status. Without a response the clock is not changed. */
const fetchTime = (
  clock: Clock,
  sendHead: Send<Response>,
  request: Request,
  key: string,
  { callTimeout }: Call
): T.Task<void> =>
  pipe(
    sendHead(head({ bucket: request.bucket, key }), createCall('HeadObject', request, callTimeout)),
    TE.chainFirst(drain),
    TE.match(
      () => undefined,
      ({ headers }) => {
        const time = O.toUndefined(httpTime(headers['date']))
        if (time === undefined) return
        if (isNear(time, clock.now())) clock.confirm()
        else clock.set(time)
      }
    )
  )

// In milliseconds. After it the request is signed with the unchecked clock.
const longestCheck = 5000

/**
 * Sends a HEAD first if a body can be read only once and COS has not accepted the clock yet. If COS refused the time
 * after the body, the body could not be sent again.
 *
 * @shape  `attemptWith` makes the layer that sends once, and returns the response of any status
 */
export const withProvenClock =
  (client: Client, attemptWith: (client: Client) => Send<Response>) =>
  <A>(send: Send<A>): Send<A> =>
  (request, call) => {
    if (isReplayableBody(request.body) || O.isNone(request.key)) return send(request, call)
    const timeouts = { ...client.timeouts, headers: Math.min(client.timeouts.headers, longestCheck) }
    const check = fetchTime(
      client.clock,
      attemptWith({ ...client, timeouts }),
      request,
      request.key.value,
      call
    )
    return pipe(
      TE.fromTask(client.clock.prove(check)),
      TE.chainW(() => send(request, call))
    )
  }
