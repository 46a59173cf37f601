/** An RSA master key, from PEM, DER, an OpenSSH public key or key objects. */
import { createHash, createPublicKey, KeyObject } from 'node:crypto'
import { pipe } from 'fp-ts/lib/function.js'
import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import type * as t from 'io-ts'
import {
  contextWithoutObject,
  invalidInput,
  type Context,
  type InputProblem,
  type InvalidInput
} from '../core/error.js'
import * as In from '../core/input.js'
import { validate } from '../core/operation.js'
import { conflict, missing } from '../core/problem.js'
import { createMasterKey, KeyId, type MasterKey } from './master-key.js'
import { isEncryptedKey, readPrivate, readPublic, toMaterial } from './rsa-material.js'

export interface RsaKeyInput {
  /**
   * PEM (SPKI, PKCS#1 or a certificate), the bytes of DER (SPKI or PKCS#1), the `ssh-rsa` line of OpenSSH, or a KeyObject.
   * Default: the public half of `privateKey`.
   */
  readonly publicKey?: string | Uint8Array | KeyObject
  /** PEM or the bytes of DER (PKCS#8 or PKCS#1), or a KeyObject. Without it the key only encrypts. */
  readonly privateKey?: string | Uint8Array | KeyObject
  /** Decrypts `privateKey`. */
  readonly passphrase?: string
  /** Names the key in objects. Default: derived from the public key. */
  readonly id?: string
  /** Allows 1,024 to 2,047 bits. Default: false. */
  readonly legacyLength?: boolean
}

type KeyText = string | Uint8Array | KeyObject

const Key: t.Type<KeyText, KeyText, unknown> = In.secret(
  In.guarded(
    'PEM, the bytes of DER, an ssh-rsa line or a KeyObject',
    (u): u is KeyText =>
      u instanceof KeyObject ||
      ((typeof u === 'string' || u instanceof Uint8Array) && O.isSome(toMaterial(u)))
  )
)

const Input = In.secret(
  In.struct<RsaKeyInput>('RsaKeyInput', {
    publicKey: In.optional(Key),
    privateKey: In.optional(Key),
    passphrase: In.optional(In.secret(In.text)),
    id: In.optional(KeyId),
    legacyLength: In.optional(In.boolean)
  })
)

const invalid = (field: string, message: string): InputProblem => ({ field, problem: 'invalid', message })

const noPrivateKey = invalid(
  'privateKey',
  'must be an RSA private key as PEM or DER (PKCS#8 or PKCS#1, not OpenSSH)'
)
const noPublicKey = invalid(
  'publicKey',
  'must be an RSA public key as PEM or DER (SPKI or PKCS#1), a certificate in PEM, or an ssh-rsa line'
)

const readPrivateKey = ({ privateKey, passphrase }: RsaKeyInput): E.Either<InputProblem, KeyObject> => {
  if (privateKey === undefined) return E.left(missing('publicKey', 'is required (or privateKey)'))
  if (privateKey instanceof KeyObject)
    return privateKey.type === 'private'
      ? E.right(privateKey)
      : E.left(invalid('privateKey', 'must be a private key'))
  const material = toMaterial(privateKey)
  if (O.isNone(material)) return E.left(noPrivateKey)
  const isEncrypted = isEncryptedKey(material.value)
  if (passphrase === undefined && isEncrypted)
    return E.left(missing('passphrase', 'is required: the private key is encrypted'))
  return pipe(
    readPrivate(material.value, passphrase),
    E.fromOption(() =>
      isEncrypted ? invalid('passphrase', 'does not decrypt the private key') : noPrivateKey
    )
  )
}

const readPublicKey = (publicKey: KeyText): E.Either<InputProblem, KeyObject> => {
  if (publicKey instanceof KeyObject)
    return publicKey.type === 'public'
      ? E.right(publicKey)
      : E.left(invalid('publicKey', 'must be a public key'))
  const material = toMaterial(publicKey)
  if (O.isNone(material)) return E.left(noPublicKey)
  // Python encrypts its own public key file; OpenSSL would ask for a passphrase on the terminal.
  if (material.value.form === 'pem' && isEncryptedKey(material.value))
    return E.left(invalid('publicKey', 'must not be encrypted; omit it, and it is derived from privateKey'))
  return pipe(
    readPublic(material.value),
    E.fromOption(() => noPublicKey)
  )
}

const spki = (key: KeyObject): Buffer => key.export({ type: 'spki', format: 'der' })

interface Pair {
  readonly publicKey: KeyObject
  readonly privateKey: O.Option<KeyObject>
}

const readPair = (input: RsaKeyInput): E.Either<InputProblem, Pair> => {
  const { publicKey } = input
  if (publicKey !== undefined && input.privateKey === undefined)
    return pipe(
      readPublicKey(publicKey),
      E.map((read) => ({ publicKey: read, privateKey: O.none }))
    )
  return pipe(
    readPrivateKey(input),
    E.chain((privateKey) => {
      const derived = createPublicKey(privateKey)
      return pipe(
        publicKey === undefined ? E.right(derived) : readPublicKey(publicKey),
        E.filterOrElse(
          (read) => spki(read).equals(spki(derived)),
          () => conflict('publicKey', 'must be the public half of privateKey')
        ),
        E.map((read) => ({ publicKey: read, privateKey: O.some(privateKey) }))
      )
    })
  )
}

// COS stores 2 KB of metadata: two values wrapped by 4,096 bits are 1,368 characters of base64.
const longest = 4096

const checkSize = (
  { publicKey }: Pair,
  { legacyLength = false, publicKey: given }: RsaKeyInput
): E.Either<InputProblem, number> => {
  const field = given === undefined ? 'privateKey' : 'publicKey'
  if (publicKey.asymmetricKeyType !== 'rsa') return E.left(invalid(field, 'must be an RSA key'))
  const bits = publicKey.asymmetricKeyDetails?.modulusLength ?? 0
  const least = legacyLength ? 1024 : 2048
  return bits >= least && bits <= longest
    ? E.right(Math.ceil(bits / 8))
    : E.left(invalid(field, `must have ${String(least)} to ${String(longest)} bits, has ${String(bits)}`))
}

/** `rsaKey` for another caller, whose name the error has. */
export const rsaKeyIn =
  (context: Context) =>
  (input: RsaKeyInput): E.Either<InvalidInput, MasterKey> =>
    pipe(
      validate(context.operation, Input)(input),
      E.chain((valid) =>
        pipe(
          readPair(valid),
          E.bindTo('pair'),
          E.bind('size', ({ pair }) => checkSize(pair, valid)),
          E.map(({ pair, size }) =>
            createMasterKey(
              { kind: 'rsa', ...pair, size },
              valid.id,
              `rsa-${createHash('sha256').update(spki(pair.publicKey)).digest('hex').slice(0, 16)}`
            )
          ),
          E.mapLeft((problem) => invalidInput(context, problem))
        )
      )
    )

/**
 * Makes an RSA master key. With the public key alone it encrypts; with the private key it also decrypts.
 *
 * @shape  `RsaKeyInput -> Either<InvalidInput, MasterKey>`
 * @units  2,048 to 4,096 bits
 * @errors `InvalidInput`; it does not have the received values
 * @example rsaKey({ publicKey: pem, privateKey: secretPem, passphrase })
 */
export const rsaKey: (input: RsaKeyInput) => E.Either<InvalidInput, MasterKey> = rsaKeyIn(
  contextWithoutObject('rsaKey')
)
