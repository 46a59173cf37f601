import { pipeline } from 'node:stream/promises'
import { setTimeout } from 'node:timers/promises'
import * as O from 'fp-ts/lib/Option.js'
import t from 'tap'
import { CosException, type CosError } from '../../lib/core/error.js'
import type { Integrity } from '../../lib/core/integrity.js'
import { verifyBytes, type Expected } from '../../lib/stages/verify-bytes.js'
import { specContext } from '../support/responses.js'
import { yieldThenFail, from, toArray } from '../support/iterables.js'

// The check value of CRC-64/XZ: https://reveng.sourceforge.io/crc-catalogue/all.htm#crc.cat.crc-64-xz
const digits = '123456789'
const sum = 0x995dc9bbdf1939fan
const crc64 = O.some(sum)

const expected = (some: Partial<Expected> = {}): Expected => ({
  size: O.some(9),
  crc64,
  context: specContext,
  ...some
})

interface Outcome {
  /** What was handed on, as text. */
  readonly chunks: ReadonlyArray<string>
  readonly integrity?: Integrity
  readonly error?: CosError
}

/** Reads to the end, whatever the end is. */
const outcome = async (what: Expected, source: AsyncIterable<Uint8Array>): Promise<Outcome> => {
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

t.test('the bytes pass as they are and verify, however they were chunked', async (t) => {
  for (let at = 0; at <= 9; at += 1) {
    const [head, tail] = [digits.slice(0, at), digits.slice(at)]
    const { chunks, integrity } = await outcome(expected(), texts(head, tail))
    t.equal(chunks.join(''), digits, `cut at ${String(at)}`)
    t.same(integrity, { _tag: 'Verified', crc64: sum }, `cut at ${String(at)}`)
  }
})

t.test('chunks keep their order and are handed on untouched, empty ones left out', async (t) => {
  const chunks = ['12', '', '345', '6789', ''].map((text) => Buffer.from(text))
  const passed = await toArray(verifyBytes(expected())(from(...chunks)))
  t.equal(passed.length, 3)
  for (const [n, at] of [0, 2, 3].entries()) t.equal(passed[n], chunks[at])
})

t.test('no bytes at all verify against the checksum of none', async (t) => {
  const nothing = expected({ size: O.some(0), crc64: O.some(0n) })
  t.same(await outcome(nothing, texts()), { chunks: [], integrity: { _tag: 'Verified', crc64: 0n } })
})

t.test('without a length the checksum is compared at the end', async (t) => {
  const unmeasured = expected({ size: O.none })
  t.match((await outcome(unmeasured, texts(digits))).integrity, { _tag: 'Verified' })
  const { chunks, error } = await outcome(unmeasured, texts('123456788'))
  t.same(chunks, ['123456788'])
  t.match(error, { _tag: 'IntegrityError', check: 'crc64' })
})

t.test(
  'without a checksum nothing is claimed; ours is told, and why there is none to compare with',
  async (t) => {
    const none = { crc64: O.none }
    const ours = { _tag: 'Unverifiable', crc64 }
    t.same((await outcome(expected(none), texts(digits))).integrity, { ...ours, reason: 'NoChecksum' })
    const range = expected({ ...none, reason: 'Range' })
    t.same((await outcome(range, texts(digits))).integrity, { ...ours, reason: 'Range' })
  }
)

t.test(
  'other bytes end as an error, and the chunk that would have completed them is held back',
  async (t) => {
    const { chunks, error, integrity } = await outcome(expected(), texts('1234', '5678', '8'))
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
  }
)

t.test('bytes are missing or too many: an error, and nothing of the surplus is handed on', async (t) => {
  const short = await outcome(expected(), texts('1234', '5678'))
  t.same(short.chunks, ['1234', '5678'])
  t.match(short.error, { _tag: 'TransportError', code: 'ShortBody' })
  const late = await outcome(expected(), texts(digits, '0'))
  t.same(late.chunks, [digits])
  t.match(late.error, { _tag: 'IntegrityError', check: 'size', expected: '9', got: '10' })
})

t.test('two bodies at once keep their checksums apart', async (t) => {
  const reads = Array.from({ length: 20 }, () => outcome(expected(), texts('12345', '6789')))
  for (const { integrity } of await Promise.all(reads)) t.match(integrity, { _tag: 'Verified' })
})

t.test('a reader that stops holds the source back', async (t) => {
  let given = 0
  const endless = async function* () {
    for (;;) yield Buffer.from(String((given += 1)))
  }
  await verifyBytes(expected({ size: O.none }))(endless()).next()
  await setTimeout(20)
  t.equal(given, 1)
})

t.test('a reader that leaves closes the source', async (t) => {
  let closed = false
  const source = async function* () {
    try {
      for (;;) yield Buffer.from('1')
    } finally {
      closed = true
    }
  }
  for await (const _ of verifyBytes(expected({ size: O.none }))(source())) break
  t.equal(closed, true)
})

t.test('a failing source fails the pipeline with its own error', async (t) => {
  const broken = yieldThenFail(new Error('disk'), Buffer.from('1234'))
  await t.rejects(pipeline(broken, verifyBytes(expected()), toArray), { message: 'disk' })
  // The bytes are all here, and still their end is not what it should be.
  const late = yieldThenFail(new Error('reset'), Buffer.from(digits))
  await t.rejects(pipeline(late, verifyBytes(expected()), toArray), { message: 'reset' })
})
