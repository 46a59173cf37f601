import { pipeline } from 'node:stream/promises'
import { setTimeout } from 'node:timers/promises'
import * as O from 'fp-ts/lib/Option.js'
import t from 'tap'
import { CosException, type CosError } from '../../lib/core/error.js'
import { checkLength } from '../../lib/stages/check-length.js'
import { specContext } from '../support/responses.js'
import { yieldThenFail, from, toArray } from '../support/iterables.js'

const announced = (size: O.Option<number> = O.some(9)) => ({ size, context: specContext })
const texts = (...chunks: ReadonlyArray<string>) => from(...chunks.map((chunk) => Buffer.from(chunk)))

interface Outcome {
  /** What was handed on, as text. */
  readonly chunks: ReadonlyArray<string>
  readonly error?: CosError
}

/** Reads to the end, whatever the end is. */
const outcome = async (source: AsyncIterable<Uint8Array>, size?: O.Option<number>): Promise<Outcome> => {
  const chunks: Array<string> = []
  try {
    for await (const chunk of checkLength(announced(size))(source)) chunks.push(Buffer.from(chunk).toString())
    return { chunks }
  } catch (thrown) {
    if (thrown instanceof CosException) return { chunks, error: thrown.error }
    throw thrown
  }
}

t.test('a body of the announced length passes unchanged, without empty chunks', async (t) => {
  const chunks = ['12', '', '345', '6789', ''].map((text) => Buffer.from(text))
  const passed = await toArray(checkLength(announced())(from(...chunks)))
  t.equal(passed.length, 3)
  for (const [n, at] of [0, 2, 3].entries()) t.equal(passed[n], chunks[at])
  t.same(await outcome(texts('123'), O.none), { chunks: ['123'] })
  t.same(await outcome(texts(), O.some(0)), { chunks: [] })
})

t.test('missing bytes are a TransportError, so that they are retried', async (t) => {
  const { chunks, error } = await outcome(texts('1234', '5678'))
  t.same(chunks, ['1234', '5678'])
  t.match(error, { _tag: 'TransportError', code: 'ShortBody', cause: { message: /after 8 of 9 bytes/ } })
  t.match((await outcome(texts())).error, { _tag: 'TransportError', code: 'ShortBody' })
})

t.test('too many bytes are an IntegrityError, and no byte beyond the length is yielded', async (t) => {
  const { chunks, error } = await outcome(texts('1234', '567890'))
  t.same(chunks, ['1234'])
  t.match(error, { _tag: 'IntegrityError', context: specContext, check: 'size', expected: '9', got: '10' })
  const late = await outcome(texts('123456789', '0'))
  t.same(late.chunks, ['123456789'])
  t.match(late.error, { _tag: 'IntegrityError', check: 'size', expected: '9', got: '10' })
})

t.test('a paused reader pauses the source', async (t) => {
  let given = 0
  const endless = async function* () {
    for (;;) yield Buffer.from(String((given += 1)))
  }
  await checkLength(announced(O.none))(endless()).next()
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
  for await (const _ of checkLength(announced())(source())) break
  t.equal(closed, true)
})

t.test('an error of the source fails the pipeline', async (t) => {
  const broken = yieldThenFail(new Error('disk'), Buffer.from('1234'))
  await t.rejects(pipeline(broken, checkLength(announced()), toArray), { message: 'disk' })
})
