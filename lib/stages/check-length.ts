/** Between an answer's body and its reader: as many bytes as were announced, or an error. */
import * as O from 'fp-ts/lib/Option.js'
import { CosException, type Context } from '../core/error.js'

/** What the bytes should turn out to be. */
export interface ExpectedLength {
  /** The announced length, in bytes; `none` if the response has no length. */
  readonly size: O.Option<number>
  readonly context: Context
  /** The host that sent the bytes, for the error. */
  readonly host?: string
}

const shortBody = (context: Context, host: string, size: number, got: number): CosException =>
  new CosException({
    _tag: 'TransportError',
    context,
    host,
    code: 'ShortBody',
    cause: new Error(`the body ended after ${String(got)} of ${String(size)} bytes`)
  })

const wrongSize = (context: Context, size: number, got: number): CosException =>
  new CosException({
    _tag: 'IntegrityError',
    context,
    part: O.none,
    check: 'size',
    expected: String(size),
    got: String(got)
  })

/**
 * Counts bytes as they pass, and ends as an error where they are not as many as were announced.
 *
 * @shape  the same chunks in the same order, empty ones left out
 * @units  holds one chunk at a time; reads none ahead
 * @errors those of its source, untouched; `CosException` of a `TransportError` with code `ShortBody` where bytes are
 *         missing, for they may come another time, and of an `IntegrityError` where there are too many
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
