/** The result of comparing our CRC64 with COS's: `Verified` or `Unverifiable`. A mismatch is an `IntegrityError`. */
import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import type { Context, IntegrityError } from './error.js'

export type Integrity =
  /** COS's checksum and ours are equal. */
  | { readonly _tag: 'Verified'; readonly crc64: bigint }
  | {
      readonly _tag: 'Unverifiable'
      /**
       * `NoChecksum`: COS sent no checksum, as for objects older than its checksums, or we computed none. `Range`: COS's
       * checksum covers the whole object, and these bytes are a part of it. `Unread`: the reader stopped before the end.
       */
      readonly reason: 'NoChecksum' | 'Range' | 'Unread'
      /** Our checksum of the bytes that were read or sent. */
      readonly crc64: O.Option<bigint>
    }

export const unverifiable = (
  reason: Extract<Integrity, { readonly _tag: 'Unverifiable' }>['reason'],
  crc64: O.Option<bigint> = O.none
): Integrity => ({ _tag: 'Unverifiable', reason, crc64 })

/** Two checksums of the same bytes, unsigned; none if it is not known. */
export interface Checksums {
  /** Of an upload, the checksum of the bytes that were sent; of a download, COS's. */
  readonly expected: O.Option<bigint>
  /** Of an upload, COS's checksum; of a download, the checksum of the bytes that were received. */
  readonly got: O.Option<bigint>
  /** The one that was computed here: `'expected'` for an upload or a copy, `'got'` for a download. */
  readonly ours: 'expected' | 'got'
}

/**
 * Compares our checksum with COS's.
 *
 * @shape `compareCrc64(context, part)(checksums)`; `part` is the number of the part, none for the whole object
 * @units unsigned, 64 bits
 * @errors `IntegrityError` if both are known and differ
 */
export const compareCrc64 =
  (context: Context, part: O.Option<number> = O.none) =>
  ({ expected, got, ours }: Checksums): E.Either<IntegrityError, Integrity> => {
    if (O.isNone(expected) || O.isNone(got)) {
      return E.right(unverifiable('NoChecksum', ours === 'expected' ? expected : got))
    }
    return expected.value === got.value
      ? E.right({ _tag: 'Verified', crc64: got.value })
      : E.left({
          _tag: 'IntegrityError',
          context,
          part,
          check: 'crc64',
          expected: String(expected.value),
          got: String(got.value)
        })
  }
