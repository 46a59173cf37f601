/** AES-256-CTR as a stage, from any byte of an object. Encryption and decryption are the same. */
import { createCipheriv, type Cipher } from 'node:crypto'
import { constVoid } from 'fp-ts/lib/function.js'
import { ioChunkSize } from '../core/limits.js'
import { freeOwned, markOwned } from '../core/owned-memory.js'
import { requireBytes } from './blocks.js'
import type { DataKey } from './data-key.js'
import { grow } from './grow.js'
import { updateInto } from './update-into.js'

const blockSize = 16
const allBits = (1n << 128n) - 1n

/** The counter block of a byte: the initial block plus one for each 16 bytes, modulo 2^128. */
export const counterBlock = (iv: Uint8Array, offset: number): Buffer => {
  const first = BigInt(`0x${Buffer.from(iv).toString('hex')}`)
  const block = (first + BigInt(Math.floor(offset / blockSize))) & allBits
  return Buffer.from(block.toString(16).padStart(2 * blockSize, '0'), 'hex')
}

/** The cipher of bytes that begin at an offset of their object. */
const cipherFrom = ({ key, iv }: DataKey, offset: number): Cipher => {
  const cipher = createCipheriv('aes-256-ctr', key, counterBlock(iv, offset))
  // The key stream of the first block, up to the offset.
  cipher.update(Buffer.alloc(offset % blockSize))
  return cipher
}

/** `release` gets each chunk after its last use. */
const applyFrom = (dataKey: DataKey, offset: number, release: (chunk: Uint8Array) => void) =>
  async function* (bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
    const cipher = cipherFrom(dataKey, offset)
    for await (const chunk of bytes) {
      requireBytes(chunk)
      const { length } = chunk
      // Slices: one call for a large chunk would double it in memory and stall the event loop.
      for (let at = 0; at < length; at += ioChunkSize)
        yield markOwned(cipher.update(chunk.subarray(at, at + ioChunkSize)))
      release(chunk)
    }
  }

/**
 * Encrypts or decrypts bytes that begin at an offset of their object. It authenticates nothing: a changed ciphertext
 * becomes a changed plaintext.
 *
 * @shape  the same number of bytes, in chunks of at most 256 KiB
 * @units  `offset` in bytes, of the object; holds one chunk at a time
 * @errors those of its source, unchanged; `TypeError` if a chunk is not bytes
 */
export const applyCtr = (dataKey: DataKey, offset: number): ReturnType<typeof applyFrom> =>
  applyFrom(dataKey, offset, constVoid)

/** `applyCtr` to the ciphertext of a response, whose memory is freed: no caller has seen it. */
export const decryptCtr = (dataKey: DataKey, offset: number): ReturnType<typeof applyFrom> =>
  applyFrom(dataKey, offset, freeOwned)

/**
 * `applyCtr` in memory that is used again.
 *
 * @shape  as of `applyCtr`; a chunk is valid until the next read, and the source may reuse its memory too
 * @units  holds at most 256 KiB
 */
export const applyCtrInPlace = (dataKey: DataKey, offset: number) =>
  async function* (bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
    const cipher = cipherFrom(dataKey, offset)
    let target: Buffer = Buffer.alloc(0)
    for await (const chunk of bytes) {
      requireBytes(chunk)
      const { length } = chunk
      target = grow(target, Math.min(length, ioChunkSize), ioChunkSize)
      for (let at = 0; at < length; at += ioChunkSize)
        yield target.subarray(0, updateInto(cipher, chunk.subarray(at, at + ioChunkSize), target, 0))
    }
  }
