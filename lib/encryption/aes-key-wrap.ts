/** AES Key Wrap of RFC 3394: encrypts a data key with an AES key, and checks the result when it decrypts. */
import { createCipheriv, createDecipheriv, type KeyObject } from 'node:crypto'
import * as O from 'fp-ts/lib/Option.js'

/** The initial value of RFC 3394, section 2.2.3.1. */
const initialValue = Buffer.alloc(8, 0xa6)

const cipherOf = (key: KeyObject): string => `id-aes${String((key.symmetricKeySize ?? 0) * 8)}-wrap`

/** @units the result has 8 bytes more than `dataKey` */
export const wrapRfc3394 = (key: KeyObject, dataKey: Uint8Array): Buffer =>
  createCipheriv(cipherOf(key), key, initialValue).update(dataKey)

/** None if the key is another one, or if the wrapped key was changed. */
export const unwrapRfc3394 = (key: KeyObject, wrapped: Uint8Array): O.Option<Uint8Array> =>
  O.tryCatch(() => createDecipheriv(cipherOf(key), key, initialValue).update(wrapped))
