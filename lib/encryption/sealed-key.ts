/** The keys of a sealed object: derived from its data key, and committed to in its header. */
import { createSecretKey, hkdfSync, timingSafeEqual } from 'node:crypto'
import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import type { EncryptionProblem } from '../core/error.js'
import type { ObjectRef } from '../core/request.js'
import type { DataKey } from './data-key.js'
import { encryptionProblem } from './problem.js'
import { boundBytes, nameHash, type SealedHeader } from './sealed-header.js'

const label = Buffer.from('cospipe sealed 1', 'latin1')
const segmentKeySize = 32
const noncePrefixSize = 7
const commitmentSize = 32

export interface DerivedKeys {
  /** `key` encrypts the segments; `iv` is the prefix of their nonces, 7 bytes. */
  readonly dataKey: DataKey
  readonly commitment: Uint8Array
}

/**
 * Derives the keys of an object by HKDF-SHA256.
 *
 * Everything in `boundBytes` is part of every key. The commitment comes from the same derivation: a ciphertext that opens
 * under two data keys would need a collision of HMAC-SHA256.
 */
export const deriveKeys = (secret: Uint8Array, header: Pick<SealedHeader, 'salt' | 'name'>): DerivedKeys => {
  const info = Buffer.concat([label, boundBytes(header)])
  const size = segmentKeySize + noncePrefixSize + commitmentSize
  const bytes = Buffer.from(hkdfSync('sha256', secret, header.salt, info, size))
  const noncePrefix = bytes.subarray(segmentKeySize, segmentKeySize + noncePrefixSize)
  return {
    dataKey: { key: createSecretKey(bytes.subarray(0, segmentKeySize)), iv: noncePrefix },
    commitment: bytes.subarray(segmentKeySize + noncePrefixSize)
  }
}

/**
 * Checks a decrypted data key against the header, before any segment is opened.
 *
 * @errors `WrongKey` if the commitment differs
 */
export const openKeys = (
  secret: Uint8Array,
  header: SealedHeader,
  wrongKey: EncryptionProblem
): E.Either<EncryptionProblem, DataKey> => {
  const { dataKey, commitment } = deriveKeys(secret, header)
  return timingSafeEqual(commitment, header.commitment) ? E.right(dataKey) : E.left(wrongKey)
}

/**
 * Checks that an object is read under the name that it was written under.
 *
 * @errors `OtherName`, also for an object that is bound to no name
 */
export const checkName = (
  { name }: SealedHeader,
  ref: Pick<ObjectRef, 'bucket' | 'key'>
): E.Either<EncryptionProblem, void> => {
  if (O.isNone(name))
    return E.left(
      encryptionProblem('OtherName', 'the object is not bound to a name; bindsName: false reads it')
    )
  return Buffer.from(name.value).equals(nameHash(ref))
    ? E.right(undefined)
    : E.left(
        encryptionProblem(
          'OtherName',
          'the object was encrypted under another name, and copied or moved; bindsName: false reads it'
        )
      )
}
