/** Sealed objects of up to three segments, changed at every byte and cut at every length, through the decoder of all readers. */
import { randomBytes } from 'node:crypto'
import t from 'tap'
import { contextWithoutObject, CosException } from '../../lib/core/error.js'
import { keyring } from '../../lib/encryption/keyring.js'
import { createObjectCipher } from '../../lib/encryption/object-cipher.js'
import { encodeHeader, headerSize, readMetadataHeader } from '../../lib/encryption/sealed-header.js'
import { openPart } from '../../lib/encryption/sealed-object.js'
import { sealedSegmentSize, segmentSize } from '../../lib/encryption/sealed-segments.js'
import { unwrapSealed } from '../../lib/encryption/sealed-wrap.js'
import { bytesOf, joinBytes, splitBytes } from '../support/bytes.js'
import { aes, at } from '../support/encryption.js'
import { isLongForm } from '../support/long-form.js'
import { right } from '../support/server.js'

const context = contextWithoutObject('GetObject')

const seal = async (size: number) => {
  const plain = bytesOf(size)
  const cipher = right(
    await createObjectCipher(aes, at, { format: 'sealed', bindsName: true }, randomBytes)()
  )
  const header = right(readMetadataHeader(cipher.metadata['cospipe-sealed'] ?? ''))
  const { dataKey } = right(await unwrapSealed(keyring(aes), header)())
  const bytes = await joinBytes(cipher.encrypt({ offset: 0, last: true })(splitBytes(plain, size)))
  /**
   * Opens an object from the segment of a place on: those before it are not changed. Returns the number of bytes that were
   * yielded before a failure.
   */
  const open = async (object: Uint8Array, place = 0) => {
    const segment = Math.max(0, Math.floor((place - headerSize) / sealedSegmentSize))
    const offset = segment * segmentSize
    const from = segment === 0 ? 0 : headerSize + segment * sealedSegmentSize
    const stage = openPart(header, dataKey, { offset, last: true }, context)
    let given = 0
    try {
      for await (const chunk of stage(splitBytes(object.subarray(from), object.length))) {
        if (!plain.subarray(offset + given, offset + given + chunk.length).equals(chunk))
          throw new Error('wrong bytes')
        given += chunk.length
      }
      return { reason: 'none', given }
    } catch (thrown) {
      if (!(thrown instanceof CosException) || thrown.error._tag !== 'EncryptionError') throw thrown
      return { reason: thrown.error.reason, given }
    }
  }
  return { header, bytes, open }
}

const sizes = [0, 1, segmentSize, 2 * segmentSize + 1, 3 * segmentSize]

/** All places below `end`, or in the short form some of them. */
const places = (end: number): ReadonlyArray<number> =>
  isLongForm
    ? [...Array(end).keys()]
    : [0, 1, 500, headerSize - 1, headerSize, headerSize + segmentSize, end - 17, end - 1].filter(
        (place) => place >= 0 && place < end
      )

t.test('a bit that is flipped in any byte is an error, and no byte of its segment is yielded', async (t) => {
  t.setTimeout(3_600_000)
  for (const size of sizes) {
    const { header, bytes, open } = await seal(size)
    t.same(await open(bytes), { reason: 'none', given: size })
    const wrappedAt = 45 + header.keyId.length + 32 + 2
    // Of the header at the start, the wrapping is not used: that of the metadata may be newer.
    const isWrapping = (place: number): boolean =>
      place === 9 ||
      (place > 44 && place < 45 + header.keyId.length) ||
      (place >= wrappedAt && place < encodeHeader(header).length - 32)
    for (const place of places(bytes.length)) {
      const bit = 1 << (place % 8)
      bytes[place] = bytes[place]! ^ bit
      const { reason, given } = await open(bytes, place)
      bytes[place] = bytes[place] ^ bit
      const isFound = reason === 'none' ? isWrapping(place) : given === 0
      if (!isFound) t.fail(`${String(size)} bytes: byte ${String(place)}: ${reason} after ${String(given)}`)
    }
  }
})

t.test(
  'an object that is cut at any length is an error, and no byte of a cut segment is yielded',
  async (t) => {
    t.setTimeout(3_600_000)
    for (const size of sizes) {
      const { bytes, open } = await seal(size)
      for (const length of places(bytes.length)) {
        // At the end of a segment, this is the one that should not be the last.
        const { reason, given } = await open(bytes.subarray(0, length), length - 1)
        if (reason === 'none' || given > 0)
          t.fail(`${String(size)} bytes: ${String(length)} are left: ${reason} after ${String(given)}`)
      }
    }
  }
)
