/** New data keys in Python's format, and their wrapping. */
import { createCipheriv, createSecretKey, type KeyObject } from 'node:crypto'
import { pipe } from 'fp-ts/lib/function.js'
import * as E from 'fp-ts/lib/Either.js'
import type { EncryptionProblem } from '../core/error.js'
import type { DataKey } from './data-key.js'
import { pythonMetadata } from './foreign-envelope.js'
import { ownIdOf, secretOf, type MasterKey, type MasterSecret } from './master-key.js'
import { encryptionProblem } from './problem.js'
import { encryptOaep } from './rsa-oaep.js'
import { pythonOaep } from './rsa-padding.js'

export interface NewDataKey {
  readonly dataKey: DataKey
  /** For the object, names without a prefix. */
  readonly metadata: Readonly<Record<string, string>>
}

const zeroCounter = Buffer.alloc(16)

/**
 * The AES wrap of Python's SDK, in both directions: CTR with the master key from a counter of zero, over the data key and
 * the IV together. Every object of a master key has the same key stream (lib/encryption/README.md, "Python").
 */
export const xorPythonPad = (master: KeyObject, bytes: Uint8Array): Buffer =>
  createCipheriv(`aes-${String((master.symmetricKeySize ?? 0) * 8)}-ctr`, master, zeroCounter).update(bytes)

const wrapPython = (
  secret: MasterSecret,
  key: Uint8Array,
  iv: Uint8Array,
  random: (size: number) => Uint8Array
): E.Either<EncryptionProblem, readonly [wrappedKey: Uint8Array, wrappedIv: Uint8Array]> => {
  switch (secret.kind) {
    case 'aes': {
      const wrapped = xorPythonPad(secret.key, Buffer.concat([key, iv]))
      return E.right([wrapped.subarray(0, key.length), wrapped.subarray(key.length)])
    }
    case 'rsa': {
      const wrap = (message: Uint8Array): Buffer => encryptOaep(secret, pythonOaep, message, random)
      return E.right([wrap(key), wrap(iv)])
    }
    case 'kms':
      return E.left(encryptionProblem('Unsupported', 'the Python format has no wrap for a key service'))
  }
}

/**
 * Wraps a data key as Python's SDK does: under AES by `xorPythonPad`, under RSA by OAEP with SHA-1, the key and the IV
 * each.
 *
 * @shape  metadata for the object, names without a prefix; with RSA `random` is asked for two seeds of 20 bytes
 * @errors `Unsupported` for a key service
 */
export const wrapPythonKey = (
  master: MasterKey,
  key: Uint8Array,
  iv: Uint8Array,
  random: (size: number) => Uint8Array
): E.Either<EncryptionProblem, Readonly<Record<string, string>>> =>
  pipe(
    secretOf(master),
    E.fromOption(() => encryptionProblem('NoKey', 'the master key was not made by this library')),
    E.chain((secret) => wrapPython(secret, key, iv, random)),
    E.map(([wrappedKey, wrappedIv]) => pythonMetadata(wrappedKey, wrappedIv, ownIdOf(master)))
  )

/**
 * Draws a data key for one object and wraps it.
 *
 * Call it once for each plaintext: two plaintexts under one data key reveal their difference.
 *
 * @shape `random` is asked for 32 bytes of key, 16 of IV, and then those of `wrapPythonKey`
 * @errors those of `wrapPythonKey`
 */
export const createPythonDataKey = (
  master: MasterKey,
  random: (size: number) => Uint8Array
): E.Either<EncryptionProblem, NewDataKey> => {
  const key = random(32)
  const iv = random(16)
  return pipe(
    wrapPythonKey(master, key, iv, random),
    E.map((metadata) => ({ dataKey: { key: createSecretKey(key), iv }, metadata }))
  )
}
