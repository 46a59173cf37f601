/** The ranges of an encrypted object that are decrypted by themselves, and encrypted again to the same bytes. */
import { pipe } from 'fp-ts/lib/function.js'
import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import type { Context, EncryptionProblem } from '../core/error.js'
import { applyCtrInPlace, decryptCtr } from './ctr.js'
import type { DataKey } from './data-key.js'
import type { Decrypt } from './decrypt.js'
import type { Envelope } from './envelope.js'
import type { Span } from './extent.js'
import { openedSizeOf, openPart, sealedPartSpan, sealPart } from './sealed-object.js'
import { segmentSize } from './sealed-segments.js'

/** A range of the plaintext. */
export interface PlainRange {
  readonly offset: number
  /** In bytes. */
  readonly length: number
}

export interface RangeCipher {
  /** Of the bytes of the range in the stored object. */
  readonly span: Span
  readonly decrypt: Decrypt
  /** From the plaintext to the bytes of `span`. A chunk is valid until the next read; the source may reuse its memory too. */
  readonly encrypt: (plaintext: AsyncIterable<Uint8Array>) => AsyncIterable<Uint8Array>
}

export interface ObjectRanges {
  /** Ranges begin at multiples of this, in bytes of plaintext. */
  readonly unit: number
  /** Of the plaintext, in bytes. */
  readonly size: number
  readonly range: (range: PlainRange) => RangeCipher
}

/**
 * The ranges of an object of `stored` bytes. None if it is decrypted only from its start to its end: GCM has one tag for
 * the whole object, and CBC no counter.
 *
 * The header of a sealed object is part of its first range. It is encrypted again as the metadata have it: after a change
 * of the wrapping the bytes of this range differ, and it counts as changed.
 *
 * @errors `Truncated` for a size that no plaintext has
 */
export const objectRanges = (
  envelope: Envelope,
  dataKey: DataKey,
  stored: number,
  context: Context
): E.Either<EncryptionProblem, O.Option<ObjectRanges>> => {
  if (envelope.cipher === 'sealed') {
    const { header } = envelope
    return pipe(
      openedSizeOf(stored),
      E.map((size) =>
        O.some({
          unit: segmentSize,
          size,
          range: ({ offset, length }) => {
            const part = { offset, last: offset + length === size }
            return {
              span: sealedPartSpan(part, offset + length),
              decrypt: openPart(header, dataKey, part, context),
              encrypt: sealPart(header, dataKey, part)
            }
          }
        })
      )
    )
  }
  if (envelope.cipher !== 'ctr') return E.right(O.none)
  return E.right(
    O.some({
      unit: 1,
      size: stored,
      range: ({ offset, length }) => ({
        span: { first: offset, last: offset + length - 1 },
        decrypt: decryptCtr(dataKey, offset),
        encrypt: applyCtrInPlace(dataKey, offset)
      })
    })
  )
}
