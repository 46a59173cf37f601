/** The lengths that data keys and IVs have, wrapped and not. */
import * as E from 'fp-ts/lib/Either.js'
import type { EncryptionProblem } from '../core/error.js'
import type { DataCipher, ForeignEnvelope } from './foreign-envelope.js'
import { encryptionProblem } from './problem.js'

/** Of a data key, in bytes. Shorter ones are never written: Python's SDK would decrypt garbage with them. */
export const keySize = 32

/** Of the IV of a cipher, in bytes. */
export const ivSizes: Readonly<Record<DataCipher, number>> = { ctr: 16, gcm: 12, cbc: 16 }

// An RSA modulus has at least 1,024 bits.
const leastRsaSize = 128

/** RFC 3394 adds 8 bytes. */
const aesWrapOverhead = 8

/** Python's AES wrap has no check value; its lengths alone distinguish it from RSA. */
export const isPythonAes = ({ wrap, wrappedKey, iv }: ForeignEnvelope): boolean =>
  wrap === 'python' && wrappedKey.length === keySize && 'wrapped' in iv && iv.wrapped.length === ivSizes.ctr

const isRsaPair = (wrappedKey: Uint8Array, iv: ForeignEnvelope['iv']): boolean =>
  wrappedKey.length >= leastRsaSize && ('clear' in iv || iv.wrapped.length === wrappedKey.length)

const hasWrappedLengths = (envelope: ForeignEnvelope): boolean => {
  const { wrap, wrappedKey, iv, cipher } = envelope
  switch (wrap) {
    case 'python':
      return isPythonAes(envelope) || isRsaPair(wrappedKey, iv)
    case 'AESWrap':
      return (
        wrappedKey.length === keySize + aesWrapOverhead &&
        ('clear' in iv || iv.wrapped.length === ivSizes[cipher] + aesWrapOverhead)
      )
    case 'RSA/ECB/OAEPWithSHA-256AndMGF1Padding':
      return isRsaPair(wrappedKey, iv)
    case 'KMS/TencentCloud':
      return true
  }
}

/**
 * Checks the lengths of a wrapped data key and its IV, so that a value that was cut short is not taken for a wrong key.
 *
 * @errors `BadEnvelope`
 */
export const checkWrappedLengths = (
  envelope: ForeignEnvelope
): E.Either<EncryptionProblem, ForeignEnvelope> => {
  const { iv, cipher } = envelope
  return hasWrappedLengths(envelope) && !('clear' in iv && iv.clear.length !== ivSizes[cipher])
    ? E.right(envelope)
    : E.left(encryptionProblem('BadEnvelope', 'the wrapped data key or its IV has a length that no wrap has'))
}
