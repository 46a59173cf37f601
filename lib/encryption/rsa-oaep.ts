/** RSA-OAEP: encrypts with a seed that the caller draws, and decrypts by OpenSSL. */
import { constants, privateDecrypt, publicEncrypt, type KeyObject } from 'node:crypto'
import * as O from 'fp-ts/lib/Option.js'
import type { MasterSecret } from './master-key.js'
import { encodeOaep, seedSize, type OaepHashes } from './rsa-padding.js'

/** Encrypts by OAEP with a drawn seed, so that a spec can repeat it. */
export const encryptOaep = (
  { publicKey, size }: Extract<MasterSecret, { readonly kind: 'rsa' }>,
  hashes: OaepHashes,
  message: Uint8Array,
  random: (size: number) => Uint8Array
): Buffer =>
  publicEncrypt(
    { key: publicKey, padding: constants.RSA_NO_PADDING },
    encodeOaep(hashes, message, random(seedSize(hashes)), size)
  )

/** OpenSSL's own OAEP, in constant time; one hash for the label and MGF1. */
export const decryptOaep = (
  key: KeyObject,
  oaepHash: 'sha1' | 'sha256',
  wrapped: Uint8Array
): O.Option<Uint8Array> =>
  O.tryCatch(() => privateDecrypt({ key, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash }, wrapped))
