import { createCipheriv, createSecretKey } from 'node:crypto'
import t from 'tap'
import { contextWithoutObject, CosException } from '../../lib/core/error.js'
import { decryptCbc } from '../../lib/encryption/cbc.js'
import { bytesOf, splitBytes } from '../support/bytes.js'
import { toArray, yieldThenFail } from '../support/iterables.js'

const context = contextWithoutObject('GetObject')
const secret = bytesOf(32)
const iv = bytesOf(16, 2)
const dataKey = { key: createSecretKey(secret), iv }

const seal = (plain: Uint8Array): Buffer => {
  const cipher = createCipheriv('aes-256-cbc', secret, iv)
  return Buffer.concat([cipher.update(plain), cipher.final()])
}
const open = async (sealed: Uint8Array, chunk = 16): Promise<Buffer> =>
  Buffer.concat(await toArray(decryptCbc(dataKey, context)(splitBytes(sealed, chunk))))

t.test('an object of any size is decrypted, whatever the chunks', async (t) => {
  for (const size of [0, 1, 15, 16, 17, 1000])
    for (const chunk of [1, 16, 17, 2000])
      t.ok((await open(seal(bytesOf(size, 3)), chunk)).equals(bytesOf(size, 3)), String(size))
})

t.test('a wrong padding and a length that is no multiple of 16 are BadSegment', async (t) => {
  const sealed = seal(bytesOf(40))
  for (const wrong of [Buffer.alloc(0), sealed.subarray(0, 47), sealed.subarray(0, 32), Buffer.alloc(16)])
    await open(wrong).then(
      () => t.fail(`${String(wrong.length)} bytes were opened`),
      (thrown: unknown) => {
        t.ok(
          thrown instanceof CosException &&
            thrown.error._tag === 'EncryptionError' &&
            thrown.error.reason === 'BadSegment'
        )
      }
    )
})

t.test('a change before the last two blocks is not noticed: CBC authenticates nothing', async (t) => {
  const plain = bytesOf(100)
  const sealed = seal(plain)
  sealed[3] = sealed[3]! ^ 1
  t.equal((await open(sealed)).length, plain.length)
  t.notOk((await open(sealed)).equals(plain))
})

t.test('an error of the source passes unchanged', async (t) => {
  await t.rejects(toArray(decryptCbc(dataKey, context)(yieldThenFail(new Error('net'), bytesOf(32)))), {
    message: 'net'
  })
})
