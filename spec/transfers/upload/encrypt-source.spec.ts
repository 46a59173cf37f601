import { randomBytes } from 'node:crypto'
import { pipe } from 'fp-ts/lib/function.js'
import * as O from 'fp-ts/lib/Option.js'
import t from 'tap'
import { contextWithoutObject } from '../../../lib/core/error.js'
import { createObjectCipher, type WriteFormat } from '../../../lib/encryption/object-cipher.js'
import type { SourceExpectation } from '../../../lib/stages/check-source.js'
import { encryptSource } from '../../../lib/transfers/upload/encrypt-source.js'
import { bytesOf, joinBytes, splitBytes } from '../../support/bytes.js'
import { aes, at } from '../../support/encryption.js'
import { from, toArray, yieldThenFail } from '../../support/iterables.js'
import { right } from '../../support/server.js'

const KiB = 1024
const context = contextWithoutObject('uploadStream')
const formats: ReadonlyArray<WriteFormat> = ['sealed', 'python']

const cipherOf = async (format: WriteFormat) =>
  right(await createObjectCipher(aes, at, { format, bindsName: true }, randomBytes)())

const encryptedBy = async (format: WriteFormat, expected: Partial<SourceExpectation> = {}) =>
  encryptSource(O.some(await cipherOf(format)), { context, ...expected })

t.test('the ciphertext is that of the whole object, for any chunks of the source', async (t) => {
  const plain = bytesOf(200 * KiB + 7)
  for (const format of formats) {
    const cipher = await cipherOf(format)
    const whole = await joinBytes(cipher.encryptInBlocks({ offset: 0, last: true })(from(plain)))
    for (const chunk of [999, 64 * KiB, plain.length]) {
      const encrypted = encryptSource(O.some(cipher), { context })(splitBytes(plain, chunk))
      t.ok((await joinBytes(encrypted)).equals(whole), `${format}, chunks of ${String(chunk)}`)
    }
  }
})

t.test('a source may reuse its buffer', async (t) => {
  const slab = Buffer.alloc(64 * KiB)
  const yieldReused = async function* () {
    for (let n = 0; n < 3; n += 1) yield slab.fill(n)
    slab.fill(255)
  }
  const wanted = Buffer.concat([0, 1, 2].map((n) => Buffer.alloc(slab.length, n)))
  for (const format of formats) {
    const cipher = await cipherOf(format)
    const whole = await joinBytes(cipher.encryptInBlocks({ offset: 0, last: true })(from(wanted)))
    t.ok((await joinBytes(encryptSource(O.some(cipher), { context })(yieldReused()))).equals(whole), format)
  }
})

t.test('text and another length are a SourceError with the sizes of the plaintext', async (t) => {
  for (const format of formats)
    for (const [source, length, message] of [
      [from('text' as never), 4, 'a chunk is not bytes (encode text first)'],
      [from(bytesOf(3), bytesOf(3)), 5, 'more than the expected 5 bytes (length)'],
      [from(bytesOf(3)), 5, 'ended after 3 bytes, expected 5 (length)']
    ] as const) {
      const encrypt = await encryptedBy(format, { length })
      await t.rejects(toArray(encrypt(source)), {
        name: 'CosException',
        error: { _tag: 'SourceError', cause: { message } }
      })
    }
})

t.test('the event loop has turns while a source that never waits is encrypted', async (t) => {
  for (const format of formats) {
    let turns = 0
    const timer = setInterval(() => (turns += 1), 0)
    let seen = 0
    for await (const chunk of pipe(from(bytesOf(4 * KiB * KiB)), await encryptedBy(format)))
      seen += chunk.length
    clearInterval(timer)
    t.ok(seen >= 4 * KiB * KiB && turns > 0, `${format}: ${String(turns)} turns`)
  }
})

t.test(
  'it reads no more than it returns and one segment, closes its source, and passes its error',
  async (t) => {
    for (const format of formats) {
      let read = 0
      let isClosed = false
      const source = async function* () {
        try {
          for (;;) {
            read += 1
            yield Buffer.alloc(64 * KiB)
          }
        } finally {
          isClosed = true
        }
      }
      const encrypt = await encryptedBy(format)
      const reader = encrypt(source())[Symbol.asyncIterator]()
      await reader.next()
      await reader.next()
      t.equal(read, 2, format)
      await reader.return?.()
      t.ok(isClosed)
      await t.rejects(toArray(encrypt(yieldThenFail(new Error('disk'), Buffer.of(1)))), { message: 'disk' })
    }
  }
)

t.test('without a cipher it is the source itself', (t) => {
  const source = from(bytesOf(5))
  t.equal(encryptSource(O.none, { context })(source), source)
  t.end()
})
