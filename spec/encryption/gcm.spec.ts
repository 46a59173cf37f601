import { createCipheriv, createSecretKey } from 'node:crypto'
import t from 'tap'
import { CosException } from '../../lib/core/error.js'
import { contextWithoutObject } from '../../lib/core/error.js'
import { applyCtr } from '../../lib/encryption/ctr.js'
import { decryptGcm, gcmCounter } from '../../lib/encryption/gcm.js'
import { bytesOf, splitBytes } from '../support/bytes.js'
import { toArray, yieldThenFail } from '../support/iterables.js'

const context = contextWithoutObject('GetObject')
const secret = bytesOf(32)
const iv = bytesOf(12, 2)
const dataKey = { key: createSecretKey(secret), iv }

const seal = (plain: Uint8Array): Buffer => {
  const cipher = createCipheriv('aes-256-gcm', secret, iv)
  return Buffer.concat([cipher.update(plain), cipher.final(), cipher.getAuthTag()])
}

const open = async (sealed: Uint8Array, chunk: number): Promise<Buffer> =>
  Buffer.concat(await toArray(decryptGcm(dataKey, context)(splitBytes(sealed, chunk))))

const reasonOf = async (work: Promise<unknown>): Promise<string> => {
  try {
    await work
    return 'none'
  } catch (thrown) {
    return thrown instanceof CosException && thrown.error._tag === 'EncryptionError'
      ? thrown.error.reason
      : String(thrown)
  }
}

t.test('an object of any size is decrypted, whatever the chunks', async (t) => {
  for (const size of [0, 1, 15, 16, 17, 100, 1000])
    for (const chunk of [1, 7, 15, 16, 17, 2000]) {
      const plain = bytesOf(size, 3)
      t.ok((await open(seal(plain), chunk)).equals(plain), `${String(size)} by ${String(chunk)}`)
    }
})

t.test('every flipped bit and every truncation is found', async (t) => {
  const sealed = seal(bytesOf(40))
  for (let bit = 0; bit < sealed.length * 8; bit += 1) {
    const flipped = Buffer.from(sealed)
    flipped[bit >> 3] = flipped[bit >> 3]! ^ (1 << (bit & 7))
    if ((await reasonOf(open(flipped, 16))) !== 'BadSegment') t.fail(`bit ${String(bit)}`)
  }
  for (let size = 0; size < sealed.length; size += 1)
    t.equal(
      await reasonOf(open(sealed.subarray(0, size), 9)),
      size < 16 ? 'Truncated' : 'BadSegment',
      String(size)
    )
})

t.test('the last chunk of a wrong object is not yielded', async (t) => {
  const sealed = seal(bytesOf(100))
  sealed[115] = sealed[115]! ^ 1
  let seen = 0
  await t.rejects(async () => {
    for await (const chunk of decryptGcm(dataKey, context)(splitBytes(sealed, 50))) seen += chunk.length
  })
  t.ok(seen < 100, `${String(seen)} bytes`)
  seen = 0
  await t.rejects(async () => {
    for await (const chunk of decryptGcm(dataKey, context)(splitBytes(sealed, 1000))) seen += chunk.length
  })
  t.equal(seen, 0)
})

t.test('CTR from the counter of GCM decrypts a part', async (t) => {
  const plain = bytesOf(200, 5)
  const sealed = seal(plain)
  const part = await toArray(applyCtr(gcmCounter(dataKey), 37)(splitBytes(sealed.subarray(37, 150), 11)))
  t.ok(Buffer.concat(part).equals(plain.subarray(37, 150)))
})

t.test('an error of the source passes unchanged', async (t) => {
  await t.rejects(toArray(decryptGcm(dataKey, context)(yieldThenFail(new Error('net'), bytesOf(30)))), {
    message: 'net'
  })
})
