/** The errors of bytes whose number differs from the expected one. */
import * as O from 'fp-ts/lib/Option.js'
import { CosException, type Context } from '../core/error.js'

/** The body ended before the announced length. A retry may deliver the rest. */
export const shortBody = (context: Context, host: string, size: number, got: number): CosException =>
  new CosException({
    _tag: 'TransportError',
    context,
    host,
    code: 'ShortBody',
    cause: new Error(`the body ended after ${String(got)} of ${String(size)} bytes`)
  })

/** The bytes are more or fewer than the `size` of a body, or of a part by its number. */
export const wrongSize = (
  context: Context,
  size: number,
  got: number,
  part: O.Option<number> = O.none
): CosException =>
  new CosException({
    _tag: 'IntegrityError',
    context,
    part,
    check: 'size',
    expected: String(size),
    got: String(got)
  })
