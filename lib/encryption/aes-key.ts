/** An AES master key, from bytes or base64. */
import { createHmac, createSecretKey } from 'node:crypto'
import { pipe } from 'fp-ts/lib/function.js'
import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import * as t from 'io-ts'
import { contextWithoutObject, invalidInput, type Context, type InvalidInput } from '../core/error.js'
import * as In from '../core/input.js'
import { validate } from '../core/operation.js'
import { decodeBase64 } from './base64.js'
import { createMasterKey, KeyId, type MasterKey } from './master-key.js'

export interface AesKeyOptions {
  /** Names the key in objects. Default: derived from the key. */
  readonly id?: string
  /**
   * Allows 16 and 24 bytes, which Python's SDK accepts. Default: false. A password of 32 letters and digits is valid
   * base64 of 24 bytes, so a key of that length is usually a mistake.
   */
  readonly legacyLength?: boolean
}

interface AesKeyInput extends AesKeyOptions {
  readonly secret: Uint8Array
}

const Secret: t.Type<Uint8Array, Uint8Array, unknown> = In.secret(
  new t.Type<Uint8Array, Uint8Array, unknown>(
    'bytes or their base64',
    (u): u is Uint8Array => u instanceof Uint8Array,
    (u, context) =>
      pipe(
        u instanceof Uint8Array ? O.some(u) : typeof u === 'string' ? decodeBase64(u) : O.none,
        O.match<Uint8Array, t.Validation<Uint8Array>>(() => t.failure(u, context), t.success)
      ),
    t.identity
  )
)

const Input = In.secret(
  In.struct<AesKeyInput>('AesKeyInput', {
    secret: Secret,
    id: In.optional(KeyId),
    legacyLength: In.optional(In.boolean)
  })
)

const derivedId = (secret: Uint8Array): string =>
  `aes-${createHmac('sha256', secret).update('cospipe key id').digest('hex').slice(0, 16)}`

const checkLength =
  (context: Context) =>
  (input: AesKeyInput): E.Either<InvalidInput, AesKeyInput> => {
    const { length } = input.secret
    if (length === 32 || (input.legacyLength === true && (length === 16 || length === 24)))
      return E.right(input)
    return E.left(
      invalidInput(context, {
        field: 'secret',
        problem: 'invalid',
        message:
          length === 16 || length === 24
            ? `must be 32 bytes; it has ${String(length)}, which legacyLength: true allows`
            : `must be 32 bytes (44 characters of base64); it has ${String(length)}`
      })
    )
  }

/** `aesKey` for another caller, whose name the error has. */
export const aesKeyIn =
  (context: Context) =>
  (secret: Uint8Array | string, options: AesKeyOptions = {}): E.Either<InvalidInput, MasterKey> =>
    pipe(
      validate(context.operation, Input)({ ...options, secret }),
      E.chain(checkLength(context)),
      E.map(({ secret: bytes, id }) =>
        // createSecretKey copies the bytes: a later change of the caller's array does not change the key.
        createMasterKey({ kind: 'aes', key: createSecretKey(bytes) }, id, derivedId(bytes))
      )
    )

/**
 * Makes an AES master key.
 *
 * Use the key for nothing else: Python's format encrypts every data key with the same key stream, so one leaked data key
 * reveals those of all objects (lib/encryption/README.md).
 *
 * @shape  `(secret, options?) -> Either<InvalidInput, MasterKey>`
 * @units  32 bytes, or their base64
 * @errors `InvalidInput`; it does not have the received value
 * @example aesKey(process.env.MASTER_KEY ?? '', { id: '2026' })
 */
export const aesKey: (
  secret: Uint8Array | string,
  options?: AesKeyOptions
) => E.Either<InvalidInput, MasterKey> = aesKeyIn(contextWithoutObject('aesKey'))
