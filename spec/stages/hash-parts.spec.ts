import { createHash } from 'node:crypto'
import { pipeline } from 'node:stream/promises'
import { setTimeout } from 'node:timers/promises'
import * as O from 'fp-ts/lib/Option.js'
import t from 'tap'
import { combineAllCrc64 } from '../../lib/core/crc64.js'
import type { Part } from '../../lib/stages/cut-parts.js'
import { hashParts, type HashedPart } from '../../lib/stages/hash-parts.js'
import { bytesOf } from '../support/bytes.js'
import { yieldThenFail, from, toArray } from '../support/iterables.js'
import { bytesOf as vectorBytes, crc64Vectors } from '../support/vectors.js'

const partOf = (number: number, ...chunks: ReadonlyArray<Uint8Array>): Part => ({
  number,
  offset: 0,
  size: chunks.reduce((sum, chunk) => sum + chunk.length, 0),
  chunks,
  last: false,
  release: () => undefined
})
const part = (number: number, ...texts: ReadonlyArray<string>): Part =>
  partOf(number, ...texts.map((text) => Buffer.from(text)))

const hashAll = async (...parts: ReadonlyArray<Part>): Promise<ReadonlyArray<HashedPart>> =>
  toArray(hashParts({ md5: true })(from(...parts)))

t.test('the hashes of a part do not depend on its chunks', async (t) => {
  // CRC-64/XZ by its catalogue name: https://reveng.sourceforge.io/crc-catalogue/all.htm#crc.cat.crc-64-xz
  const known = { md5: O.some('JfnnlDI7RTiF9RgfG2JNCw=='), crc64: 0x995dc9bbdf1939fan }
  for (let at = 0; at <= 9; at += 1) {
    const halves = part(1, '123456789'.slice(0, at), '123456789'.slice(at))
    t.match(await hashAll(halves), [known], `cut at ${String(at)}`)
  }
})

t.test('parts have the recorded checksums, and their combination has that of the whole', async (t) => {
  for (const vector of crc64Vectors()) {
    if (vector.kind !== 'combine') continue
    const parts = vector.parts.map(({ input }, n) => partOf(n + 1, vectorBytes(input)))
    const sums = await toArray(hashParts()(from(...parts)))
    t.same(
      sums.map(({ crc64 }) => String(crc64)),
      vector.parts.map(({ crc64 }) => crc64),
      vector.name
    )
    t.equal(String(combineAllCrc64(sums).crc64), vector.crc64, vector.name)
  }
})

t.test('a part larger than 256 KiB has the hashes of its bytes', async (t) => {
  const bytes = bytesOf(3 * 1024 * 1024 + 7)
  const [whole] = await hashAll(partOf(1, bytes))
  t.same(whole?.md5, O.some(createHash('md5').update(bytes).digest('base64')))
  const [cut] = await hashAll(partOf(1, bytes.subarray(0, 999_999), bytes.subarray(999_999)))
  t.equal(cut?.crc64, whole?.crc64)
})

t.test('an empty part has the checksum of zero bytes', async (t) => {
  t.match(await hashAll(part(1)), [{ crc64: 0n, md5: O.some('1B2M2Y8AsgTpgAmY7PhCfg==') }])
})

t.test('the MD5 is computed only with the option md5', async (t) => {
  t.match(await toArray(hashParts()(from(part(1, 'a')))), [{ md5: O.none }])
})

t.test('parts keep their order and their other fields', async (t) => {
  const parts = [part(1, 'a'), part(2, 'b'), part(3, 'c')]
  const out = await hashAll(...parts)
  for (const [n, { md5: _, crc64: __, ...rest }] of out.entries()) t.strictSame(rest, parts[n])
  t.equal(out[0]?.release, parts[0]?.release)
})

t.test('parallel uploads do not mix their bytes', async (t) => {
  const long = (text: string) => part(1, ...Array.from({ length: 40 }, () => text.repeat(100_000)))
  const alone = [await hashAll(long('a')), await hashAll(long('b'))]
  const together = await Promise.all([hashAll(long('a')), hashAll(long('b'))])
  t.same(
    together.map(([one]) => one?.crc64),
    alone.map(([one]) => one?.crc64)
  )
})

t.test('a paused reader pauses the source', async (t) => {
  let cut = 0
  const endless = async function* () {
    for (;;) yield part((cut += 1), 'x')
  }
  await hashParts()(endless()).next()
  await setTimeout(20)
  t.equal(cut, 1)
})

t.test('a reader that stops early closes the source', async (t) => {
  let closed = false
  const source = async function* () {
    try {
      for (;;) yield part(1, 'x')
    } finally {
      closed = true
    }
  }
  for await (const _ of hashParts()(source())) break
  t.equal(closed, true)
})

t.test('an error of the source fails the pipeline', async (t) => {
  const error = new Error('disk')
  await t.rejects(pipeline(yieldThenFail(error, part(1, 'x')), hashParts(), toArray), error)
})

t.test('the event loop gets a turn every 256 KiB, with chunks of any size', async (t) => {
  for (const chunk of [1024, 100 * 1024, 8 * 1024 * 1024]) {
    const bytes = Buffer.alloc(8 * 1024 * 1024)
    const chunks = Array.from({ length: Math.ceil(bytes.length / chunk) }, (_, n) =>
      bytes.subarray(n * chunk, (n + 1) * chunk)
    )
    let turns = 0
    let over = false
    const count = (): void => {
      turns += 1
      if (!over) setImmediate(count)
    }
    setImmediate(count)
    await hashAll(partOf(1, ...chunks))
    over = true
    t.ok(turns >= 25 && turns < 50, `${String(turns)} turns in chunks of ${String(chunk)}`)
  }
})
