/** The response to one request, from the head that the connection delivers to its body. */
import { Readable } from 'node:stream'
import * as E from 'fp-ts/lib/Either.js'
import { constVoid } from 'fp-ts/lib/function.js'
import { CosException, codeOf, type CosError } from '../core/error.js'
import type { Method } from '../core/request.js'
import type { Response } from '../core/response.js'
import { setEntry } from '../core/set-entry.js'
import type { OutgoingRequest, ReceivedHeaders, Receiver } from './dispatch.js'
import { receiveBody, type ReceivedBody } from './receive-body.js'
import type { SentCount } from './send-body.js'
import type { RequestTimer } from './timeouts.js'

/** Names in lower case; undici writes most of them so. */
const headersOf = (headers: ReceivedHeaders): Readonly<Record<string, string>> => {
  const out: Record<string, string> = {}
  for (const name of Object.keys(headers)) {
    const value = headers[name]
    if (value === undefined) continue
    const text = typeof value === 'string' ? value : value.join(', ')
    setEntry(out, name.toLowerCase(), text)
  }
  return out
}

/** Whether the head of a response says that nothing follows it. */
const endsWithHead = (method: Method, status: number, headers: ReceivedHeaders): boolean =>
  method === 'HEAD' || status === 204 || status === 304 || headers['content-length'] === '0'

/** Ends when it is read. To make one takes 0.2 us; a getter in its place took 1.1 (Node 20). */
const emptyBody = {
  read(this: Readable) {
    this.push(null)
  }
}

/** A response that settles once: with its head, or with the first failure. */
export interface PendingResponse {
  readonly receiver: Receiver
  /** Settles with the failure and aborts the request, if the response has not settled. */
  readonly fail: (error: CosError) => void
  /** `fail` with an error of the dispatcher or of the connection. */
  readonly failWith: (thrown: unknown) => void
  /** Keeps an error of the body's source as that of the request: undici does not report which side failed. */
  readonly reportSource: (failure: CosException) => void
  /** Sets the function that aborts the request. */
  readonly setAbort: (abort: (reason: Error) => void) => void
  readonly isSettled: () => boolean
}

/**
 * Creates the receiver of a response.
 *
 * @shape  `counted` is what has been sent; it is part of the response. `settle` is called once
 */
export const createPendingResponse = (
  out: OutgoingRequest,
  timer: RequestTimer,
  counted: SentCount,
  settle: (result: E.Either<CosError, Response>) => void
): PendingResponse => {
  const { context, peer: host } = out
  let isSettled = false
  let sourceFailure: CosException | undefined
  let head: Pick<Response, 'status' | 'headers'> | undefined
  let received: ReceivedBody | undefined
  let abort: (reason: Error) => void = constVoid

  const endSlot = (): void => {
    out.slot?.end({ status: head?.status ?? 0, bytes: counted.size + (received?.size() ?? 0) })
  }
  const toError = (thrown: unknown): CosError => {
    if (sourceFailure !== undefined) return sourceFailure.error
    if (thrown instanceof CosException) return thrown.error
    const code = codeOf(thrown)
    return code === 'UND_ERR_CONNECT_TIMEOUT'
      ? { _tag: 'Timeout', context, host, phase: 'connect', after: out.timeouts.connect }
      : { _tag: 'TransportError', context, host, code, cause: thrown }
  }
  const fail = (error: CosError): void => {
    if (isSettled) return
    isSettled = true
    timer.close()
    endSlot()
    settle(E.left(error))
    abort(new CosException(error))
  }
  const failWith = (thrown: unknown): void => {
    fail(toError(thrown))
  }
  const receiver: Receiver = {
    start: (connection, status, headers) => {
      if (isSettled) return connection.abort(new Error('the request has ended'))
      head = { status, headers: headersOf(headers) }
      if (endsWithHead(out.method, status, headers)) return
      received = receiveBody(connection, timer, out.rateLimiters.down, out.runtime, toError)
      isSettled = true
      out.slot?.watch(received.paused)
      const { body, continueWith } = received
      settle(E.right({ status, headers: head.headers, body, continueWith, sent: counted, context, host }))
    },
    data: (chunk) => received?.push(chunk),
    end: () => {
      endSlot()
      if (received !== undefined) return received.end()
      if (isSettled || head === undefined) return
      isSettled = true
      timer.close()
      const { status, headers } = head
      const body = new Readable(emptyBody)
      settle(E.right({ status, headers, body, isEmpty: true, sent: counted, context, host }))
    },
    fail: (thrown) => {
      endSlot()
      if (received !== undefined) received.fail(thrown)
      else failWith(thrown)
    }
  }
  return {
    receiver,
    fail,
    failWith,
    reportSource: (failure) => {
      sourceFailure = failure
    },
    setAbort: (set) => {
      abort = set
    },
    isSettled: () => isSettled
  }
}
