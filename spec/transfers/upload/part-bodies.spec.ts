import { randomBytes } from 'node:crypto'
import { pipe } from 'fp-ts/lib/function.js'
import * as O from 'fp-ts/lib/Option.js'
import t from 'tap'
import { createObjectCipher } from '../../../lib/encryption/object-cipher.js'
import type { Part } from '../../../lib/stages/cut-parts.js'
import { addBodies } from '../../../lib/transfers/upload/part-bodies.js'
import { bytesOf } from '../../support/bytes.js'
import { bucket } from '../../support/cos.js'
import { aes } from '../../support/encryption.js'
import { from, toArray } from '../../support/iterables.js'
import { right } from '../../support/server.js'

const block = 256 * 1024
const bytes = bytesOf(2 * block)

const partOf = (release: () => void): Part => ({
  number: 1,
  offset: 0,
  size: bytes.length,
  chunks: [bytes.subarray(0, block), bytes.subarray(block)],
  last: false,
  release
})

const cipherOf = async (format: 'sealed' | 'python') =>
  right(await createObjectCipher(aes, { bucket, key: 'a' }, { format, bindsName: true }, randomBytes)())

const bodyOf = async (part: Part, format: 'sealed' | 'python') => {
  const [found] = await toArray(pipe(from(part), addBodies(O.some(await cipherOf(format)), {})))
  const body = found?.body
  if (found === undefined || typeof body !== 'object' || !('open' in body)) throw new Error('no body')
  return { part: found, body }
}

t.test('an encrypted body is the same bytes each time that it is read, of the announced size', async (t) => {
  for (const format of ['sealed', 'python'] as const) {
    const { part, body } = await bodyOf(
      partOf(() => undefined),
      format
    )
    const [first, second] = await Promise.all([toArray(body.open()), toArray(body.open())])
    t.ok(Buffer.concat(first).equals(Buffer.concat(second)))
    t.equal(Buffer.concat(first).length, body.size)
    t.match(part, { size: body.size, sourceSize: bytes.length })
  }
})

t.test('a body encrypts no byte of a part that was released', async (t) => {
  for (const format of ['sealed', 'python'] as const) {
    let released = 0
    const { part, body } = await bodyOf(
      partOf(() => {
        released += 1
      }),
      format
    )
    const reader = body.open()[Symbol.asyncIterator]()
    await reader.next()
    part.release()
    t.equal(released, 1)
    const rest: AsyncIterable<Uint8Array> = { [Symbol.asyncIterator]: () => reader }
    await t.rejects(toArray(rest), { message: 'the part was released' })
    await t.rejects(toArray(body.open()), { message: 'the part was released' })
  }
})

t.test('without encryption a body has the chunks of its part and their checksum', async (t) => {
  const parts = await toArray(pipe(from(partOf(() => undefined)), addBodies(O.none, { md5: true })))
  t.same(
    parts.map(({ size, sourceSize, body }) => [
      size,
      sourceSize,
      typeof body === 'object' && 'chunks' in body
    ]),
    [[bytes.length, bytes.length, true]]
  )
  t.ok(parts.every(({ md5, crc64 }) => O.isSome(md5) && O.isSome(crc64)))
})
