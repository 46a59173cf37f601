/** Decides how the bytes of a response become the plaintext that was asked for. */
import { pipe } from 'fp-ts/lib/function.js'
import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import type { Context, EncryptionProblem } from '../core/error.js'
import { decryptCbc } from './cbc.js'
import { decryptCtr } from './ctr.js'
import type { DataKey } from './data-key.js'
import type { Envelope } from './envelope.js'
import type { ForeignEnvelope } from './foreign-envelope.js'
import { plainSizeOf, spanOf, type Span, type WantedRange } from './extent.js'
import { decryptGcm, gcmCounter } from './gcm.js'
import { encryptionProblem } from './problem.js'
import { openedSizeOf, openSealedObject, segmentsIn } from './sealed-object.js'
import { openSegments, segmentSize } from './sealed-segments.js'
import { takeBytes } from './take-bytes.js'

/** The ciphertext that a response has. */
export interface StoredBytes {
  readonly span: Span
  /** Of the whole ciphertext, in bytes; none if the response does not have it. */
  readonly size: O.Option<number>
}

export type Decrypt = (ciphertext: AsyncIterable<Uint8Array>) => AsyncGenerator<Uint8Array, void, undefined>

/** How an object is decrypted. */
export interface WholeDecryption {
  readonly decrypt: Decrypt
  /** Of the whole plaintext, in bytes; none if it is known only after decryption. */
  readonly size: O.Option<number>
  /** Whether the end of the plaintext proves that all of it is the writer's. */
  readonly isAuthenticated: boolean
}

/** What to do with a response. */
export type DecryptPlan =
  | (WholeDecryption & {
      readonly _tag: 'Decrypt'
      /** The plaintext that the stage returns; none: the whole. */
      readonly span: O.Option<Span>
      /** Whether the end of the object is among the bytes: a cut end is then an error. */
      readonly hasEnd: boolean
    })
  /** The response does not have the bytes: these must be requested. */
  | { readonly _tag: 'Request'; readonly span: Span }
  /** The range begins after the end of the plaintext. */
  | { readonly _tag: 'Beyond' }

const wholeForeign = (
  { cipher }: ForeignEnvelope,
  dataKey: DataKey,
  context: Context
): Pick<WholeDecryption, 'decrypt' | 'isAuthenticated'> => {
  switch (cipher) {
    case 'ctr':
      return { decrypt: decryptCtr(dataKey, 0), isAuthenticated: false }
    case 'gcm':
      return { decrypt: decryptGcm(dataKey, context), isAuthenticated: true }
    case 'cbc':
      return { decrypt: decryptCbc(dataKey, context), isAuthenticated: false }
  }
}

const noSize = encryptionProblem('Unsupported', 'the response does not have the size of the object')

/**
 * The decryption of a whole object.
 *
 * @shape  `stored`: the size of the ciphertext in bytes; none if it is not known
 * @errors `Truncated` for a size that no plaintext has; `Unsupported` for a sealed object of unknown size
 */
export const decryptWhole = (
  envelope: Envelope,
  dataKey: DataKey,
  stored: O.Option<number>,
  context: Context
): E.Either<EncryptionProblem, WholeDecryption> => {
  if (envelope.cipher !== 'sealed')
    return pipe(
      stored,
      O.match(
        () => E.right(O.none),
        (size) => plainSizeOf(envelope, size)
      ),
      E.map((size) => ({ ...wholeForeign(envelope, dataKey, context), size }))
    )
  return pipe(
    stored,
    E.fromOption(() => noSize),
    E.chain(openedSizeOf),
    E.map((size) => ({
      decrypt: openSealedObject(envelope.header, dataKey, context),
      size: O.some(size),
      isAuthenticated: true
    }))
  )
}

const isWhole = ({ first, last }: Span, size: number): boolean => first === 0 && last === size - 1

const contains = (outer: Span, inner: Span): boolean => outer.first <= inner.first && outer.last >= inner.last

