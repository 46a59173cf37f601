import {
  constants,
  createPrivateKey,
  createPublicKey,
  privateDecrypt,
  publicEncrypt,
  randomBytes
} from 'node:crypto'
import * as O from 'fp-ts/lib/Option.js'
import t from 'tap'
import {
  decodeOaep,
  decodePkcs1v15,
  encodeOaep,
  javaOaep,
  pythonOaep,
  seedSize
} from '../../lib/encryption/rsa-padding.js'
import { vectorKeyText } from '../support/encryption.js'

const publicKey = createPublicKey(vectorKeyText('rsa2048-a.public.spki.pem'))
const privateKey = createPrivateKey(vectorKeyText('rsa2048-a.private.pkcs8.pem'))
const size = 256
const message = randomBytes(32)
const raw = (wrapped: Uint8Array): Buffer =>
  privateDecrypt({ key: privateKey, padding: constants.RSA_NO_PADDING }, wrapped)

/** A change of each byte, in one of its bits. */
const changes = function* (block: Uint8Array): Generator<readonly [at: number, changed: Buffer]> {
  for (let at = 0; at < block.length; at += 1) {
    const changed = Buffer.from(block)
    changed[at] = changed[at]! ^ (1 << (at % 8))
    yield [at, changed]
  }
}

t.test('OpenSSL decrypts what encodeOaep encodes, and the other way round', async (t) => {
  const block = encodeOaep(pythonOaep, message, randomBytes(seedSize(pythonOaep)), size)
  const wrapped = publicEncrypt({ key: publicKey, padding: constants.RSA_NO_PADDING }, block)
  t.same(
    privateDecrypt({ key: privateKey, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha1' }, wrapped),
    message
  )
  for (const [hashes, oaepHash] of [
    [pythonOaep, 'sha1'],
    [{ hash: 'sha256', mgf1: 'sha256' }, 'sha256']
  ] as const) {
    const theirs = publicEncrypt(
      { key: publicKey, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash },
      message
    )
    t.same(decodeOaep(hashes, raw(theirs), 32), O.some(message))
  }
})

t.test('OAEP with any changed byte, another length or other hashes is none', async (t) => {
  const block = encodeOaep(javaOaep, message, randomBytes(seedSize(javaOaep)), size)
  t.same(decodeOaep(javaOaep, block, 32), O.some(message))
  for (const [at, changed] of changes(block)) t.same(decodeOaep(javaOaep, changed, 32), O.none, String(at))
  for (const length of [0, 16, 31, 33, 190, 191, 192, 256])
    t.same(decodeOaep(javaOaep, block, length), O.none, String(length))
  t.same(decodeOaep(pythonOaep, block, 32), O.none)
})

t.test('PKCS#1 v1.5 of OpenSSL is decoded', async (t) => {
  const wrapped = publicEncrypt({ key: publicKey, padding: constants.RSA_PKCS1_PADDING }, message)
  t.same(decodePkcs1v15(raw(wrapped), 32), O.some(message))
})

t.test('PKCS#1 v1.5 with a wrong marker, a zero in its padding or another length is none', async (t) => {
  const block = Buffer.concat([Buffer.of(0, 2), Buffer.alloc(size - 35, 0xff), Buffer.of(0), message])
  t.same(decodePkcs1v15(block, 32), O.some(message))
  for (const at of [0, 1, size - 33]) {
    const changed = Buffer.from(block)
    changed[at] = 7
    t.same(decodePkcs1v15(changed, 32), O.none, `byte ${String(at)}`)
  }
  for (let at = 2; at < size - 33; at += 1) {
    const changed = Buffer.from(block)
    changed[at] = 0
    t.same(decodePkcs1v15(changed, 32), O.none, `zero at ${String(at)}`)
  }
  for (const length of [0, 16, 31, 33, 246, 256])
    t.same(decodePkcs1v15(block, length), O.none, String(length))
  const short = Buffer.concat([Buffer.of(0, 2), Buffer.alloc(7, 1), Buffer.of(0), message])
  t.same(decodePkcs1v15(short, 32), O.none, '7 bytes of padding')
})
