/** Contents made from stored bytes: ranges of objects, and zeros. */
import { createHash } from 'node:crypto'
import { combineCrc64, crc64, crc64Hasher } from '../../../core/crc64.js'
import { etagOf } from './attributes.js'
import type { Blobs } from '../../store/blobs.js'
import { type Content, type Encryption, type Segment, zeros } from '../../store/model.js'

/** The CRC64 of `size` zeros, combined from the CRC64 of one by repeated doubling. */
const crcOfZeros = (one: bigint, size: number): bigint => {
  let sum = 0n
  let run = one
  let length = 1
  for (let left = size; left > 0; left = Math.floor(left / 2)) {
    if (left % 2 === 1) sum = combineCrc64(sum, run, length)
    run = combineCrc64(run, run, length)
    length *= 2
  }
  return sum
}

const oneZero = crc64(new Uint8Array(1))

/**
 * `size` zeros that take no memory. The ETag is opaque, like that of a multipart upload: the MD5 of terabytes would take
 * hours.
 */
export const zeroContent = async (size: number): Promise<Content> => ({
  size,
  crc64: crcOfZeros(await oneZero, size),
  etag: `"${createHash('md5').update(String(size)).digest('hex')}-1"`,
  segments: zeros(size)
})

/** Reads stored segments to hash them. The caller holds references to their blobs. */
export const contentOf = async (
  blobs: Blobs,
  segments: ReadonlyArray<Segment>,
  encryption: Encryption
): Promise<Content> => {
  const size = segments.reduce((sum, segment) => sum + segment.size, 0)
  if (segments.length > 0 && segments.every(({ blob }) => blob === null)) return zeroContent(size)
  const md5 = createHash('md5')
  const crc = await crc64Hasher()
  try {
    for await (const chunk of blobs.read(segments)) {
      md5.update(chunk)
      crc.update(chunk)
    }
    return { size, segments, crc64: crc.digest(), etag: etagOf(md5.digest('hex'), encryption) }
  } finally {
    crc.release()
  }
}
