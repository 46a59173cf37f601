/** CRC-64/XZ, which COS calls crc64ecma: of bytes by WASM, and of parts joined, by algebra. */
import { createCRC64 } from 'hash-wasm'

/** A running CRC64. It is mutable: one owner at a time. */
export interface Crc64Hasher {
  readonly update: (bytes: Uint8Array) => void
  /** Of all bytes so far, unsigned; the hasher can not go on after it. */
  readonly digest: () => bigint
  /** Gives the hasher back for another to use. After `digest`, or instead of it. */
  readonly release: () => void
}

type Wasm = Awaited<ReturnType<typeof createCRC64>>

// A hasher is a WASM instance: 0.2 ms to make, and memory of its own. A few are kept, each lent to one owner.
const idle: Array<Wasm> = []
const keep = 16

/**
 * Lends a hasher that has seen no byte.
 *
 * @units `digest` is unsigned, 64 bits
 */
export const crc64Hasher = async (): Promise<Crc64Hasher> => {
  const wasm = idle.pop() ?? (await createCRC64())
  wasm.init()
  let lent = true
  // Another may have it by now, whose bytes would be mixed with ours.
  const mine = (): Wasm => {
    if (!lent) throw new Error('a CRC64 hasher was used after release()')
    return wasm
  }
  return {
    update: (bytes) => {
      mine().update(bytes)
    },
    digest: () => BigInt(`0x${mine().digest()}`),
    release: () => {
      if (lent && idle.length < keep) idle.push(wasm)
      lent = false
    }
  }
}

/** The CRC64 of bytes that are all here. */
export const crc64 = async (...chunks: ReadonlyArray<Uint8Array>): Promise<bigint> => {
  const hasher = await crc64Hasher()
  for (const chunk of chunks) hasher.update(chunk)
  const sum = hasher.digest()
  hasher.release()
  return sum
}

// -- combining --
// A CRC is linear over GF(2). Appending one zero bit multiplies the state by x modulo the polynomial, a 64 x 64
// matrix of bits; its powers append any number of zero bytes in at most 64 steps.
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

// powers[n] appends 2^n zero bytes. Made when first asked for: most programs need about thirty of them.
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
    // Division, not a shift: a length may pass 2^32.
    if (rest % 2 === 1) sum = times(power(n), sum)
    rest = Math.floor(rest / 2)
  }
  return sum ^ second
}

/** A run of bytes known by its checksum and length alone. */
export interface Crc64Run {
  readonly crc64: bigint
  /** In bytes. */
  readonly size: number
}

/** Runs in order -> the run they make together. */
export const combineAllCrc64 = (runs: Iterable<Crc64Run>): Crc64Run => {
  let whole: Crc64Run = { crc64: 0n, size: 0 }
  for (const run of runs) {
    whole = { crc64: combineCrc64(whole.crc64, run.crc64, run.size), size: whole.size + run.size }
  }
  return whole
}

/**
 * CRC-64/ECMA-182 as COS reports it: of bytes, chunk by chunk, and of joined pieces.
 *
 * @example Crc64.combine(first, second, secondLength)
 */
export const Crc64 = {
  /** Of all chunks together. */
  of: crc64,
  /** Of two adjacent pieces, from the CRC of each and the length of the second, without their bytes. */
  combine: combineCrc64,
  /** Of any number of adjacent pieces. */
  combineAll: combineAllCrc64,
  /** Chunk by chunk. */
  hasher: crc64Hasher
} as const
