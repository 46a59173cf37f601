import { pipeline } from 'node:stream/promises'
import { setTimeout } from 'node:timers/promises'
import * as O from 'fp-ts/lib/Option.js'
import t from 'tap'
import { CosException, type CosError } from '../../lib/core/error.js'
import type { Integrity } from '../../lib/core/integrity.js'
import { verifyBytes, type ExpectedBytes } from '../../lib/stages/verify-bytes.js'
import { specContext } from '../support/responses.js'
import { yieldThenFail, from, toArray } from '../support/iterables.js'

// The check value of CRC-64/XZ: https://reveng.sourceforge.io/crc-catalogue/all.htm#crc.cat.crc-64-xz
const digits = '123456789'
const sum = 0x995dc9bbdf1939fan
const crc64 = O.some(sum)

const expectedOf = (some: Partial<ExpectedBytes> = {}): ExpectedBytes => ({
  size: O.some(9),
  crc64,
  context: specContext,
  ...some
})

interface Outcome {
  /** The chunks that were yielded, as text. */
  readonly chunks: ReadonlyArray<string>
  readonly integrity?: Integrity
  readonly error?: CosError
}

/** Reads to the end or to the error. */
const outcome = async (what: ExpectedBytes, source: AsyncIterable<Uint8Array>): Promise<Outcome> => {
  const chunks: Array<string> = []
  const bytes = verifyBytes(what)(source)
  try {
    for (;;) {
      const next = await bytes.next()
      if (next.done === true) return { chunks, integrity: next.value }
      chunks.push(Buffer.from(next.value).toString())
    }
  } catch (thrown) {
    if (thrown instanceof CosException) return { chunks, error: thrown.error }
    throw thrown
  }
}

const texts = (...chunks: ReadonlyArray<string>) => from(...chunks.map((chunk) => Buffer.from(chunk)))

t.test('bytes pass unchanged and are Verified, for any chunks', async (t) => {
  for (let at = 0; at <= 9; at += 1) {
    const [head, tail] = [digits.slice(0, at), digits.slice(at)]
    const { chunks, integrity } = await outcome(expectedOf(), texts(head, tail))
    t.equal(chunks.join(''), digits, `cut at ${String(at)}`)
    t.same(integrity, { _tag: 'Verified', crc64: sum }, `cut at ${String(at)}`)
  }
})

t.test(
  'with the checksum of an earlier stage, the bytes are not hashed, and the last chunk waits for the comparison',
  async (t) => {
    const same = await outcome(expectedOf({ hashed: () => sum }), texts('1234', 'abcde'))
    t.same(same, { chunks: ['1234', 'abcde'], integrity: { _tag: 'Verified', crc64: sum } })
    const other = await outcome(expectedOf({ hashed: () => 1n }), texts('1234', '56789'))
    t.match(other, { chunks: ['1234'], error: { _tag: 'IntegrityError', got: '1' } })
  }
)

t.test('chunks keep their order and their identity, without empty ones', async (t) => {
  const chunks = ['12', '', '345', '6789', ''].map((text) => Buffer.from(text))
  const passed = await toArray(verifyBytes(expectedOf())(from(...chunks)))
  t.equal(passed.length, 3)
  for (const [n, at] of [0, 2, 3].entries()) t.equal(passed[n], chunks[at])
})

t.test('an empty body is Verified with the checksum of zero bytes', async (t) => {
  const nothing = expectedOf({ size: O.some(0), crc64: O.some(0n) })
  t.same(await outcome(nothing, texts()), { chunks: [], integrity: { _tag: 'Verified', crc64: 0n } })
})

t.test('without a length the checksum is compared at the end', async (t) => {
  const unmeasured = expectedOf({ size: O.none })
  t.match((await outcome(unmeasured, texts(digits))).integrity, { _tag: 'Verified' })
  const { chunks, error } = await outcome(unmeasured, texts('123456788'))
  t.same(chunks, ['123456788'])
  t.match(error, { _tag: 'IntegrityError', check: 'crc64' })
})

t.test('without a checksum the result is Unverifiable, with our checksum and the reason', async (t) => {
  const none = { crc64: O.none }
  const ours = { _tag: 'Unverifiable', crc64 }
  t.same((await outcome(expectedOf(none), texts(digits))).integrity, { ...ours, reason: 'NoChecksum' })
  const range = expectedOf({ ...none, reason: 'Range' })
  t.same((await outcome(range, texts(digits))).integrity, { ...ours, reason: 'Range' })
})

t.test('other bytes are an IntegrityError, and the last chunk is not yielded', async (t) => {
  const { chunks, error, integrity } = await outcome(expectedOf(), texts('1234', '5678', '8'))
  t.same(chunks, ['1234', '5678'])
  t.equal(integrity, undefined)
  t.match(error, {
    _tag: 'IntegrityError',
    context: specContext,
    part: O.none,
    check: 'crc64',
    expected: '11051210869376104954',
    got: /^\d+$/
  })
})

t.test('missing or additional bytes are an error, and no byte beyond the length is yielded', async (t) => {
  const short = await outcome(expectedOf(), texts('1234', '5678'))
  t.same(short.chunks, ['1234', '5678'])
  t.match(short.error, { _tag: 'TransportError', code: 'ShortBody' })
  const late = await outcome(expectedOf(), texts(digits, '0'))
  t.same(late.chunks, [digits])
  t.match(late.error, { _tag: 'IntegrityError', check: 'size', expected: '9', got: '10' })
})

t.test('parallel bodies have separate checksums', async (t) => {
  const reads = Array.from({ length: 20 }, () => outcome(expectedOf(), texts('12345', '6789')))
  for (const { integrity } of await Promise.all(reads)) t.match(integrity, { _tag: 'Verified' })
})

t.test('a paused reader pauses the source', async (t) => {
  let given = 0
  const endless = async function* () {
    for (;;) yield Buffer.from(String((given += 1)))
  }
  await verifyBytes(expectedOf({ size: O.none }))(endless()).next()
  await setTimeout(20)
  t.equal(given, 1)
})

t.test('a reader that stops early closes the source', async (t) => {
  let closed = false
  const source = async function* () {
    try {
      for (;;) yield Buffer.from('1')
    } finally {
      closed = true
    }
  }
  for await (const _ of verifyBytes(expectedOf({ size: O.none }))(source())) break
  t.equal(closed, true)
})

t.test('an error of the source fails the pipeline', async (t) => {
  const broken = yieldThenFail(new Error('disk'), Buffer.from('1234'))
  await t.rejects(pipeline(broken, verifyBytes(expectedOf()), toArray), { message: 'disk' })
  // All bytes have arrived, and then the source fails.
  const late = yieldThenFail(new Error('reset'), Buffer.from(digits))
  await t.rejects(pipeline(late, verifyBytes(expectedOf()), toArray), { message: 'reset' })
})
