/** The commitment of a header, on a ciphertext that AES-GCM alone would accept under two keys. */
import { randomBytes } from 'node:crypto'
import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import t from 'tap'
import { contextWithoutObject } from '../../lib/core/error.js'
import { keyring } from '../../lib/encryption/keyring.js'
import { encodeHeader, nameHash, padHeader, type SealedHeader } from '../../lib/encryption/sealed-header.js'
import { checkName, deriveKeys } from '../../lib/encryption/sealed-key.js'
import { openSealedObject } from '../../lib/encryption/sealed-object.js'
import { openSegments } from '../../lib/encryption/sealed-segments.js'
import { unwrapSealed, wrapSealed } from '../../lib/encryption/sealed-wrap.js'
import { bytesOf, joinBytes, splitBytes } from '../support/bytes.js'
import { aes, at, rsa } from '../support/encryption.js'
import { left, right } from '../support/server.js'
import { twoKeySegment } from '../support/two-key-segment.js'

const context = contextWithoutObject('GetObject')
const shape = { salt: bytesOf(32, 9), name: O.some(nameHash(at)) }
const secrets = [bytesOf(32, 7), bytesOf(32, 8)]
const keys = secrets.map((secret) => deriveKeys(secret, shape))
const segment = twoKeySegment(keys[0]!.dataKey, keys[1]!.dataKey, bytesOf(16, 10))

t.test('without the commitment, a segment that was made for two keys opens under both', async (t) => {
  const texts = []
  for (const { dataKey } of keys)
    texts.push(
      await joinBytes(openSegments(dataKey, { first: 0, toEnd: true }, context)(splitBytes(segment, 100)))
    )
  t.notOk(texts[0]?.equals(texts[1]!), 'as two plaintexts')
})

t.test('with the commitment, an object that was made for two keys opens under one of them', async (t) => {
  for (const key of [aes, rsa])
    for (const [n, secret] of secrets.entries())
      for (const [m, { commitment }] of keys.entries()) {
        const wrapped = right(await wrapSealed(key, secret, randomBytes)())
        const header: SealedHeader = { ...shape, ...wrapped, keyId: key.id, commitment }
        const unwrapped = await unwrapSealed(keyring(key), header)()
        if (n !== m) {
          t.match(left(unwrapped), { reason: 'WrongKey' })
          continue
        }
        const object = Buffer.concat([padHeader(encodeHeader(header)), segment])
        const opened = openSealedObject(header, right(unwrapped).dataKey, context)(splitBytes(object, 100))
        t.equal((await joinBytes(opened)).length, 32)
      }
})

t.test('a name is that of the bucket and the key, without one leading slash', (t) => {
  const header = {
    ...shape,
    wrap: 'aes',
    keyId: 'a',
    wrappedKey: bytesOf(40),
    commitment: bytesOf(32)
  } as const
  t.ok(E.isRight(checkName(header, at)))
  t.ok(E.isRight(checkName(header, { ...at, key: `/${at.key}` })))
  for (const other of [
    { ...at, key: `${at.key}/` },
    { ...at, bucket: `x${at.bucket}` },
    { ...at, key: `//${at.key}` }
  ])
    t.match(left(checkName(header, other)), { reason: 'OtherName' })
  t.match(left(checkName({ ...header, name: O.none }, at)), { reason: 'OtherName' })
  t.end()
})
