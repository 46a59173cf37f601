/** Checks that the body of a response has the announced length. */
import * as O from 'fp-ts/lib/Option.js'
import { CosException, type Context } from '../core/error.js'

/** The length that a body must have. */
export interface ExpectedLength {
  /** The announced length, in bytes; `none` if the response has no length. */
  readonly size: O.Option<number>
  readonly context: Context
  /** The host that sent the bytes, for the error. */
  readonly host?: string
}

/** The body ended before the announced length. A retry may deliver the rest. */
export const shortBody = (context: Context, host: string, size: number, got: number): CosException =>
  new CosException({
    _tag: 'TransportError',
    context,
    host,
    code: 'ShortBody',
    cause: new Error(`the body ended after ${String(got)} of ${String(size)} bytes`)
  })

/** The body has more bytes than announced. */
export const wrongSize = (context: Context, size: number, got: number): CosException =>
  new CosException({
    _tag: 'IntegrityError',
    context,
    part: O.none,
    check: 'size',
    expected: String(size),
    got: String(got)
  })

/**
 * Counts bytes as they pass, and fails if their number differs from the announced length.
 *
 * @shape  the same chunks in the same order, without empty ones
 * @units  holds one chunk at a time; reads none ahead
 * @errors those of its source, unchanged; `CosException` of a `TransportError` with code `ShortBody` if bytes are missing,
 *         because a retry may deliver them, and of an `IntegrityError` if there are too many
 */
export const checkLength = ({ size, context, host = '' }: ExpectedLength) =>
  async function* (bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
    const whole = O.toUndefined(size)
    let seen = 0
    for await (const chunk of bytes) {
      if (chunk.length === 0) continue
      seen += chunk.length
      if (whole !== undefined && seen > whole) throw wrongSize(context, whole, seen)
      yield chunk
    }
    if (whole !== undefined && seen < whole) throw shortBody(context, host, whole, seen)
  }
