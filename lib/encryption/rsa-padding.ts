/**
 * RSA paddings that node:crypto does not offer: OAEP with a given seed, OAEP whose two hashes differ, and PKCS#1 v1.5.
 *
 * node:crypto does the modular exponentiation, with blinding; this file does the padding around it. The length of the
 * message is always known here, so that each position of a block has one expected value. All positions are compared and
 * the differences collected before the one decision, so that neither the result nor an early exit tells which check
 * failed. JavaScript gives no promise about the time of each instruction.
 */
import { createHash } from 'node:crypto'
import * as O from 'fp-ts/lib/Option.js'

export interface OaepHashes {
  /** Of the label, which is empty. */
  readonly hash: 'sha1' | 'sha256'
  readonly mgf1: 'sha1' | 'sha256'
}

/** Python's SDK, for keys that were given as files. */
export const pythonOaep: OaepHashes = { hash: 'sha1', mgf1: 'sha1' }
/** The JDK's `OAEPWithSHA-256AndMGF1Padding`. */
export const javaOaep: OaepHashes = { hash: 'sha256', mgf1: 'sha1' }
/** Sealed objects. */
export const sealedOaep: OaepHashes = { hash: 'sha256', mgf1: 'sha256' }

const digest = (algorithm: string, ...parts: ReadonlyArray<Uint8Array>): Buffer =>
  parts.reduce((hash, part) => hash.update(part), createHash(algorithm)).digest()

/** MGF1 of RFC 8017, appendix B.2.1. */
const mgf1 = (algorithm: string, seed: Uint8Array, length: number): Buffer => {
  const blocks: Array<Buffer> = []
  for (let at = 0, count = 0; at < length; count += 1) {
    const counter = Buffer.alloc(4)
    counter.writeUInt32BE(count)
    const block = digest(algorithm, seed, counter)
    blocks.push(block)
    at += block.length
  }
  return Buffer.concat(blocks).subarray(0, length)
}

const xor = (a: Uint8Array, b: Uint8Array): Buffer => Buffer.from(a.map((byte, at) => byte ^ (b[at] ?? 0)))

/** The length of the seed, in bytes. */
export const seedSize = ({ hash }: OaepHashes): number => (hash === 'sha1' ? 20 : 32)

/**
 * EME-OAEP encoding of RFC 8017, section 7.1.1, with an empty label.
 *
 * @units `size`: of the modulus, in bytes
 */
export const encodeOaep = (
  { hash, mgf1: mask }: OaepHashes,
  message: Uint8Array,
  seed: Uint8Array,
  size: number
): Buffer => {
  const label = digest(hash)
  const zeros = Buffer.alloc(size - message.length - 2 * label.length - 2)
  const data = Buffer.concat([label, zeros, Buffer.of(1), message])
  const maskedData = xor(data, mgf1(mask, seed, data.length))
  const maskedSeed = xor(seed, mgf1(mask, maskedData, seed.length))
  return Buffer.concat([Buffer.of(0), maskedSeed, maskedData])
}

/** Collects the differences between bytes and their expected values. Zero: none. */
const differences = (bytes: Uint8Array, expected: Uint8Array): number => {
  let all = bytes.length ^ expected.length
  for (let at = 0; at < bytes.length; at += 1) all |= (bytes[at] ?? 0) ^ (expected[at] ?? 0)
  return all
}

/** EME-OAEP decoding of RFC 8017, section 7.1.2, of a message of `length` bytes. */
export const decodeOaep = (
  { hash, mgf1: mask }: OaepHashes,
  block: Uint8Array,
  length: number
): O.Option<Uint8Array> => {
  const label = digest(hash)
  const maskedSeed = block.subarray(1, 1 + label.length)
  const maskedData = block.subarray(1 + label.length)
  const seed = xor(maskedSeed, mgf1(mask, maskedData, maskedSeed.length))
  const data = xor(maskedData, mgf1(mask, seed, maskedData.length))
  const start = data.length - length
  const expected = Buffer.concat([label, Buffer.alloc(Math.max(0, start - label.length - 1)), Buffer.of(1)])
  const wrong = (block[0] ?? 1) | differences(data.subarray(0, start), expected)
  return wrong === 0 ? O.some(data.subarray(start)) : O.none
}

/** 1 if the byte is zero, otherwise 0, without a branch. */
const isZero = (byte: number): number => ((byte - 1) >>> 8) & 1

/** EME-PKCS1-v1_5 decoding of RFC 8017, section 7.2.2, of a message of `length` bytes. */
export const decodePkcs1v15 = (block: Uint8Array, length: number): O.Option<Uint8Array> => {
  const start = block.length - length
  let wrong = (block[0] ?? 1) | ((block[1] ?? 0) ^ 2) | (block[start - 1] ?? 1)
  for (let at = 2; at < start - 1; at += 1) wrong |= isZero(block[at] ?? 0)
  // RFC 8017: at least 8 bytes of padding.
  if (start < 11) wrong |= 1
  return wrong === 0 ? O.some(block.subarray(start)) : O.none
}
