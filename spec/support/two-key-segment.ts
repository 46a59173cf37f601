/**
 * A segment that AES-GCM authenticates under two keys. GCM does not commit to its key: with one free block of ciphertext, the
 * two equations of the tag are one linear equation over GF(2^128).
 *
 * Dodis, Grubbs, Ristenpart and Woodage, "Fast Message Franking: From Invisible Salamanders to Encryptment", CRYPTO 2018:
 * https://eprint.iacr.org/2019/016
 */
import { createCipheriv } from 'node:crypto'
import type { DataKey } from '../../lib/encryption/data-key.js'

const toInteger = (bytes: Uint8Array): bigint => BigInt(`0x${Buffer.from(bytes).toString('hex')}`)
const toBlock = (value: bigint): Buffer => Buffer.from(value.toString(16).padStart(32, '0'), 'hex')

// NIST SP 800-38D, 6.3: the first bit is the coefficient of 1.
const reduction = 0xe1n << 120n

const times = (x: bigint, y: bigint): bigint => {
  let product = 0n
  let shifted = y
  for (let bit = 127n; bit >= 0n; bit -= 1n) {
    if (((x >> bit) & 1n) === 1n) product ^= shifted
    shifted = (shifted & 1n) === 1n ? (shifted >> 1n) ^ reduction : shifted >> 1n
  }
  return product
}

/** `x` to the power 2^128 - 2. */
const inverse = (x: bigint): bigint => {
  let power = x
  let result = 1n << 127n
  for (let n = 1; n < 128; n += 1) {
    power = times(power, power)
    result = times(result, power)
  }
  return result
}

/** The hash key, and the block that encrypts the tag of the only segment of an object. */
const gcmBlocks = ({ key, iv }: DataKey): readonly [hashKey: bigint, mask: bigint] => {
  const ecb = createCipheriv('aes-256-ecb', key, null).setAutoPadding(false)
  const counter = Buffer.concat([iv, Buffer.of(0, 0, 0, 0, 1), Buffer.of(0, 0, 0, 1)])
  return [toInteger(ecb.update(Buffer.alloc(16))), toInteger(ecb.update(counter))]
}

/**
 * The only segment of an object: 32 bytes and a tag, which open under both keys.
 *
 * @shape `second`: the second block of the ciphertext, 16 bytes of any value
 */
export const twoKeySegment = (one: DataKey, two: DataKey, second: Uint8Array): Buffer => {
  const length = BigInt(8 * 32)
  const parts = [one, two].map((key) => {
    const [hash, mask] = gcmBlocks(key)
    const square = times(hash, hash)
    return {
      /** Of the first block. */
      factor: times(square, hash),
      rest: mask ^ times(toInteger(second), square) ^ times(length, hash)
    }
  })
  const [a, b] = [parts[0]!, parts[1]!]
  const first = times(a.rest ^ b.rest, inverse(a.factor ^ b.factor))
  return Buffer.concat([toBlock(first), second, toBlock(times(first, a.factor) ^ a.rest)])
}
