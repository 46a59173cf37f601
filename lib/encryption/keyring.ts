/** Several master keys for rotation: one encrypts, all decrypt. */
import * as O from 'fp-ts/lib/Option.js'
import { isMasterKey, secretOf, type MasterKey, type MasterSecret } from './master-key.js'

export interface Keyring {
  /** Encrypts new objects, and decrypts. */
  readonly writes: MasterKey
  /** Only decrypt. */
  readonly reads: ReadonlyArray<MasterKey>
}

/**
 * Makes a keyring. An object that names its key is decrypted by the key with that id.
 *
 * @example keyring(key2026, key2025)
 */
export const keyring = (writes: MasterKey, ...reads: ReadonlyArray<MasterKey>): Keyring => ({ writes, reads })

export const toKeyring = (keys: MasterKey | Keyring): Keyring => (isMasterKey(keys) ? keyring(keys) : keys)

/** All keys, the writing one first. */
export const keysOf = ({ writes, reads }: Keyring): ReadonlyArray<MasterKey> => [writes, ...reads]

/** A key that may decrypt an object, with its secret. */
export interface Candidate {
  readonly master: MasterKey
  readonly secret: MasterSecret
}

/** All keys with their secrets, the writing one first. */
export const candidatesIn = (ring: Keyring): ReadonlyArray<Candidate> =>
  keysOf(ring).flatMap((master) => {
    const secret = secretOf(master)
    return O.isSome(secret) ? [{ master, secret: secret.value }] : []
  })

export const isKeyring = (u: unknown): u is Keyring =>
  typeof u === 'object' &&
  u !== null &&
  'writes' in u &&
  'reads' in u &&
  isMasterKey(u.writes) &&
  Array.isArray(u.reads) &&
  u.reads.every(isMasterKey)

/** Whether two keys have one id: an object could then not name its key. */
export const hasRepeatedId = (ring: Keyring): boolean => {
  const ids = keysOf(ring).map(({ id }) => id)
  return new Set(ids).size < ids.length
}
