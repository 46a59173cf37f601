/** The encryption metadata of an object, in any format. */
import { pipe } from 'fp-ts/lib/function.js'
import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import type { EncryptionProblem } from '../core/error.js'
import {
  readForeign,
  type ForeignEnvelope,
  type ForeignFormat,
  type MetadataValue
} from './foreign-envelope.js'
import { metaPrefix, prefix, sealedName } from './metadata-names.js'
import { encryptionProblem } from './problem.js'
import { readMetadataHeader, type SealedHeader } from './sealed-header.js'

/** A format of encrypted objects: `sealed`, or that of another SDK. */
export type EncryptionFormat = 'sealed' | ForeignFormat

/** The metadata of a sealed object. */
export interface SealedEnvelope {
  readonly cipher: 'sealed'
  readonly formats: readonly ['sealed']
  readonly header: SealedHeader
  readonly keyId: O.Option<string>
}

export type Envelope = SealedEnvelope | ForeignEnvelope

export const sealedEnvelope = (header: SealedHeader): SealedEnvelope => ({
  cipher: 'sealed',
  formats: ['sealed'],
  header,
  keyId: O.some(header.keyId)
})

const fromSealed = (value: MetadataValue): O.Option<E.Either<EncryptionProblem, SealedEnvelope>> => {
  const text = value(sealedName)
  if (text === undefined) return O.none
  // With either of them, the SDK of Python or Go would decrypt garbage.
  if (value(`${prefix}iv`) !== undefined || value(`${prefix}start`) !== undefined)
    return O.some(
      E.left(encryptionProblem('BadEnvelope', `${sealedName} is present with the IV of another format`))
    )
  return O.some(pipe(readMetadataHeader(text), E.map(sealedEnvelope)))
}

/**
 * Reads the encryption metadata in the headers of an object.
 *
 * @shape  headers with names in lower case; `Right` of none: no encryption metadata
 * @errors `BadEnvelope` if they are incomplete, contradict each other or are not base64; `Unsupported` for an algorithm
 *         that this library does not know
 */
export const readEnvelope = (
  headers: Readonly<Record<string, string>>
): E.Either<EncryptionProblem, O.Option<Envelope>> => {
  const value: MetadataValue = (name) => headers[`${metaPrefix}${name}`]
  const found: O.Option<E.Either<EncryptionProblem, Envelope>> = pipe(
    fromSealed(value),
    // A copy may have kept one of the two: the header at the start of the object opens it.
    O.altW(() => (value(`${prefix}key`) === sealedName ? O.none : readForeign(value)))
  )
  return O.sequence(E.Applicative)(found)
}

/**
 * The metadata of a sealed object. The SDKs of Python, Go and Java see a key without an IV, and fail: without the key, Go and
 * Java would return the ciphertext as a plain object.
 */
export const sealedMetadata = (header: Uint8Array): Readonly<Record<string, string>> => ({
  [sealedName]: Buffer.from(header).toString('base64'),
  [`${prefix}key`]: sealedName
})
