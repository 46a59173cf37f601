import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import fc from 'fast-check'
import t from 'tap'
import { parseJson, jsonReader, type JsonLayout } from '../../lib/core/json-records.js'

interface Outcome {
  readonly texts: ReadonlyArray<string>
  readonly problem: string | undefined
}

/** Runs the fold over chunks, to its end or its first problem. */
const read = async (layout: Partial<JsonLayout>, ...chunks: ReadonlyArray<Uint8Array>): Promise<Outcome> => {
  const folding = jsonReader({ limit: 1000, ...layout })
  const texts: Array<string> = []
  for (const step of [
    ...chunks.map((chunk) => async () => folding.step(chunk)),
    folding.finish,
    folding.finish
  ]) {
    const result = await step()
    if (E.isLeft(result)) return { texts, problem: result.left._tag }
    texts.push(...result.right)
  }
  return { texts, problem: undefined }
}

const of = (text: string): Buffer => Buffer.from(text)

t.test('texts are separated by their brackets, whatever their strings contain', async (t) => {
  const texts = ['{"a":"}{"}', '[1,"]",[]]', '"x\\"y\\\\"', '{}', '-1.5e3', 'true', '{"腾":"讯\\n😀"}']
  for (const delimiter of ['\n', '\r\n', '|', ',', '}', '{', '"', 'é']) {
    const whole = of(texts.map((text) => text + delimiter).join(''))
    for (let at = 0; at <= whole.length; at += 1) {
      const cut = await read({ delimiter }, whole.subarray(0, at), whole.subarray(at))
      t.same(cut, { texts, problem: undefined }, `by ${JSON.stringify(delimiter)}, cut at ${String(at)}`)
    }
    const bytewise = Array.from(whole, (byte) => Uint8Array.of(byte))
    t.same(await read({ delimiter }, ...bytewise), { texts, problem: undefined }, 'byte by byte')
  }
})

t.test('without a delimiter, texts are separated by white space or by nothing', async (t) => {
  const outcome = await read({}, of('\uFEFF {"a":1}{"b":[2,\n3]}\r\n\t4 null"x"[]'))
  t.same(outcome, { texts: ['{"a":1}', '{"b":[2,\n3]}', '4', 'null"x"', '[]'], problem: undefined })
})

t.test('only the last delimiter may be missing', async (t) => {
  t.same(await read({ delimiter: ';' }, of('{"a":1};{"b":2}')), {
    texts: ['{"a":1}', '{"b":2}'],
    problem: undefined
  })
  t.same(await read({ delimiter: ';' }, of('{"a":1}{"b":2};')), { texts: ['{"a":1}'], problem: 'Malformed' })
  t.same(await read({ delimiter: '\r\n' }, of('{"a":1}\r{"b":2}')), {
    texts: ['{"a":1}'],
    problem: 'Malformed'
  })
})

t.test('texts before an error are returned first, and the error is final', async (t) => {
  const folding = jsonReader({ delimiter: '\n', limit: 10 })
  t.same(folding.step(of('{}\n[]\n"0123456789"\n')), E.right(['{}', '[]']))
  t.match(folding.step(of('{}\n')), { left: { _tag: 'TooLarge' } })
  t.match(await folding.finish(), { left: { _tag: 'TooLarge' } })
})

t.test('a text that is too large is rejected before it is complete', async (t) => {
  const folding = jsonReader({ limit: 1000 })
  for (let size = 0; size < 1000; size += 100) t.same(folding.step(of('['.repeat(100))), E.right([]))
  t.match(folding.step(of('[')), { left: { _tag: 'TooLarge' } })
  t.same(await read({ limit: 4 }, of('[12]')), { texts: ['[12]'], problem: undefined })
  t.same(await read({ limit: 3 }, of('[12]')), { texts: [], problem: 'TooLarge' })
})

t.test('bytes that are not UTF-8, and a text without an end, are errors', async (t) => {
  t.same(await read({}, Buffer.from([0x22, 0xff, 0x22, 0x0a])), { texts: [], problem: 'NotUtf8' })
  for (const text of ['{"a":1', '"abc', '["\\"]'])
    t.same(await read({}, of(`1 ${text}`)), { texts: ['1'], problem: 'Incomplete' }, text)
  t.same(await read({}), { texts: [], problem: undefined }, 'nothing is no mistake')
})

t.test('any values are read back, wherever the bytes are cut', async () => {
  const values = fc.array(fc.jsonValue(), { maxLength: 8 })
  const cuts = fc.array(fc.nat(400), { maxLength: 6 })
  await fc.assert(
    fc.asyncProperty(values, cuts, fc.constantFrom('\n', '\r\n', ';'), async (values, cuts, delimiter) => {
      const texts = values.map((value) => JSON.stringify(value))
      const whole = of(texts.map((text) => text + delimiter).join(''))
      const marks = [0, ...cuts.map((cut) => Math.min(cut, whole.length)).sort((a, b) => a - b), whole.length]
      const chunks = marks.slice(1).map((to, n) => whole.subarray(marks[n], to))
      const outcome = await read({ delimiter, limit: 1e6 }, ...chunks)
      return JSON.stringify(outcome.texts) === JSON.stringify(texts) && outcome.problem === undefined
    }),
    { numRuns: 300, seed: 20250101 }
  )
})

t.test(
  'integers that a double would round are bigints, and all other values are as JSON.parse returns them',
  async (t) => {
    t.same(
      parseJson(
        '{"n":9007199254740993,"m":-9223372036854775808,"s":"9007199254740993","d":0.123456789012345678}'
      ),
      {
        _tag: 'Some',
        value: {
          n: 9007199254740993n,
          m: -9223372036854775808n,
          s: '9007199254740993',
          d: 0.12345678901234568
        }
      }
    )
    t.same(
      parseJson('[9007199254740991,1e16,10000000000000000]'),
      O.some([9007199254740991, 1e16, 10000000000000000n])
    )
    t.same(parseJson('"a\\"9007199254740993"'), O.some('a"9007199254740993'))
    t.same(parseJson('[1e308,"1e400",1e-400]'), O.some([1e308, '1e400', 0]))
    for (const text of [
      '1e400',
      '[-1E+999]',
      '',
      '{',
      '{}{}',
      '0123456789012345678',
      'nul',
      '[9007199254740993',
      "{'a':1}"
    ])
      t.same(parseJson(text), O.none, text)
  }
)
