import fc from 'fast-check'
import t from 'tap'
import { combineCrc64, combineAllCrc64, crc64, crc64Hasher } from '../../lib/core/crc64.js'
import { bytesOf, crc64Vectors } from '../support/vectors.js'

const u64 = fc.bigInt(0n, 2n ** 64n - 1n)

t.test('bytes have the recorded checksums', async (t) => {
  for (const vector of crc64Vectors()) {
    if (vector.kind !== 'crc') continue
    const bytes = bytesOf(vector.input)
    t.equal(bytes.length, vector.length, vector.name)
    t.equal(String(await crc64(bytes)), vector.crc64, vector.name)
  }
  t.equal(await crc64(), 0n)
})

t.test('the samples of COS’s documentation have their checksums', async (t) => {
  // The chunked body of https://cloud.tencent.com/document/product/436/7749, and the checksum in the response of COS.
  const chunks = ['[Chunked Content]', '[2nd chunk]', '[3rd chunk]', '[4th chunk]'].map((text) =>
    Buffer.from(text)
  )
  t.equal(await crc64(...chunks), 7188322482464764960n)
})

t.test('joined runs have the recorded checksums', async (t) => {
  for (const vector of crc64Vectors()) {
    if (vector.kind !== 'combine') continue
    const runs = vector.parts.map((part) => ({ crc64: BigInt(part.crc64), size: part.length }))
    t.same(combineAllCrc64(runs), { crc64: BigInt(vector.crc64), size: vector.length }, vector.name)
  }
})

t.test('checksums of pieces combine to the checksum of the whole, wherever it is cut', async () => {
  const cut = fc
    .uint8Array({ maxLength: 4000 })
    .chain((bytes) => fc.tuple(fc.constant(bytes), fc.array(fc.nat(bytes.length), { maxLength: 8 })))
  await fc.assert(
    fc.asyncProperty(cut, async ([bytes, cuts]) => {
      const edges = [0, ...cuts.toSorted((a, b) => a - b), bytes.length]
      const pieces = edges.slice(1).map((end, n) => bytes.subarray(edges[n], end))
      const runs = await Promise.all(
        pieces.map(async (piece) => ({ crc64: await crc64(piece), size: piece.length }))
      )
      const whole = await crc64(bytes)
      const joined = combineAllCrc64(runs)
      return joined.crc64 === whole && joined.size === bytes.length && (await crc64(...pieces)) === whole
    })
  )
})

t.test('combining is associative, with the empty run as its unit', async () => {
  const length = fc.nat(2 ** 40)
  fc.assert(
    fc.property(u64, u64, u64, length, length, (a, b, c, sizeB, sizeC) => {
      const left = combineCrc64(combineCrc64(a, b, sizeB), c, sizeC)
      const right = combineCrc64(a, combineCrc64(b, c, sizeC), sizeB + sizeC)
      return left === right && combineCrc64(a, 0n, 0) === a && combineCrc64(0n, b, sizeB) === b
    })
  )
})

// -- long runs, by another method --
// The library squares matrices of bits. Here a checksum is a polynomial: appending n bytes multiplies it by x^(8n),
// found by squaring, modulo the generator.
const generator = 0xc96c5795d7870f42n

/** a * b modulo the generator, all of them reflected: the highest power is the lowest bit. */
const multiply = (a: bigint, b: bigint): bigint => {
  let product = 0n
  let shifted = b
  for (let bit = 63n; bit >= 0n; bit -= 1n) {
    if (((a >> bit) & 1n) === 1n) product ^= shifted
    shifted = (shifted & 1n) === 1n ? (shifted >> 1n) ^ generator : shifted >> 1n
  }
  return product
}

/** x^(8 * bytes) modulo the generator, by squaring. */
const shiftOf = (bytes: bigint): bigint => {
  let power = 1n << 63n
  let square = 1n << 62n
  for (let rest = bytes * 8n; rest > 0n; rest >>= 1n) {
    if ((rest & 1n) === 1n) power = multiply(power, square)
    square = multiply(square, square)
  }
  return power
}

t.test('lengths from 2^32 to 2^53 combine as polynomials multiply', async (t) => {
  for (const length of [
    1,
    2 ** 31,
    2 ** 32 - 1,
    2 ** 32,
    2 ** 32 + 1,
    2 ** 46,
    50_000 * 2 ** 30,
    2 ** 53 - 1
  ]) {
    for (const first of [1n, 0x995dc9bbdf1939fan, 2n ** 64n - 1n]) {
      t.equal(combineCrc64(first, 5n, length), multiply(shiftOf(BigInt(length)), first) ^ 5n, String(length))
    }
  }
  fc.assert(
    fc.property(
      u64,
      u64,
      fc.maxSafeNat(),
      (a, b, length) => combineCrc64(a, b, length) === (multiply(shiftOf(BigInt(length)), a) ^ b)
    )
  )
})

t.test('a run of zeros doubled twelve times has the checksum of the whole', async (t) => {
  let run = { crc64: await crc64(Buffer.alloc(1024)), size: 1024 }
  for (let n = 0; n < 12; n += 1) run = combineAllCrc64([run, run])
  t.equal(run.size, 4 * 2 ** 20)
  t.equal(run.crc64, await crc64(Buffer.alloc(4 * 2 ** 20)))
})

// -- hashers --
t.test('parallel hashers never mix their bytes, and a released one is reset', async (t) => {
  const one = await crc64Hasher()
  const other = await crc64Hasher()
  one.update(Buffer.from('1234'))
  other.update(Buffer.from('hello '))
  one.update(Buffer.from('56789'))
  other.update(Buffer.from('world'))
  t.equal(one.digest(), 0x995dc9bbdf1939fan)
  t.equal(other.digest(), 0x53037ecdef2352dan)
  one.release()
  other.release()

  // Released without digest, in the middle of its bytes.
  const third = await crc64Hasher()
  third.update(Buffer.from('junk'))
  third.release()
  t.equal(await crc64(Buffer.from('123456789')), 0x995dc9bbdf1939fan)
})

t.test('a hasher released twice has one owner at a time', async (t) => {
  const twice = await crc64Hasher()
  twice.release()
  twice.release()
  const [a, b] = [await crc64Hasher(), await crc64Hasher()]
  a.update(Buffer.from('1234'))
  b.update(Buffer.from('junk'))
  a.update(Buffer.from('56789'))
  t.equal(a.digest(), 0x995dc9bbdf1939fan)
  a.release()
  b.release()
})

t.test('a hasher throws if it is used after release', async (t) => {
  const old = await crc64Hasher()
  old.release()
  const another = await crc64Hasher()
  another.update(Buffer.from('1234'))
  t.throws(() => {
    old.update(Buffer.from('junk'))
  }, /after release/)
  t.throws(() => old.digest(), /after release/)
  another.update(Buffer.from('56789'))
  t.equal(another.digest(), 0x995dc9bbdf1939fan)
  another.release()
})

t.test('a hundred parallel checksums are all correct', async (t) => {
  const texts = Array.from({ length: 100 }, (_, n) => Buffer.from(`text ${String(n)}`.repeat(n + 1)))
  const alone: Array<bigint> = []
  for (const text of texts) alone.push(await crc64(text))
  t.same(await Promise.all(texts.map((text) => crc64(text))), alone)
})
