/** A master key in a key service: the service is two functions of the caller. */
import { pipe } from 'fp-ts/lib/function.js'
import * as E from 'fp-ts/lib/Either.js'
import type { InvalidInput } from '../core/error.js'
import * as In from '../core/input.js'
import { validate } from '../core/operation.js'
import { createMasterKey, KeyId, type KmsHook, type MasterKey } from './master-key.js'

const isFunction = <F>(expected: string) => In.guarded(expected, (u): u is F => typeof u === 'function')

const Input = In.secret(
  In.struct<KmsHook>('KmsHook', {
    id: KeyId,
    wrap: isFunction<KmsHook['wrap']>('a function that encrypts a data key'),
    unwrap: isFunction<KmsHook['unwrap']>('a function that decrypts a data key')
  })
)

/**
 * Makes a master key of a key service, such as Tencent Cloud KMS.
 *
 * For objects of the Go and Java SDKs, `unwrap` gets the `CiphertextBlob` of the service's `Encrypt` as bytes of text, and
 * the description of the master key as its context. Both SDKs pass base64 to `Encrypt`: `unwrap` decodes the `Plaintext`
 * of `Decrypt`.
 *
 * @shape  `KmsHook -> Either<InvalidInput, MasterKey>`
 * @errors `InvalidInput`; a failure of the service is an `EncryptionError` with reason `Kms`
 * @source https://cloud.tencent.com/document/product/573/34419
 */
export const kmsKey = (hook: KmsHook): E.Either<InvalidInput, MasterKey> =>
  pipe(
    validate('kmsKey', Input)(hook),
    E.map(({ id, wrap, unwrap }) => createMasterKey({ kind: 'kms', wrap, unwrap }, id, id))
  )
