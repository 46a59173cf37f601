/** The layer that continues the body of a response whose connection breaks. */
import { constVoid } from 'fp-ts/lib/function.js'
import * as E from 'fp-ts/lib/Either.js'
import type { CosError } from '../core/error.js'
import type { ByteRange, Operation, RangeBody } from '../core/operation.js'
import type { Response, RestReader } from '../core/response.js'
import type { Send } from './call.js'
import type { Client } from './client.js'
import { holdTimeouts } from './effect-timeout.js'
import { readRangeWith, type RangeReader } from './range-reader.js'

/** The bytes of the object that a response has; undefined if its headers do not say. */
const rangeOf = ({ status, headers }: Response): ByteRange | undefined => {
  if (status === 206) {
    const [, first, last] = /^bytes (\d+)-(\d+)\//.exec(headers['content-range'] ?? '') ?? []
    return first === undefined || last === undefined
      ? undefined
      : { first: Number(first), last: Number(last) }
  }
  const length = headers['content-length']
  return status === 200 && length !== undefined && /^\d+$/.test(length)
    ? { first: 0, last: Number(length) - 1 }
    : undefined
}

/** Keeps the timeouts of the effect running until the rest has been read. Those of the broken connection have ended. */
const holdWhileRead = (
  { signals }: Client,
  source: AsyncGenerator<Uint8Array, void, undefined>
): RestReader => {
  const release = holdTimeouts(signals)
  return {
    next: async () => {
      try {
        const next = await source.next()
        if (next.done === true) release()
        return next
      } catch (thrown) {
        release()
        throw thrown
      }
    },
    close: () => {
      release()
      void source.return().catch(constVoid)
    }
  }
}

/** A connection that closed, or that the server does not use any more. */
const isBroken = (error: CosError): boolean =>
  error._tag === 'TransportError' || (error._tag === 'Timeout' && error.phase === 'idle')

/**
 * Requests the rest of a body from its next byte, if its connection breaks: once at once, then as `readRangeWith` does. The
 * bytes of all responses together are those that the decoder counts and hashes. A replaced object is an `ObjectChanged`.
 */
export const withResumedBody =
  <A>(client: Client, { readAgain }: Operation<A>, sendOperation: RangeReader<RangeBody>['sendOperation']) =>
  (send: Send<Response>): Send<Response> =>
    readAgain === undefined
      ? send
      : (request, call) => async () => {
          const sent = await send(request, call)()
          if (E.isLeft(sent)) return sent
          const { continueWith, headers, context } = sent.right
          const range = rangeOf(sent.right)
          const etag = headers['etag']
          if (range === undefined || etag === undefined) return sent
          continueWith?.((offset, error) =>
            isBroken(error)
              ? holdWhileRead(
                  client,
                  readRangeWith(
                    { client, context, etag, open: readAgain, sendOperation },
                    { first: range.first + offset, last: range.last }
                  )
                )
              : undefined
          )
          return sent
        }
