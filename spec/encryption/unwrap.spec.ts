import { createCipheriv, randomBytes } from 'node:crypto'
import * as O from 'fp-ts/lib/Option.js'
import * as TE from 'fp-ts/lib/TaskEither.js'
import t from 'tap'
import type { ForeignEnvelope } from '../../lib/encryption/foreign-envelope.js'
import { keyring } from '../../lib/encryption/keyring.js'
import { kmsKey } from '../../lib/encryption/kms-key.js'
import type { KmsHook } from '../../lib/encryption/master-key.js'
import { unwrapDataKey } from '../../lib/encryption/unwrap.js'
import { checkWrappedLengths } from '../../lib/encryption/wrapped-lengths.js'
import { aes, masterKeys, rsa } from '../support/encryption.js'
import { left, right } from '../support/server.js'

const dataKey = randomBytes(32)
const iv = randomBytes(16)

const go: ForeignEnvelope = {
  formats: ['go', 'java-ctr'],
  cipher: 'ctr',
  wrap: 'KMS/TencentCloud',
  wrappedKey: Buffer.from('blob of the key'),
  iv: { wrapped: Buffer.from('blob of the IV') },
  description: { k: 'v' },
  keyId: O.none,
  plainSize: O.none
}

const hook = (change: Partial<KmsHook> = {}): KmsHook => ({
  id: 'cmk',
  wrap: () => TE.left(new Error('not used')),
  unwrap: (wrapped) => TE.right(Buffer.from(wrapped).toString() === 'blob of the key' ? dataKey : iv),
  ...change
})

const unwrap = (envelope: ForeignEnvelope, ...keys: Parameters<typeof keyring>) =>
  unwrapDataKey(keyring(...keys), envelope, { pkcs1v15: false })()

t.test('a key service decrypts the key and the IV with the description as its context', async (t) => {
  const contexts: Array<unknown> = []
  const kms = right(
    kmsKey(
      hook({
        unwrap: (wrapped, context) => {
          contexts.push(context)
          return hook().unwrap(wrapped, context)
        }
      })
    )
  )
  const unwrapped = right(await unwrap(go, aes, kms))
  t.equal(unwrapped.master, kms)
  t.ok(unwrapped.dataKey.key.export().equals(dataKey))
  t.same(unwrapped.dataKey.iv, iv)
  t.same(contexts, [{ k: 'v' }, { k: 'v' }])
})

t.test('a key service that fails, throws or rejects is Kms with its message', async (t) => {
  for (const fails of [
    () => TE.left(new Error('no right')),
    () => {
      throw new Error('no right')
    },
    () => () => Promise.reject(new Error('no right'))
  ]) {
    const failed = left(await unwrap(go, right(kmsKey(hook({ unwrap: fails })))))
    t.match(failed, { reason: 'Kms', problem: 'the key service failed: no right', keyId: O.some('cmk') })
  }
  const silent = left(await unwrap(go, right(kmsKey(hook({ unwrap: () => TE.left('secret text') })))))
  t.match(silent, { reason: 'Kms', problem: 'the key service failed' })
})

t.test('a key service that returns another length is WrongKey', async (t) => {
  for (const bytes of [Buffer.alloc(0), Buffer.alloc(16), Buffer.alloc(31), Buffer.alloc(33)])
    t.match(left(await unwrap(go, right(kmsKey(hook({ unwrap: () => TE.right(bytes) }))))), {
      reason: 'WrongKey'
    })
})

t.test('of two key services the first that succeeds is used', async (t) => {
  const [bad, good] = [
    right(kmsKey(hook({ id: 'a', unwrap: () => TE.left(new Error('other key')) }))),
    right(kmsKey(hook({ id: 'b' })))
  ]
  t.equal(right(await unwrap(go, bad, good)).master, good)
  t.match(left(await unwrap(go, bad)), { reason: 'Kms' })
})

t.test('without a key of the needed kind it is NoKey', async (t) => {
  t.match(left(await unwrap(go, aes, rsa)), { reason: 'NoKey' })
  t.match(left(await unwrap({ ...go, keyId: O.some('cmk') }, aes)), { reason: 'NoKey', keyId: O.some('cmk') })
})

t.test('RFC 3394 finds each flipped bit', async (t) => {
  const wrap = (bytes: Uint8Array): Buffer =>
    createCipheriv(
      'id-aes256-wrap',
      Buffer.from(Uint8Array.from({ length: 32 }, (_, n) => n)),
      Buffer.alloc(8, 0xa6)
    ).update(bytes)
  const envelope: ForeignEnvelope = {
    ...go,
    wrap: 'AESWrap',
    wrappedKey: wrap(dataKey),
    iv: { wrapped: wrap(iv) }
  }
  t.ok(
    right(await unwrap(envelope, masterKeys['aes256-a']!))
      .dataKey.key.export()
      .equals(dataKey)
  )
  for (let bit = 0; bit < 40 * 8; bit += 1) {
    const flipped = Buffer.from(envelope.wrappedKey)
    flipped[bit >> 3] = flipped[bit >> 3]! ^ (1 << (bit & 7))
    if (left(await unwrap({ ...envelope, wrappedKey: flipped }, aes)).reason !== 'WrongKey')
      t.fail(String(bit))
  }
})

t.test('lengths that no wrap has are BadEnvelope', async (t) => {
  const withSize = (
    wrap: ForeignEnvelope['wrap'],
    key: number,
    ivSize: number,
    cipher: ForeignEnvelope['cipher'] = 'ctr'
  ): ForeignEnvelope => ({
    ...go,
    wrap,
    cipher,
    wrappedKey: Buffer.alloc(key),
    iv: { wrapped: Buffer.alloc(ivSize) }
  })
  const oaep = 'RSA/ECB/OAEPWithSHA-256AndMGF1Padding'
  for (const envelope of [
    withSize('python', 16, 16),
    withSize('python', 24, 16),
    withSize('python', 31, 16),
    withSize('python', 32, 15),
    withSize('python', 32, 256),
    withSize('python', 256, 255),
    withSize('python', 127, 127),
    withSize('AESWrap', 32, 24),
    withSize('AESWrap', 40, 16),
    withSize('AESWrap', 40, 24, 'gcm'),
    withSize(oaep, 256, 255),
    withSize(oaep, 64, 64),
    { ...withSize(oaep, 256, 0), iv: { clear: Buffer.alloc(12) } },
    { ...withSize('KMS/TencentCloud', 9, 0), iv: { clear: Buffer.alloc(17) } }
  ])
    t.match(left(checkWrappedLengths(envelope)), { reason: 'BadEnvelope' })
  for (const envelope of [
    withSize('python', 32, 16),
    withSize('python', 256, 256),
    withSize('AESWrap', 40, 24),
    withSize(oaep, 384, 384),
    { ...withSize(oaep, 256, 0, 'gcm'), iv: { clear: Buffer.alloc(12) } },
    withSize('KMS/TencentCloud', 9, 200)
  ])
    right(checkWrappedLengths(envelope))
})
