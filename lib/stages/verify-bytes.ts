/** Between an answer's body and its reader: bytes -> verifying -> the same bytes, and a verdict. */
import * as O from 'fp-ts/lib/Option.js'
import * as E from 'fp-ts/lib/Either.js'
import { crc64Hasher } from '../core/crc64.js'
import { CosException } from '../core/error.js'
import { compareCrc64, unverifiable, type Integrity } from '../core/integrity.js'
import { checkLength, type ExpectedLength } from './check-length.js'

/** What the bytes should turn out to be. */
export interface Expected extends ExpectedLength {
  /** Of exactly what will come, unsigned. None: nothing to compare with, for the reason given. */
  readonly crc64: O.Option<bigint>
  readonly unless?: 'NoChecksum' | 'Range'
}

/**
 * Counts and hashes bytes as they pass, and ends as an error where they are not what was announced.
 *
 * Where the length is known, the chunk that completes it is handed on after the verdict, not before: a reader
 * that counts bytes, as a browser behind a proxy does, never holds all of a wrong body.
 *
 * @shape  the same chunks in the same order, empty ones left out; the generator returns the `Integrity`
 * @units  holds one chunk at a time; reads none ahead
 * @errors those of `checkLength`; `CosException` of an `IntegrityError` where the CRC64 is another
 * @source https://cloud.tencent.com/document/product/436/40334
 */
export const verifyBytes = ({ size, crc64, unless = 'NoChecksum', context, host = '' }: Expected) =>
  async function* (bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, Integrity, undefined> {
    const hasher = await crc64Hasher()
    const whole = O.toUndefined(size)
    let seen = 0
    let verdict: Integrity | undefined

    const compare = (): Integrity => {
      const ours = O.some(hasher.digest())
      if (O.isNone(crc64)) return unverifiable(unless, ours)
      const compared = compareCrc64(context, { right: 'theirs' })(ours, crc64)
      if (E.isLeft(compared)) throw new CosException(compared.left)
      return compared.right
    }
    try {
      for await (const chunk of checkLength({ size, context, host })(bytes)) {
        seen += chunk.length
        hasher.update(chunk)
        if (seen === whole) verdict = compare()
        yield chunk
      }
      return verdict ?? compare()
    } finally {
      hasher.release()
    }
  }
