/** One request and its response over undici. */
import * as O from 'fp-ts/lib/Option.js'
import { constVoid } from 'fp-ts/lib/function.js'
import type { TaskEither } from 'fp-ts/lib/TaskEither.js'
import type { Dispatcher } from 'undici'
import type { CosError } from '../core/error.js'
import type { Response } from '../core/response.js'
import { dispatchRequest, dispatchWithContinue, type OutgoingRequest } from './dispatch.js'
import { createPendingResponse, type PendingResponse } from './pending-response.js'
import { isUnlimited } from './rate-limit.js'
import { sendBody, type SentCount } from './send-body.js'
import { startTimeouts, type RequestTimer } from './timeouts.js'

/** The body that is sent as one buffer, null if it is empty; undefined if it is sent chunk by chunk. */
const bytesAtOnce = ({
  body,
  expectContinue,
  rateLimiters
}: OutgoingRequest): Uint8Array | null | undefined => {
  if (O.isSome(body.size) && body.size.value === 0) return null
  return expectContinue || !isUnlimited(rateLimiters.up.limit) ? undefined : body.bytes
}

const countBytes = ({ body }: OutgoingRequest, atOnce: Uint8Array | null | undefined): SentCount => {
  if (atOnce === undefined) return { size: 0, crc64: O.none }
  return atOnce === null ? { size: 0, crc64: O.some(0n) } : { size: atOnce.length, crc64: body.crc64 }
}

/** Sends a body chunk by chunk. Returns the function that aborts the request. */
const sendChunks = (
  dispatcher: Dispatcher,
  out: OutgoingRequest,
  timer: RequestTimer,
  counted: SentCount,
  { receiver, reportSource }: PendingResponse
): ((reason: Error) => void) => {
  const { body, context, rateLimiters, runtime } = out
  const controller = new AbortController()
  const ended = controller.signal
  const bytes = sendBody({
    body,
    context,
    ...rateLimiters.up,
    runtime,
    timer,
    counted,
    ended,
    report: reportSource
  })
  const close = (reason: Error): void => {
    controller.abort(reason)
    void bytes.return().catch(constVoid)
  }
  if (out.expectContinue) {
    // COS must respond before the body.
    timer.wait('headers')
    dispatchWithContinue(out, bytes, ended, receiver)
    return close
  }
  // Until the first bytes of the body are read, the caller is the slow side: no timeout runs.
  const abort = dispatchRequest(dispatcher, out, bytes, receiver)
  return (reason) => {
    abort(reason)
    close(reason)
  }
}

/**
 * Sends one request, and returns its response when the head has arrived.
 *
 * @shape  redirects are not followed, bodies are not decompressed
 * @errors `TransportError`, `Timeout`, `Aborted`, `SourceError`, `FileError`; the body of the response throws its own errors
 */
export const exchange =
  (dispatcher: Dispatcher) =>
  (out: OutgoingRequest): TaskEither<CosError, Response> =>
  () =>
    new Promise((settle) => {
      const atOnce = bytesAtOnce(out)
      const counted = countBytes(out, atOnce)
      const timer = startTimeouts(
        out.timeouts,
        out.signals,
        out.callTimeout,
        out.context,
        out.peer,
        out.runtime
      )
      const pending = createPendingResponse(out, timer, counted, settle)
      timer.onExpiry(pending.fail)
      if (pending.isSettled()) return
      try {
        if (atOnce === undefined) pending.setAbort(sendChunks(dispatcher, out, timer, counted, pending))
        else {
          timer.wait('headers')
          pending.setAbort(dispatchRequest(dispatcher, out, atOnce, pending.receiver))
        }
      } catch (thrown) {
        // A dispatcher of the caller's may throw.
        pending.failWith(thrown)
      }
    })
