/** The clock that requests are signed by, and the layer that sets it by COS's own. */
import { pipe } from 'fp-ts/lib/function.js'
import * as TE from 'fp-ts/lib/TaskEither.js'
import type { CosError } from '../core/error.js'
import { isReplayableBody } from '../core/request.js'
import type { Send } from './call.js'
import type { Client } from './client.js'

export interface Clock {
  /** Milliseconds of Unix time, corrected. */
  readonly now: () => number
  /** Corrects the clock: `time` is now, in milliseconds of Unix time. */
  readonly set: (time: number) => void
}

/** This machine's clock, and a correction that is 0 until `set` is called. */
export const createClock = (): Clock => {
  let offset = 0
  return {
    now: () => Date.now() + offset,
    set: (time) => {
      offset = time - Date.now()
    }
  }
}

/** Whether COS refused the request because our clock is wrong. */
export const isClockSkewError = (error: CosError): boolean =>
  error._tag === 'ServiceError' &&
  (error.code === 'RequestTimeTooSkewed' ||
    error.code === 'Request has expired' ||
    (error.code === 'AccessDenied' && error.message === 'Request has expired') ||
    // The refusal of a HEAD has no body to name its reason, but it has a Date.
    (error.status === 403 && error.context.operation.startsWith('Head') && error.message === ''))

/** The time in COS's answer, in milliseconds of Unix time. */
const serverTime = (error: CosError): number | undefined => {
  if (error._tag !== 'ServiceError') return undefined
  const time = Date.parse(error.headers['date'] ?? '')
  return Number.isNaN(time) ? undefined : time
}

// In milliseconds. A clock that is off by less is not the reason for a refusal: the new signature would be as good.
const smallestSkew = 30_000

/** Sets the client's clock by the `Date` of an answer that calls it wrong, and sends the request again. */
export const withClockCorrection =
  ({ clock }: Client) =>
  <A>(send: Send<A>): Send<A> =>
  (request, call) =>
    pipe(
      send(request, call),
      TE.orElse((error) => {
        const time = isClockSkewError(error) ? serverTime(error) : undefined
        if (time === undefined || Math.abs(time - clock.now()) < smallestSkew) return TE.left(error)
        clock.set(time)
        return isReplayableBody(request.body) ? send(request, call) : TE.left(error)
      })
    )
