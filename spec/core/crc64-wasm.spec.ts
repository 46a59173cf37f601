import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { createCRC64 } from 'hash-wasm'
import t from 'tap'
import loadWabt from 'wabt'
import { createCrc64Wasm, crc64WasmModule } from '../../lib/core/crc64-wasm.js'
import { bytesOf } from '../support/bytes.js'
import { top } from '../support/top.js'

const KiB = 1024

// -- another implementation: one table, one byte at a time --
const generator = 0xc96c5795d7870f42n
const table = Array.from({ length: 256 }, (_, byte) => {
  let state = BigInt(byte)
  for (let bit = 0; bit < 8; bit += 1) state = (state >> 1n) ^ (state % 2n === 1n ? generator : 0n)
  return state
})
// In halves of 32 bits: BigInt takes ten times as long.
const lowTable = Int32Array.from(table, (entry) => Number(BigInt.asIntN(32, entry)))
const highTable = Int32Array.from(table, (entry) => Number(BigInt.asIntN(32, entry >> 32n)))
const slowCrc64 = (bytes: Uint8Array): bigint => {
  let [low, high] = [-1, -1]
  for (const byte of bytes) {
    const index = (low ^ byte) & 255
    low = ((low >>> 8) | (high << 24)) ^ (lowTable[index] ?? 0)
    high = (high >>> 8) ^ (highTable[index] ?? 0)
  }
  return BigInt.asUintN(64, ~((BigInt(high) << 32n) | BigInt(low >>> 0)))
}

t.test('the module is the binary form of crc64.wat', async (t) => {
  const wabt = await loadWabt()
  const source = readFileSync(join(top, 'lib/core/crc64.wat'))
  const parsed = wabt.parseWat('crc64.wat', source, { simd: true, bulk_memory: true })
  const { buffer } = parsed.toBinary({})
  t.equal(crc64WasmModule, Buffer.from(buffer).toString('base64'))
})

t.test('the generator divides the polynomial of crc64.wat', (t) => {
  // x^n modulo the generator; the lowest power is the highest bit.
  const powerOf = (exponent: number): bigint => {
    let power = 2n ** 63n
    for (let n = 0; n < exponent; n += 1) power = (power >> 1n) ^ (power % 2n === 1n ? generator : 0n)
    return power
  }
  const exponents = [1403, 1286, 1251, 1162, 1008, 509, 153, 0]
  t.equal(
    exponents.reduce((sum, exponent) => sum ^ powerOf(exponent), 0n),
    0n
  )
  // The same of x^64: whole words.
  t.equal(
    exponents.reduce((sum, exponent) => sum ^ powerOf(64 * exponent), 0n),
    0n
  )
  t.end()
})

t.test('lengths at the limits of words, window and memory have their checksums', (t) => {
  const bytes = bytesOf(200 * KiB)
  const wasm = createCrc64Wasm()
  for (const limit of [0, 8, 16, 11_224, 24 * KiB, 88 * KiB, 176 * KiB]) {
    for (const length of [-17, -16, -9, -8, -1, 0, 1, 7, 8, 15, 16, 17].map((by) => limit + by)) {
      if (length < 0) continue
      wasm.restart()
      wasm.update(bytes.subarray(0, length))
      t.equal(wasm.digest(), slowCrc64(bytes.subarray(0, length)), String(length))
    }
  }
  t.end()
})

t.test('the checksum does not depend on the chunks', (t) => {
  const bytes = bytesOf(300 * KiB + 5)
  const wasm = createCrc64Wasm()
  const whole = slowCrc64(bytes)
  fc.assert(
    fc.property(fc.array(fc.nat(bytes.length), { maxLength: 12 }), (cuts) => {
      const edges = [0, ...cuts.sort((a, b) => a - b), bytes.length]
      wasm.restart()
      for (const [n, edge] of edges.slice(1).entries()) wasm.update(bytes.subarray(edges[n], edge))
      return wasm.digest() === whole
    })
  )
  t.end()
})

t.test('any bytes have the checksum of the slow implementation', (t) => {
  const wasm = createCrc64Wasm()
  const large = fc.tuple(fc.nat(255), fc.integer({ min: 24 * KiB, max: 100 * KiB }), fc.uint8Array())
  fc.assert(
    fc.property(large, ([byte, size, some]) => {
      const bytes = Buffer.concat([some, Buffer.alloc(size, byte), some])
      wasm.restart()
      wasm.update(bytes)
      return wasm.digest() === slowCrc64(bytes)
    }),
    { numRuns: 20 }
  )
  t.end()
})

t.test('hash-wasm computes the same checksums', async (t) => {
  const other = await createCRC64()
  const wasm = createCrc64Wasm()
  for (const size of [0, 1, 1000, 24 * KiB + 3, 1024 * KiB + 7]) {
    const bytes = bytesOf(size, size)
    wasm.restart()
    wasm.update(bytes)
    t.equal(wasm.digest(), BigInt(`0x${other.init().update(bytes).digest('hex')}`), String(size))
  }
})

t.test('instances do not share their memory, and restart forgets', (t) => {
  const [one, other] = [createCrc64Wasm(), createCrc64Wasm()]
  const bytes = bytesOf(100 * KiB)
  one.update(bytes)
  other.update(Buffer.from('123456789'))
  t.equal(other.digest(), 0x995dc9bbdf1939fan)
  t.equal(one.digest(), slowCrc64(bytes))
  one.restart()
  one.update(bytes.subarray(0, 50 * KiB))
  t.equal(one.digest(), slowCrc64(bytes.subarray(0, 50 * KiB)))
  t.end()
})
