/** Verifies the body of a response while it is read: bytes -> verifyBytes -> the same bytes, and an `Integrity`. */
import * as O from 'fp-ts/lib/Option.js'
import * as E from 'fp-ts/lib/Either.js'
import { crc64Hasher } from '../core/crc64.js'
import { CosException, type Context } from '../core/error.js'
import { compareCrc64, unverifiable, type Integrity } from '../core/integrity.js'
import { shortBody, wrongSize } from './length-errors.js'

/** The length and the checksum that the bytes must have. */
export interface ExpectedBytes {
  /** The announced length, in bytes; none if the response has no length. */
  readonly size: O.Option<number>
  readonly context: Context
  /** The host that sent the bytes, for the error. */
  readonly host?: string
  /** The CRC64 of all bytes of the body, unsigned. None: the bytes cannot be verified, for the given reason. */
  readonly crc64: O.Option<bigint>
  /** Why there is no checksum. Default: `'NoChecksum'`. */
  readonly reason?: 'NoChecksum' | 'Range'
  /** Returns the CRC64 of all bytes, after the last of them, if an earlier stage hashes them. Default: they are hashed here. */
  readonly hashed?: () => bigint
}

/**
 * Counts and hashes bytes as they pass, and fails if their length or checksum differs from the expected one.
 *
 * If the length is known, the last chunk is yielded after the comparison, not before it. So a reader that counts bytes, as
 * a browser behind a proxy does, never gets all of a wrong body.
 *
 * @shape  the same chunks in the same order, without empty ones; the generator returns the `Integrity`
 * @units  holds one chunk at a time; reads none ahead
 * @errors those of its source, unchanged; `CosException` of a `TransportError` with code `ShortBody` if bytes are missing,
 *         because a retry may deliver them, and of an `IntegrityError` if there are too many, or if the CRC64 differs
 * @source https://cloud.tencent.com/document/product/436/40334
 */
export const verifyBytes = ({
  size,
  crc64,
  reason = 'NoChecksum',
  context,
  host = '',
  hashed
}: ExpectedBytes) =>
  async function* (bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, Integrity, undefined> {
    const hasher = hashed === undefined ? await crc64Hasher() : undefined
    const whole = O.toUndefined(size)
    let seen = 0
    let integrity: Integrity | undefined

    const compare = (): Integrity => {
      const ours = O.fromNullable(hashed?.() ?? hasher?.digest())
      if (O.isNone(crc64)) return unverifiable(reason, ours)
      const compared = compareCrc64(context)({ expected: crc64, got: ours, ours: 'got' })
      if (E.isLeft(compared)) throw new CosException(compared.left)
      return compared.right
    }
    try {
      for await (const chunk of bytes) {
        if (chunk.length === 0) continue
        seen += chunk.length
        if (whole !== undefined && seen > whole) throw wrongSize(context, whole, seen)
        hasher?.update(chunk)
        if (seen === whole) integrity = compare()
        yield chunk
      }
      if (whole !== undefined && seen < whole) throw shortBody(context, host, whole, seen)
      return integrity ?? compare()
    } finally {
      hasher?.release()
    }
  }
