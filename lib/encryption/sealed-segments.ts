/** The segments of a sealed object, as stages: AES-256-GCM of 64 KiB each, with its index and an end mark in the nonce. */
import { createCipheriv, createDecipheriv } from 'node:crypto'
import * as E from 'fp-ts/lib/Either.js'
import { ioChunkSize, KiB } from '../core/limits.js'
import { freeBytes, freeOwned, markOwned } from '../core/owned-memory.js'
import { CosException, encryptionError, type Context } from '../core/error.js'
import { requireBytes } from './blocks.js'
import type { DataKey } from './data-key.js'
import { tagSize } from './gcm.js'
import { encryptionProblem } from './problem.js'
import { grow } from './grow.js'
import { updateInto } from './update-into.js'

/** Of the plaintext of a segment, in bytes; the last one has fewer, and none only if the object is empty. */
export const segmentSize = 64 * KiB
/** Of a whole segment in the object, in bytes. */
export const sealedSegmentSize = segmentSize + tagSize

/** Segments that are opened into one chunk. Chunks of 64 KiB take more time in each layer that they pass. */
const segmentsAtOnce = ioChunkSize / segmentSize

const nonceOf = ({ iv }: DataKey, index: number, isLast: boolean): Buffer => {
  const counter = Buffer.alloc(4)
  counter.writeUInt32BE(index)
  return Buffer.concat([iv, counter, Buffer.of(isLast ? 1 : 0)])
}

/** Undefined if the tag does not match. */
const open = (dataKey: DataKey, index: number, isLast: boolean, sealed: Uint8Array): Buffer | undefined => {
  const nonce = nonceOf(dataKey, index, isLast)
  // Without authTagLength, Node 20 takes a tag of 4 bytes or more: an object without its last byte would open.
  const decipher = createDecipheriv('aes-256-gcm', dataKey.key, nonce, { authTagLength: tagSize })
  decipher.setAuthTag(sealed.subarray(sealed.length - tagSize))
  const plain = decipher.update(sealed.subarray(0, sealed.length - tagSize))
  try {
    decipher.final()
    return plain
  } catch {
    return undefined
  }
}

export interface SegmentRange {
  /** The index of the first segment, from 0. */
  readonly first: number
  /** Whether the object ends with the last of these segments. */
  readonly toEnd: boolean
}

/** Seals a segment into `target`; returns the sealed bytes. */
const seal = (
  target: Uint8Array,
  dataKey: DataKey,
  index: number,
  isLast: boolean,
  plain: Uint8Array
): Uint8Array => {
  const nonce = nonceOf(dataKey, index, isLast)
  const cipher = createCipheriv('aes-256-gcm', dataKey.key, nonce, { authTagLength: tagSize })
  const end = updateInto(cipher, plain, target, 0)
  cipher.final()
  target.set(cipher.getAuthTag(), end)
  return target.subarray(0, end + tagSize)
}

/**
 * Encrypts bytes that begin with a segment. The result depends on the key, the index, the end mark and the plaintext alone:
 * parts may be encrypted in any order, and again.
 *
 * @shape  one chunk for each segment, in the same memory: a chunk is valid until the next read, and the source may reuse its
 *         memory too. An empty source that is a whole object has one segment of no bytes
 * @units  holds a segment of plaintext, because the last one has another nonce, and a sealed one; less for fewer bytes
 * @errors those of its source, unchanged; `TypeError` if a chunk is not bytes
 */
export const sealSegments = (dataKey: DataKey, { first, toEnd }: SegmentRange) =>
  async function* (plaintext: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
    let held: Buffer = Buffer.alloc(0)
    let sealed: Buffer = held
    let filled = 0
    let index = first
    for await (const chunk of plaintext) {
      requireBytes(chunk)
      for (let at = 0; at < chunk.length;) {
        if (filled === segmentSize) {
          sealed = grow(sealed, sealedSegmentSize)
          yield seal(sealed, dataKey, index, false, held)
          index += 1
          filled = 0
        }
        const count = Math.min(segmentSize - filled, chunk.length - at)
        held = grow(held, filled + count, segmentSize)
        held.set(chunk.subarray(at, at + count), filled)
        filled += count
        at += count
      }
    }
    if (filled > 0 || (toEnd && index === first))
      yield seal(grow(sealed, filled + tagSize), dataKey, index, toEnd, held.subarray(0, filled))
  }

