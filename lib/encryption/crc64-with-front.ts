/** The checksum of a sealed object whose metadata have another wrapping than its header, after a `rewrap`. */
import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import { combineCrc64, crc64, type Crc64Run } from '../core/crc64.js'
import {
  encodeHeader,
  headerSize,
  isSameObject,
  padHeader,
  readObjectHeader,
  type SealedHeader
} from './sealed-header.js'

/**
 * The CRC64 of the object as it is stored, from that of the same segments behind the header of the metadata. CRC64 is linear:
 * the segments need not be encrypted again.
 *
 * @shape  `front`: the first 1,024 bytes of the object; `sealed`: the object with `header`. None if the header at the start is
 *         that of another object
 */
export const crc64WithFront = async (
  header: SealedHeader,
  front: Uint8Array,
  sealed: Crc64Run
): Promise<O.Option<bigint>> => {
  const stored = readObjectHeader(front)
  if (E.isLeft(stored) || !isSameObject(stored.right, header)) return O.none
  const share = async (bytes: Uint8Array): Promise<bigint> =>
    combineCrc64(await crc64(bytes), 0n, sealed.size - headerSize)
  const [theirs, ours] = await Promise.all([share(front), share(padHeader(encodeHeader(header)))])
  return O.some(sealed.crc64 ^ ours ^ theirs)
}
