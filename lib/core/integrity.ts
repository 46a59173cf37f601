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

/** How to report a mismatch. */
export interface Comparison {
  /** The number of the part. Default: none, the whole object. */
  readonly part?: O.Option<number>
  /** The side whose checksum is the expected one: ours for an upload, theirs for a download. Default: `'ours'`. */
  readonly right?: 'ours' | 'theirs'
}

/**
 * Compares our checksum with COS's.
 *
 * @shape `compareCrc64(context, comparison)(ours, theirs)`
 * @units unsigned, 64 bits
 * @errors `IntegrityError` if both are known and differ
 */
export const compareCrc64 =
  (context: Context, { part = O.none, right = 'ours' }: Comparison = {}) =>
  (ours: O.Option<bigint>, theirs: O.Option<bigint>): E.Either<IntegrityError, Integrity> => {
    if (O.isNone(ours) || O.isNone(theirs)) return E.right(unverifiable('NoChecksum', ours))
    return ours.value === theirs.value
      ? E.right({ _tag: 'Verified', crc64: ours.value })
      : E.left({
          _tag: 'IntegrityError',
          context,
          part,
          check: 'crc64',
          expected: String(right === 'ours' ? ours.value : theirs.value),
          got: String(right === 'ours' ? theirs.value : ours.value)
        })
  }