const planForeignRange = (
  envelope: ForeignEnvelope,
  dataKey: DataKey,
  range: WantedRange,
  stored: StoredBytes,
  context: Context
): E.Either<EncryptionProblem, DecryptPlan> => {
  if (envelope.cipher === 'cbc')
    return E.left(encryptionProblem('Unsupported', 'CBC objects have no ranges; read the whole object'))
  const counter = envelope.cipher === 'gcm' ? gcmCounter(dataKey) : dataKey
  if (O.isNone(stored.size))
    return envelope.cipher === 'ctr'
      ? E.right({
          _tag: 'Decrypt',
          decrypt: decryptCtr(counter, stored.span.first),
          span: O.some(stored.span),
          size: O.none,
          isAuthenticated: false,
          hasEnd: false
        })
      : E.left(noSize)
  const storedSize = stored.size.value
  return pipe(
    plainSizeOf(envelope, storedSize),
    E.map((size): DecryptPlan => {
      const span = O.chain((plain: number) => spanOf(range, plain))(size)
      if (O.isNone(span)) return { _tag: 'Beyond' }
      const { first, last } = span.value
      if (!contains(stored.span, span.value)) return { _tag: 'Request', span: span.value }
      if (isWhole(stored.span, storedSize) && O.exists((plain: number) => isWhole(span.value, plain))(size))
        return { _tag: 'Decrypt', ...wholeForeign(envelope, dataKey, context), span, size, hasEnd: true }
      return {
        _tag: 'Decrypt',
        decrypt: (ciphertext) =>
          takeBytes(
            first - stored.span.first,
            last - first + 1
          )(decryptCtr(counter, stored.span.first)(ciphertext)),
        span,
        size,
        isAuthenticated: false,
        hasEnd: false
      }
    })
  )
}

const planSealedRange = (
  dataKey: DataKey,
  range: WantedRange,
  stored: StoredBytes,
  context: Context
): E.Either<EncryptionProblem, DecryptPlan> => {
  if (O.isNone(stored.size)) return E.left(noSize)
  const storedSize = stored.size.value
  return pipe(
    openedSizeOf(storedSize),
    E.map((plain): DecryptPlan => {
      const size = O.some(plain)
      const span = spanOf(range, plain)
      if (O.isNone(span)) return { _tag: 'Beyond' }
      const { first, last } = span.value
      const segments = segmentsIn(span.value, storedSize)
      if (!contains(stored.span, segments.span)) return { _tag: 'Request', span: segments.span }
      return {
        _tag: 'Decrypt',
        decrypt: (ciphertext) =>
          pipe(
            ciphertext,
            takeBytes(segments.span.first - stored.span.first, segments.span.last - segments.span.first + 1),
            openSegments(dataKey, segments, context),
            takeBytes(first - segments.first * segmentSize, last - first + 1)
          ),
        span,
        size,
        isAuthenticated: true,
        hasEnd: segments.toEnd
      }
    })
  )
}

/**
 * Plans the decryption of a response to a read.
 *
 * Ranges of CTR and GCM are decrypted from any byte. A range of GCM is not authenticated, as its tag covers the whole
 * object. A range of a sealed object is that of its segments, each authenticated.
 *
 * @shape  `range`: none for the whole object
 * @errors `Unsupported` for a range of CBC; `Truncated` for a size that no plaintext has
 */
export const planDecryption = (
  envelope: Envelope,
  dataKey: DataKey,
  range: O.Option<WantedRange>,
  stored: StoredBytes,
  context: Context
): E.Either<EncryptionProblem, DecryptPlan> => {
  if (O.isNone(range))
    return pipe(
      decryptWhole(envelope, dataKey, stored.size, context),
      E.map((whole) => ({ _tag: 'Decrypt', ...whole, span: O.none, hasEnd: true }))
    )
  return envelope.cipher === 'sealed'
    ? planSealedRange(dataKey, range.value, stored, context)
    : planForeignRange(envelope, dataKey, range.value, stored, context)
}
