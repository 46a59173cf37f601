/** RSA keys as files have them: PEM, DER, and the line of an OpenSSH public key. */
import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto'
import * as O from 'fp-ts/lib/Option.js'
import { decodeBase64 } from './base64.js'

/** The contents of a key file. */
export type KeyMaterial =
  { readonly form: 'pem' | 'ssh'; readonly text: string } | { readonly form: 'der'; readonly bytes: Buffer }

const isPem = (text: string): boolean => text.includes('-----BEGIN ')
const isSshLine = (text: string): boolean => /^\s*ssh-rsa\s/.test(text)

/** None for text of another form. Bytes that are not text are taken for DER. */
export const toMaterial = (contents: string | Uint8Array): O.Option<KeyMaterial> => {
  const text = typeof contents === 'string' ? contents : Buffer.from(contents).toString('latin1')
  if (isPem(text)) return O.some({ form: 'pem', text })
  if (isSshLine(text)) return O.some({ form: 'ssh', text })
  // DER of a key is a SEQUENCE.
  return typeof contents !== 'string' && contents[0] === 0x30
    ? O.some({ form: 'der', bytes: Buffer.from(contents) })
    : O.none
}

// -- encryption --
/** The first element of the outer SEQUENCE: an algorithm in an encrypted key, a version number in others. */
const isEncryptedDer = (bytes: Buffer): boolean => {
  const length = bytes[1] ?? 0
  const header = length < 0x80 ? 2 : 2 + (length & 0x7f)
  return bytes[header] === 0x30
}

/** Whether a private key needs a passphrase. */
export const isEncryptedKey = (material: KeyMaterial): boolean =>
  material.form === 'der' ? isEncryptedDer(material.bytes) : /ENCRYPTED/.test(material.text)

// -- reading --
const firstOf = (attempts: ReadonlyArray<() => KeyObject>): O.Option<KeyObject> =>
  attempts.reduce<O.Option<KeyObject>>(
    (found, attempt) => (O.isSome(found) ? found : O.tryCatch(attempt)),
    O.none
  )

/** A private key. Without a passphrase OpenSSL would ask for one on the terminal. */
export const readPrivate = (material: KeyMaterial, passphrase = ''): O.Option<KeyObject> => {
  switch (material.form) {
    case 'pem':
      return O.tryCatch(() => createPrivateKey({ key: material.text, passphrase }))
    case 'der':
      return firstOf(
        (['pkcs8', 'pkcs1'] as const).map(
          (type) => () => createPrivateKey({ key: material.bytes, format: 'der', type, passphrase })
        )
      )
    case 'ssh':
      return O.none
  }
}

/** The fields of RFC 4253: each is its length in 4 bytes, and its bytes. None if bytes are missing. */
const sshFields = (bytes: Uint8Array): O.Option<ReadonlyArray<Buffer>> => {
  const all = Buffer.from(bytes)
  const fields: Array<Buffer> = []
  for (let at = 0; at < all.length;) {
    if (at + 4 > all.length) return O.none
    const end = at + 4 + all.readUInt32BE(at)
    if (end > all.length) return O.none
    fields.push(all.subarray(at + 4, end))
    at = end
  }
  return O.some(fields)
}

/** `ssh-rsa`, the exponent and the modulus. */
const readSshLine = (text: string): O.Option<KeyObject> => {
  const [, base64 = ''] = text.trim().split(/\s+/)
  const bytes = decodeBase64(base64)
  const fields = O.isSome(bytes) ? sshFields(bytes.value) : O.none
  if (O.isNone(fields)) return O.none
  const [type, exponent, modulus, ...rest] = fields.value
  if (type?.toString('latin1') !== 'ssh-rsa' || exponent === undefined || modulus === undefined) return O.none
  if (rest.length > 0) return O.none
  // A leading zero marks a positive number there, and has no meaning here.
  const unsigned = (field: Buffer): string =>
    (field[0] === 0 ? field.subarray(1) : field).toString('base64url')
  return O.tryCatch(() =>
    createPublicKey({ key: { kty: 'RSA', e: unsigned(exponent), n: unsigned(modulus) }, format: 'jwk' })
  )
}

/** A public key: SPKI, PKCS#1, a certificate in PEM, or an `ssh-rsa` line. */
export const readPublic = (material: KeyMaterial): O.Option<KeyObject> => {
  switch (material.form) {
    case 'pem':
      return O.tryCatch(() => createPublicKey(material.text))
    case 'der':
      return firstOf(
        (['spki', 'pkcs1'] as const).map(
          (type) => () => createPublicKey({ key: material.bytes, format: 'der', type })
        )
      )
    case 'ssh':
      return readSshLine(material.text)
  }
}
