/** CRC-64/XZ, which COS calls crc64ecma: of bytes, computed with WASM; of joined parts, computed from their CRC64s. */
import { createCrc64Wasm, type Crc64Wasm } from './crc64-wasm.js'

/** A running CRC64. It is mutable: one owner at a time. */
export interface Crc64Hasher {
  readonly update: (bytes: Uint8Array) => void
  /** The CRC64 of all bytes, unsigned. Only `release` may follow. */
  readonly digest: () => bigint
  /** Returns the hasher to the pool, after `digest` or instead of it. */
  readonly release: () => void
}

// Each instance has a memory of 128 KiB; creating it takes 0.1 ms. As many idle ones are kept for reuse as the largest number of
// bodies that `concurrency: 'auto'` reads at the same time. With 16 of them, 32 parallel GETs of 4 KiB made a new one each.
const idle: Array<Crc64Wasm> = []
const maxIdle = 64

const takeHasher = (): Crc64Hasher => {
  const wasm = idle.pop() ?? createCrc64Wasm()
  wasm.restart()
  let isOwned = true
  // After release() another owner may have the instance, and the bytes of both would be mixed.
  const ownedWasm = (): Crc64Wasm => {
    if (!isOwned) throw new Error('a CRC64 hasher was used after release()')
    return wasm
  }
  return {
    update: (bytes) => {
      ownedWasm().update(bytes)
    },
    digest: () => ownedWasm().digest(),
    release: () => {
      if (isOwned && idle.length < maxIdle) idle.push(wasm)
      isOwned = false
    }
  }
}

/**
 * Takes a reset hasher from the pool, or creates one.
 *
 * @units `digest` is unsigned, 64 bits
 */
export const crc64Hasher = (): Promise<Crc64Hasher> => Promise.resolve(takeHasher())

/** The CRC64 of bytes in memory. */
export const crc64 = (...chunks: ReadonlyArray<Uint8Array>): Promise<bigint> => {
  const hasher = takeHasher()
  for (const chunk of chunks) hasher.update(chunk)
  const sum = hasher.digest()
  hasher.release()
  return Promise.resolve(sum)
}

// -- combining --
// A CRC is linear over GF(2). Appending one zero bit multiplies the state by x modulo the polynomial: a 64 x 64 matrix of
// bits. Powers of the matrix append any number of zero bytes in at most 64 steps.
type Matrix = ReadonlyArray<bigint>

const polynomial = 0xc96c5795d7870f42n

const times = (matrix: Matrix, vector: bigint): bigint => {
  let sum = 0n
  let rest = vector
  for (const row of matrix) {
    if (rest === 0n) break
    if ((rest & 1n) === 1n) sum ^= row
    rest >>= 1n
  }
  return sum
}

const square = (matrix: Matrix): Matrix => matrix.map((row) => times(matrix, row))

const zeroBit: Matrix = [polynomial, ...Array.from({ length: 63 }, (_, n) => 1n << BigInt(n))]

// powers[n] appends 2^n zero bytes. Computed on first use: most programs need about thirty of them.
const powers: Array<Matrix> = [square(square(square(zeroBit)))]
const power = (n: number): Matrix => {
  for (let last = powers.length - 1; last < n; last += 1) powers.push(square(powers[last] ?? zeroBit))
  return powers[n] ?? zeroBit
}

/**
 * The CRC64 of two runs of bytes, one after the other, from the CRC64 of each.
 *
 * @shape `combine(crcOfA, crcOfB, bytesInB)` is the CRC of A then B; associative, with `0n` of 0 bytes as its unit
 * @units `length` in bytes, of the second run
 */
export const combineCrc64 = (first: bigint, second: bigint, length: number): bigint => {
  let sum = first
  let rest = length
  for (let n = 0; rest > 0; n += 1) {
    // Division, not a shift: a length may exceed 2^32.
    if (rest % 2 === 1) sum = times(power(n), sum)
    rest = Math.floor(rest / 2)
  }
  return sum ^ second
}

/** The checksum and length of a run of bytes. */
export interface Crc64Run {
  readonly crc64: bigint
  /** In bytes. */
  readonly size: number
}

/** Combines adjacent runs, in order, into one. */
export const combineAllCrc64 = (runs: Iterable<Crc64Run>): Crc64Run => {
  let whole: Crc64Run = { crc64: 0n, size: 0 }
  for (const run of runs) {
    whole = { crc64: combineCrc64(whole.crc64, run.crc64, run.size), size: whole.size + run.size }
  }
  return whole
}

/**
 * CRC64 as COS reports it: of bytes, chunk by chunk, and of joined runs.
 *
 * @example Crc64.combine(first, second, secondLength)
 */
export const Crc64 = {
  /** The CRC64 of all chunks together. */
  of: crc64,
  /** The CRC64 of two adjacent runs, from the CRC64 of each and the length of the second, without their bytes. */
  combine: combineCrc64,
  /** The CRC64 and size of any number of adjacent runs. */
  combineAll: combineAllCrc64,
  /** Creates a hasher that takes the bytes chunk by chunk. */
  hasher: crc64Hasher
} as const
