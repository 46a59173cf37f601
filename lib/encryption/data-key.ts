/** The data key of one object. */
import type { KeyObject } from 'node:crypto'

/** Encrypts or decrypts the bytes of one object. A `KeyObject` does not print its key. */
export interface DataKey {
  /** 32 bytes. */
  readonly key: KeyObject
  /** The initial counter block of CTR, the nonce of GCM, the IV of CBC. Python's format wraps it with the key. */
  readonly iv: Uint8Array
}
