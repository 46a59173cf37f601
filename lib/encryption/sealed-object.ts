/** A sealed object as a whole: its header, then its segments; sizes and positions in both directions. */
import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import { CosException, encryptionError, type Context, type EncryptionProblem } from '../core/error.js'
import type { DataKey } from './data-key.js'
import type { Span, WantedRange } from './extent.js'
import { tagSize } from './gcm.js'
import { encryptionProblem } from './problem.js'
import {
  encodeHeader,
  headerSize,
  isSameObject,
  padHeader,
  readObjectHeader,
  type SealedHeader
} from './sealed-header.js'
import { openSegments, sealedSegmentSize, sealSegments, segmentSize } from './sealed-segments.js'

// -- sizes and positions --
const segmentsOf = (plain: number): number => Math.max(1, Math.ceil(plain / segmentSize))

/** The size of a sealed object, from that of its plaintext. */
export const sealedSizeOf = (plain: number): number => headerSize + plain + tagSize * segmentsOf(plain)

/** The size of the plaintext of an object that has a valid size. */
export const plainSizeIn = (stored: number): number =>
  stored - headerSize - tagSize * Math.ceil((stored - headerSize) / sealedSegmentSize)

/**
 * The size of the plaintext of a sealed object of `stored` bytes.
 *
 * @errors `Truncated` if no plaintext has a ciphertext of this size
 */
export const openedSizeOf = (stored: number): E.Either<EncryptionProblem, number> => {
  const plain = plainSizeIn(stored)
  return stored >= headerSize + tagSize && sealedSizeOf(plain) === stored
    ? E.right(plain)
    : E.left(encryptionProblem('Truncated', 'no sealed object has this size'))
}

const segmentOf = (offset: number): number => Math.floor(offset / segmentSize)
const startOf = (segment: number): number => headerSize + segment * sealedSegmentSize

/** The segments that have a span of the plaintext, and their bytes in an object of `stored` bytes. */
export const segmentsIn = (
  { first, last }: Span,
  stored: number
): { readonly first: number; readonly span: Span; readonly toEnd: boolean } => {
  const end = Math.min(startOf(segmentOf(last) + 1), stored)
  return {
    first: segmentOf(first),
    span: { first: startOf(segmentOf(first)), last: end - 1 },
    toEnd: end === stored
  }
}

/** The bytes of a part that `sealPart` writes, from its first byte of plaintext to before the byte `end`. */
export const sealedPartSpan = ({ offset, last }: SealedPart, end: number): Span => ({
  first: offset === 0 ? 0 : startOf(segmentOf(offset)),
  last: last ? sealedSizeOf(end) - 1 : startOf(segmentOf(end)) - 1
})

/**
 * A range of the object that has a range of the plaintext, before its size is known. A suffix begins somewhere in a segment,
 * so that the request has a whole segment more.
 */
export const requestedRange = (range: WantedRange): WantedRange => {
  if (range.suffix !== undefined)
    return {
      suffix: range.suffix + tagSize * Math.ceil(range.suffix / segmentSize) + sealedSegmentSize + 2 * tagSize
    }
  const first = startOf(segmentOf(range.first))
  return range.last === undefined ? { first } : { first, last: startOf(segmentOf(range.last) + 1) - 1 }
}

// -- stages --
async function* withHeader(
  header: SealedHeader,
  segments: AsyncIterable<Uint8Array>
): AsyncGenerator<Uint8Array, void, undefined> {
  yield padHeader(encodeHeader(header))
  yield* segments
}

export interface SealedPart {
  /** Of the first byte in the plaintext, a multiple of the segment size. */
  readonly offset: number
  /** Whether the object ends with this part. */
  readonly last: boolean
}

/** Seals a part of an object, or a whole one: the part at offset 0 has the header. */
export const sealPart =
  (header: SealedHeader, dataKey: DataKey, { offset, last }: SealedPart) =>
  (plaintext: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> => {
    const segments = sealSegments(dataKey, { first: segmentOf(offset), toEnd: last })(plaintext)
    return offset === 0 ? withHeader(header, segments) : segments
  }

/** The size of a sealed part, from that of its plaintext. */
export const sealedPartSize = ({ offset, last }: SealedPart, plain: number): number =>
  (offset === 0 ? headerSize : 0) +
  plain +
  tagSize * (last && offset === 0 ? segmentsOf(plain) : Math.ceil(plain / segmentSize))

/**
 * Takes the header off the front of an object, and compares it with the one of the metadata.
 *
 * @errors `BadEnvelope` if they are not of one object; `Truncated` if the object is shorter than its header
 */
async function* withoutHeader(
  header: SealedHeader,
  context: Context,
  bytes: AsyncIterable<Uint8Array>
): AsyncGenerator<Uint8Array, void, undefined> {
  const check = (found: Uint8Array): void => {
    const read = readObjectHeader(found)
    if (E.isLeft(read)) throw new CosException(encryptionError(context)(read.left))
    if (isSameObject(read.right, header)) return
    const problem = encryptionProblem(
      'BadEnvelope',
      'the sealed header of the metadata is that of another object'
    )
    throw new CosException(encryptionError(context)(problem))
  }
  let front: O.Option<Buffer> = O.some(Buffer.alloc(0))
  for await (const chunk of bytes) {
    if (O.isNone(front)) {
      yield chunk
      continue
    }
    const all: Buffer = Buffer.concat([front.value, chunk])
    front = O.some(all)
    if (all.length < headerSize) continue
    check(all)
    front = O.none
    if (all.length > headerSize) yield all.subarray(headerSize)
  }
  if (O.isSome(front)) check(front.value)
}

/** Opens a part of an object that was fetched, or a whole one: the part at offset 0 has the header. */
export const openPart =
  (header: SealedHeader, dataKey: DataKey, { offset, last }: SealedPart, context: Context) =>
  (ciphertext: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> =>
    openSegments(
      dataKey,
      { first: segmentOf(offset), toEnd: last },
      context
    )(offset === 0 ? withoutHeader(header, context, ciphertext) : ciphertext)

/** Opens a whole object. */
export const openSealedObject = (
  header: SealedHeader,
  dataKey: DataKey,
  context: Context
): ReturnType<typeof openPart> => openPart(header, dataKey, { offset: 0, last: true }, context)