/**
 * Decrypts segments. The plaintext of a segment is yielded after its tag was checked, and no byte of a wrong one.
 *
 * @shape  chunks of up to four segments, which the reader may keep; empty ones are left out
 * @units  holds a sealed segment, because the last one has another nonce, and up to 256 KiB of plaintext; less for fewer bytes.
 *         The source may reuse its memory. A chunk that this process received is freed
 * @errors those of its source; `EncryptionError` with the segment's index: `Truncated` if segments or bytes are missing at
 *         the end, `BadSegment` if the ciphertext was changed
 */
export const openSegments = (dataKey: DataKey, { first, toEnd }: SegmentRange, context: Context) =>
  async function* (ciphertext: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
    const failure = (reason: 'Truncated' | 'BadSegment', problem: string, segment: number): CosException =>
      new CosException(encryptionError(context)(encryptionProblem(reason, problem, { segment })))
    let held: Buffer = Buffer.alloc(0)
    let filled = 0
    let index = first
    const openNext = (sealed: Uint8Array, isFinal: boolean): E.Either<CosException, Buffer> => {
      const isLast = toEnd && isFinal
      if (sealed.length < tagSize || (!isLast && sealed.length < sealedSegmentSize))
        return E.left(failure('Truncated', 'a segment is cut short', index))
      const plain = open(dataKey, index, isLast, sealed)
      if (plain === undefined)
        return E.left(
          isLast && sealed.length === sealedSegmentSize && open(dataKey, index, false, sealed) !== undefined
            ? failure('Truncated', 'segments are missing after this one', index)
            : failure('BadSegment', 'the ciphertext was changed', index)
        )
      if (plain.length === 0 && index > 0)
        return E.left(failure('BadSegment', 'an empty segment follows another one', index))
      index += 1
      return E.right(plain)
    }
    /** Copies bytes of a chunk behind the held ones, up to a whole segment; returns their number. */
    const hold = (chunk: Uint8Array, at: number): number => {
      const count = Math.min(sealedSegmentSize - filled, chunk.length - at)
      held = grow(held, filled + count, sealedSegmentSize)
      held.set(chunk.subarray(at, at + count), filled)
      filled += count
      return count
    }
    for await (const chunk of ciphertext) {
      requireBytes(chunk)
      let at = 0
      /** The next segment: a view of the chunk, unless it began in an earlier one. */
      const takeSealed = (): Uint8Array => {
        if (filled === 0) return chunk.subarray(at, (at += sealedSegmentSize))
        at += hold(chunk, at)
        filled = 0
        return held.subarray(0, sealedSegmentSize)
      }
      for (;;) {
        // Those that a byte follows: the last one of the object has another nonce.
        const whole = Math.floor((filled + chunk.length - at - 1) / sealedSegmentSize)
        if (whole < 1) break
        const plain = markOwned(Buffer.allocUnsafeSlow(Math.min(whole, segmentsAtOnce) * segmentSize))
        let end = 0
        let opened: E.Either<CosException, unknown> = E.right(undefined)
        while (end < plain.length && E.isRight(opened)) {
          const segment = openNext(takeSealed(), false)
          opened = segment
          if (E.isLeft(segment)) break
          plain.set(segment.right, end)
          end += segmentSize
          freeBytes(segment.right)
        }
        if (end > 0) yield plain.subarray(0, end)
        if (E.isLeft(opened)) throw opened.left
      }
      if (at < chunk.length) hold(chunk, at)
      freeOwned(chunk)
    }
    if (filled > 0) {
      const plain = openNext(held.subarray(0, filled), true)
      if (E.isLeft(plain)) throw plain.left
      if (plain.right.length > 0) yield plain.right
    }
    if (index === first) throw failure('Truncated', 'there is no segment', first)
  }
