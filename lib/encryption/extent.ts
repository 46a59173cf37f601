/** Sizes and positions of the plaintext in the ciphertext of each cipher. */
import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import type { EncryptionProblem } from '../core/error.js'
import type { ForeignEnvelope } from './foreign-envelope.js'
import { tagSize } from './gcm.js'
import { encryptionProblem } from './problem.js'

/** Bytes from `first` to `last`, both included. */
export interface Span {
  readonly first: number
  readonly last: number
}

/** The form of a range of a read. */
export type WantedRange =
  | { readonly first: number; readonly last?: number; readonly suffix?: never }
  | { readonly suffix: number; readonly first?: never; readonly last?: never }

/** In bytes. The padding of CBC has 1 to as many. */
export const cbcBlock = 16

/**
 * The size of the plaintext of an object of `stored` bytes; none if it is known only after decryption. For CBC it is the
 * size that the metadata have, if the padding allows it.
 *
 * @errors `Truncated` if no plaintext has a ciphertext of this size
 */
export const plainSizeOf = (
  { cipher, plainSize }: Pick<ForeignEnvelope, 'cipher' | 'plainSize'>,
  stored: number
): E.Either<EncryptionProblem, O.Option<number>> => {
  switch (cipher) {
    case 'ctr':
      return E.right(O.some(stored))
    case 'gcm':
      return stored >= tagSize
        ? E.right(O.some(stored - tagSize))
        : E.left(encryptionProblem('Truncated', 'the object is shorter than its GCM tag'))
    case 'cbc':
      return stored > 0 && stored % cbcBlock === 0
        ? E.right(O.filter((plain: number) => plain < stored && plain >= stored - cbcBlock)(plainSize))
        : E.left(encryptionProblem('Truncated', 'the size is not a multiple of the CBC block of 16 bytes'))
  }
}

/**
 * The bytes of a plaintext that a range names; none if it begins after the end.
 *
 * @units `size` of the plaintext
 */
export const spanOf = (range: WantedRange, size: number): O.Option<Span> => {
  const first = range.suffix === undefined ? range.first : Math.max(0, size - range.suffix)
  const last = Math.min(range.last ?? Number.POSITIVE_INFINITY, size - 1)
  return first <= last ? O.some({ first, last }) : O.none
}
