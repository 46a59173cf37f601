import { randomBytes } from 'node:crypto'
import * as O from 'fp-ts/lib/Option.js'
import t from 'tap'
import { crc64 } from '../../lib/core/crc64.js'
import { crc64WithFront } from '../../lib/encryption/crc64-with-front.js'
import { createObjectCipher } from '../../lib/encryption/object-cipher.js'
import {
  encodeHeader,
  headerSize,
  padHeader,
  readMetadataHeader,
  type SealedHeader
} from '../../lib/encryption/sealed-header.js'
import { bytesOf, joinBytes, splitBytes } from '../support/bytes.js'
import { aes, at } from '../support/encryption.js'
import { right } from '../support/server.js'

const seal = async (plain: Buffer): Promise<{ readonly object: Buffer; readonly header: SealedHeader }> => {
  const cipher = right(
    await createObjectCipher(aes, at, { format: 'sealed', bindsName: true }, randomBytes)()
  )
  return {
    object: await joinBytes(cipher.encrypt({ offset: 0, last: true })(splitBytes(plain, 50_000))),
    header: right(readMetadataHeader(cipher.metadata['cospipe-sealed'] ?? ''))
  }
}

t.test('the checksum of an object with another wrapping follows from its header alone', async (t) => {
  for (const size of [0, 1, 70_000]) {
    const { object, header } = await seal(bytesOf(size))
    const other = { ...header, keyId: 'other', wrappedKey: bytesOf(40, 2) }
    const stored = Buffer.concat([padHeader(encodeHeader(other)), object.subarray(headerSize)])
    const run = { crc64: await crc64(object), size: object.length }
    t.same(await crc64WithFront(header, stored.subarray(0, headerSize), run), O.some(await crc64(stored)))
    t.same(await crc64WithFront(header, object.subarray(0, headerSize), run), O.some(run.crc64))
  }
})

t.test('the header of another object, and bytes that are no header, have no checksum', async (t) => {
  const [one, two] = [await seal(bytesOf(9)), await seal(bytesOf(9))]
  const run = { crc64: await crc64(one.object), size: one.object.length }
  for (const front of [
    two.object.subarray(0, headerSize),
    Buffer.alloc(headerSize),
    one.object.subarray(0, 99)
  ])
    t.same(await crc64WithFront(one.header, front, run), O.none)
})
