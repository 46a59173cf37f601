import { createSecretKey } from 'node:crypto'
import fc from 'fast-check'
import t from 'tap'
import { markOwned } from '../../lib/core/owned-memory.js'
import { applyCtr, applyCtrInPlace, counterBlock, decryptCtr } from '../../lib/encryption/ctr.js'
import { bytesOf, joinBytes, splitBytes } from '../support/bytes.js'
import { from, toArray, yieldThenFail } from '../support/iterables.js'

// NIST SP 800-38A, F.5.5: CTR-AES256.Encrypt.
const key = createSecretKey(
  Buffer.from('603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4', 'hex')
)
const iv = Buffer.from('f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff', 'hex')
const plain = Buffer.from(
  '6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e5130c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710',
  'hex'
)
const cipher = Buffer.from(
  '601ec313775789a5b7a7f504bbf3d228f443e3ca4d62b59aca84e990cacaf5c52b0930daa23de94ce87017ba2d84988ddfc9c58db67aada613c2dd08457941a6',
  'hex'
)

const apply = async (bytes: Uint8Array, offset: number, chunk = 7): Promise<Buffer> =>
  Buffer.concat(await toArray(applyCtr({ key, iv }, offset)(splitBytes(bytes, chunk))))

t.test('the vectors of NIST are encrypted and decrypted, from every byte', async (t) => {
  for (let at = 0; at <= plain.length; at += 1) {
    t.ok((await apply(plain.subarray(at), at)).equals(cipher.subarray(at)), `encrypted from ${String(at)}`)
    t.ok(
      (await apply(cipher.subarray(at), at, 16)).equals(plain.subarray(at)),
      `decrypted from ${String(at)}`
    )
  }
})

t.test('the counter carries into the high half and wraps at 2^128', async (t) => {
  const ones = Buffer.alloc(16, 0xff)
  t.equal(counterBlock(ones, 0).toString('hex'), 'f'.repeat(32))
  t.equal(counterBlock(ones, 15).toString('hex'), 'f'.repeat(32))
  t.equal(counterBlock(ones, 16).toString('hex'), '0'.repeat(32))
  t.equal(
    counterBlock(Buffer.from('00000000000000ffffffffffffffffff', 'hex'), 16).toString('hex'),
    '00000000000001000000000000000000'
  )
  // Above 2^32 blocks: COS's largest object.
  t.equal(
    counterBlock(Buffer.alloc(16), 50_000 * 1024 ** 3).toString('hex'),
    ((50_000n * 1024n ** 3n) / 16n).toString(16).padStart(32, '0')
  )
})

t.test('parts that are encrypted apart are those of the whole, whatever the chunks', async () => {
  const bytes = bytesOf(5000)
  const whole = await apply(bytes, 0)
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 0, max: 5000 }),
      fc.integer({ min: 0, max: 5000 }),
      fc.integer({ min: 1, max: 999 }),
      async (a, b, chunk) => {
        const [first, end] = a < b ? [a, b] : [b, a]
        return (await apply(bytes.subarray(first, end), first, chunk)).equals(whole.subarray(first, end))
      }
    )
  )
})

t.test('a large chunk is encrypted in slices of 256 KiB', async (t) => {
  const sizes = (
    await toArray(applyCtr({ key, iv }, 0)(from(Buffer.alloc(600 * 1024), Buffer.alloc(0))))
  ).map(({ length }) => length)
  t.same(sizes, [256 * 1024, 256 * 1024, 88 * 1024])
})

t.test('in reused memory the bytes are the same', async (t) => {
  const bytes = bytesOf(600 * 1024)
  for (const chunk of [777, 100_000, bytes.length]) {
    const found = await joinBytes(applyCtrInPlace({ key, iv }, 5)(splitBytes(bytes, chunk)))
    t.ok(found.equals(await apply(bytes, 5, chunk)), String(chunk))
  }
  const chunks = await toArray(applyCtrInPlace({ key, iv }, 0)(from(bytes)))
  t.equal(new Set(chunks.map(({ buffer }) => buffer)).size, 1)
})

t.test('it reads nothing ahead, closes its source, and passes its error', async (t) => {
  let read = 0
  let isClosed = false
  const source = async function* () {
    try {
      for (;;) {
        read += 1
        yield Buffer.of(1)
      }
    } finally {
      isClosed = true
    }
  }
  const stage = applyCtr({ key, iv }, 0)(source())
  await stage.next()
  t.equal(read, 1)
  await stage.return()
  t.ok(isClosed)
  await t.rejects(toArray(applyCtr({ key, iv }, 0)(yieldThenFail(new Error('disk'), Buffer.of(1)))), {
    message: 'disk'
  })
  await t.rejects(toArray(applyCtr({ key, iv }, 0)(from('text' as never))), TypeError)
})

t.test('decryptCtr frees the memory of a response, and applyCtr that of no chunk', async (t) => {
  const bytes = bytesOf(600_000)
  const encryptedBytes = await apply(bytes, 16, 300_000)
  const chunks = () => [0, 300_000].map((at) => Buffer.from(encryptedBytes.subarray(at, at + 300_000)))
  const [owned, other] = [chunks().map(markOwned), chunks()]
  for (const [stage, source] of [
    [applyCtr, owned],
    [decryptCtr, other],
    [decryptCtr, owned]
  ] as const) {
    t.same(
      source.map(({ length }) => length),
      [300_000, 300_000]
    )
    t.ok(Buffer.concat(await toArray(stage({ key, iv }, 16)(from(...source)))).equals(bytes))
  }
  t.same(
    owned.map(({ length }) => length),
    [0, 0]
  )
})
