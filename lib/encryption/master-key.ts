/** Master keys as values. The value has a kind and an id; the key itself is not in it, so that nothing can print it. */
import type { KeyObject } from 'node:crypto'
import type { TaskEither } from 'fp-ts/lib/TaskEither.js'
import * as O from 'fp-ts/lib/Option.js'
import * as In from '../core/input.js'

/** A key that encrypts data keys, made by `aesKey`, `rsaKey`, `kmsKey` or from files. It holds no secret that can be printed. */
export interface MasterKey {
  readonly kind: 'aes' | 'rsa' | 'kms'
  /** Given by the caller, or derived from the key. An object names its key by it. */
  readonly id: string
}

/** Names and values that a key service binds a data key to. */
export type KmsContext = Readonly<Record<string, string>>

/** Calls of a key service that a `kmsKey` makes. `Left` is any failure; its message is part of the error. */
export interface KmsHook {
  /** Names the key, 1 to 64 characters of ASCII. */
  readonly id: string
  /** Encrypts a data key. */
  readonly wrap: (dataKey: Uint8Array, context: KmsContext) => TaskEither<unknown, Uint8Array>
  /** Decrypts what `wrap`, or another SDK's call of the service, returned. */
  readonly unwrap: (wrapped: Uint8Array, context: KmsContext) => TaskEither<unknown, Uint8Array>
}

export type MasterSecret =
  | { readonly kind: 'aes'; readonly key: KeyObject }
  | {
      readonly kind: 'rsa'
      readonly publicKey: KeyObject
      /** None: the key can only encrypt. */
      readonly privateKey: O.Option<KeyObject>
      /** Of the modulus, in bytes. */
      readonly size: number
    }
  | { readonly kind: 'kms'; readonly wrap: KmsHook['wrap']; readonly unwrap: KmsHook['unwrap'] }

interface Entry {
  readonly secret: MasterSecret
  /** Whether the caller chose the id. Python's format names the key only then. */
  readonly hasOwnId: boolean
}

const entries = new WeakMap<object, Entry>()

/** Makes a master key whose secret only `secretOf` returns. */
export const createMasterKey = (
  secret: MasterSecret,
  ownId: string | undefined,
  derivedId: string
): MasterKey => {
  const key: MasterKey = Object.freeze({ kind: secret.kind, id: ownId ?? derivedId })
  entries.set(key, { secret, hasOwnId: ownId !== undefined })
  return key
}

export const secretOf = (key: MasterKey): O.Option<MasterSecret> => O.fromNullable(entries.get(key)?.secret)

/** The id, if the caller chose it. */
export const ownIdOf = (key: MasterKey): O.Option<string> =>
  entries.get(key)?.hasOwnId === true ? O.some(key.id) : O.none

export const isMasterKey = (u: unknown): u is MasterKey =>
  typeof u === 'object' && u !== null && entries.has(u)

/** Printable ASCII: an id is part of a header and of an error. */
export const KeyId = In.guarded(
  'a key id, 1 to 64 printable characters of ASCII',
  (u): u is string => typeof u === 'string' && /^[\x20-\x7e]{1,64}$/.test(u)
)
