/** Decrypts a wrapped value with one master key, by each of the wraps. */
import { constants, privateDecrypt, type KeyObject } from 'node:crypto'
import { pipe } from 'fp-ts/lib/function.js'
import type * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import * as TE from 'fp-ts/lib/TaskEither.js'
import type { EncryptionProblem } from '../core/error.js'
import { tryTask } from '../core/try-task.js'
import { unwrapRfc3394 } from './aes-key-wrap.js'
import type { ForeignEnvelope } from './foreign-envelope.js'
import type { MasterKey, MasterSecret } from './master-key.js'
import { encryptionProblem } from './problem.js'
import { decryptOaep } from './rsa-oaep.js'
import { decodeOaep, decodePkcs1v15, javaOaep } from './rsa-padding.js'

export interface UnwrapOptions {
  /** Tries PKCS#1 v1.5 if OAEP fails, for Python's objects. */
  readonly pkcs1v15: boolean
}

/** Decrypts a wrapped value. The decrypted one has `length` bytes. */
export type Unwrap = (wrapped: Uint8Array, length: number) => TE.TaskEither<EncryptionProblem, Uint8Array>

/** One message for all causes: which check failed would help to forge a wrapped key. */
export const wrongKey = ({ id }: MasterKey): EncryptionProblem =>
  encryptionProblem('WrongKey', 'the master key does not decrypt the data key, or its wrapping was changed', {
    keyId: id
  })

/**
 * The block before its padding is removed. Node refuses `RSA_PKCS1_PADDING` for private keys (20.20, CVE-2023-46809), or
 * returns random bytes for a wrong padding (24, implicit rejection), and has no OAEP with two hashes.
 */
const rawRsa = (key: KeyObject, size: number, wrapped: Uint8Array): O.Option<Uint8Array> =>
  wrapped.length === size
    ? O.tryCatch(() => privateDecrypt({ key, padding: constants.RSA_NO_PADDING }, wrapped))
    : O.none

const messageOf = (thrown: unknown): string => (thrown instanceof Error ? `: ${thrown.message}` : '')

/** A hook that throws is a failed hook. */
export const callKms = (
  master: MasterKey,
  call: () => TE.TaskEither<unknown, Uint8Array>
): TE.TaskEither<EncryptionProblem, Uint8Array> =>
  pipe(
    tryTask(
      async () => call()(),
      (thrown) => thrown
    ),
    TE.chainEitherK((result): E.Either<unknown, Uint8Array> => result),
    TE.mapLeft((cause) =>
      encryptionProblem('Kms', `the key service failed${messageOf(cause)}`, { keyId: master.id })
    )
  )

/** The function that unwraps under one master key; none if its kind is not that of the wrap. */
export const unwrapWith = (
  master: MasterKey,
  secret: MasterSecret,
  { wrap, description }: ForeignEnvelope,
  { pkcs1v15 }: UnwrapOptions
): O.Option<Unwrap> => {
  const pure = (unwrap: (wrapped: Uint8Array, length: number) => O.Option<Uint8Array>): O.Option<Unwrap> =>
    O.some((wrapped, length) => TE.fromOption(() => wrongKey(master))(unwrap(wrapped, length)))

  switch (secret.kind) {
    case 'aes':
      return wrap === 'AESWrap' ? pure((wrapped) => unwrapRfc3394(secret.key, wrapped)) : O.none
    case 'rsa': {
      const { privateKey, size } = secret
      if (O.isNone(privateKey)) return O.none
      const raw = (wrapped: Uint8Array) => rawRsa(privateKey.value, size, wrapped)
      if (wrap === 'python')
        return pure((wrapped, length) =>
          pipe(
            decryptOaep(privateKey.value, 'sha1', wrapped),
            O.filter((bytes) => bytes.length === length),
            O.alt(() =>
              pkcs1v15
                ? pipe(
                    raw(wrapped),
                    O.chain((block) => decodePkcs1v15(block, length))
                  )
                : O.none
            )
          )
        )
      return wrap === 'RSA/ECB/OAEPWithSHA-256AndMGF1Padding'
        ? pure((wrapped, length) =>
            pipe(
              raw(wrapped),
              O.chain((block) => decodeOaep(javaOaep, block, length))
            )
          )
        : O.none
    }
    case 'kms':
      return wrap === 'KMS/TencentCloud'
        ? O.some((wrapped) => callKms(master, () => secret.unwrap(wrapped, description)))
        : O.none
  }
}
