/**
 * Authenticates the journal of an encrypted upload. The journal says which bytes each part had when it was sent: a run after
 * a crash must not encrypt other bytes with the same key stream.
 */
import { createHmac, createSecretKey, hkdfSync, timingSafeEqual, type KeyObject } from 'node:crypto'
import type { DataKey } from './data-key.js'
import { recordBlocks, type BlockRecord } from './same-bytes.js'

/** The blocks of one part's plaintext, and their digest. */
export interface PartRecord extends BlockRecord {
  /** Base64 of 16 bytes, of all blocks so far. */
  readonly digest: () => string
}

export interface JournalKey {
  /** Base64 of 16 bytes for a text. */
  readonly signText: (text: string) => string
  /** Starts the record of a part, by its number. */
  readonly recordPart: (number: number) => PartRecord
}

interface DerivedKeys {
  readonly blockKey: KeyObject
  readonly macKey: KeyObject
}

/** Compares two results of a `JournalKey`. */
export const isSameDigest = (a: string, b: string): boolean => {
  const [left, right] = [Buffer.from(a), Buffer.from(b)]
  return left.length === right.length && timingSafeEqual(left, right)
}

const label = Buffer.from('cospipe parts 1', 'latin1')
const textTag = Buffer.of(0)
const partTag = Buffer.of(1)

const deriveKeys = ({ key, iv }: DataKey): DerivedKeys => {
  const bytes = Buffer.from(hkdfSync('sha256', key, iv, label, 64))
  // A KeyObject does not print its key.
  return { blockKey: createSecretKey(bytes.subarray(0, 32)), macKey: createSecretKey(bytes.subarray(32)) }
}

/**
 * Derives the keys of a journal from a data key: HKDF-SHA256, 64 bytes, at their first use. Most objects have no journal.
 *
 * The digest of a part is an HMAC-SHA256 over the GMAC of each of its blocks, and not over the plaintext: SHA-256 takes 345
 * MiB a CPU second without the instructions for it, GMAC of 256 KiB 5,400, and sealing 700 (Node 20.20). The GMACs repeat a nonce,
 * which is safe because the HMAC hides them.
 *
 * @shape the blocks of a part must be cut in one way
 */
export const journalKey = (dataKey: DataKey): JournalKey => {
  let derived: DerivedKeys | undefined
  const keys = (): DerivedKeys => (derived ??= deriveKeys(dataKey))
  const sign = (...data: ReadonlyArray<Uint8Array>): string => {
    const mac = createHmac('sha256', keys().macKey)
    for (const each of data) mac.update(each)
    return mac.digest().subarray(0, 16).toString('base64')
  }
  return {
    signText: (text) => sign(textTag, Buffer.from(text)),
    recordPart: (number) => {
      const blocks = recordBlocks(keys().blockKey)
      const place = Buffer.alloc(4)
      place.writeUInt32BE(number)
      return { ...blocks, digest: () => sign(partTag, place, blocks.fingerprints()) }
    }
  }
}
