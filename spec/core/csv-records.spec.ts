import * as E from 'fp-ts/lib/Either.js'
import fc from 'fast-check'
import t from 'tap'
import { csvReader, type CsvLayout } from '../../lib/core/csv-records.js'
import { right } from '../support/responses.js'
import { anyText } from '../support/any-text.js'

type Records = ReadonlyArray<ReadonlyArray<string>>

interface Outcome {
  readonly records: Records
  readonly problem: string | undefined
}

const open = right(await csvReader()())

/** Runs the fold over chunks, to its end or its first problem. */
const read = async (
  layout: Partial<CsvLayout>,
  ...chunks: ReadonlyArray<string | Uint8Array>
): Promise<Outcome> => {
  const folding = open({ limit: 1000, ...layout })
  const records: Array<ReadonlyArray<string>> = []
  for (const step of [
    ...chunks.map((chunk) => async () => folding.step(Buffer.from(chunk))),
    folding.finish,
    folding.finish
  ]) {
    const result = await step()
    if (E.isLeft(result)) return { records, problem: result.left._tag }
    records.push(...result.right)
  }
  return { records, problem: undefined }
}

const whole = (records: Records): Outcome => ({ records, problem: undefined })

t.test('records are read as Select writes them', async (t) => {
  const cases: ReadonlyArray<readonly [string, Partial<CsvLayout>, string, Records]> = [
    [
      'plain',
      {},
      'a,b\nc,d\n',
      [
        ['a', 'b'],
        ['c', 'd']
      ]
    ],
    [
      'without a last line feed',
      {},
      'a,b\nc,d',
      [
        ['a', 'b'],
        ['c', 'd']
      ]
    ],
    ['empty fields and empty lines', {}, ',\n\n""\n', [['', ''], [''], ['']]],
    ['rows of different lengths', {}, 'a\nb,c\n', [['a'], ['b', 'c']]],
    ['quotes, doubled', {}, '"a,""b""","c\nd"\n', [['a,"b"', 'c\nd']]],
    ['a carriage return is a character', {}, 'a,b\r\n', [['a', 'b\r']]],
    ['unless it delimits', { recordDelimiter: '\r\n' }, 'a,"b\r\n"\r\nc\r\n', [['a', 'b\r\n'], ['c']]],
    [
      'other characters',
      { recordDelimiter: '|', fieldDelimiter: ';', quoteCharacter: "'" },
      "a;'b;|'|c;d|",
      [
        ['a', 'b;|'],
        ['c', 'd']
      ]
    ],
    ['another escape', { quoteEscapeCharacter: '\\' }, '"a\\"b",c\n', [['a"b', 'c']]],
    ['comments', { comments: '#' }, '#x,"\na,#b\n#y', [['a', '#b']]],
    ['no comments unless requested', {}, '#x\n', [['#x']]],
    ['a byte order mark', {}, '\uFEFFa\n', [['a']]],
    ['unicode', {}, '腾,"讯😀"\n', [['腾', '讯😀']]]
  ]
  for (const [name, layout, text, records] of cases) {
    t.same(await read(layout, text), whole(records), name)
    const bytes = Buffer.from(text)
    t.same(
      await read(layout, ...Array.from(bytes, (byte) => Uint8Array.of(byte))),
      whole(records),
      `${name}, bytewise`
    )
  }
})

t.test('malformed CSV is an error after the complete records before it', async (t) => {
  t.same(await read({}, 'a,b\n"c"d\ne'), { records: [['a', 'b']], problem: 'Malformed' })
  t.same(await read({}, 'a,b\nc"d\n'), { records: [['a', 'b']], problem: 'Malformed' })
  t.same(await read({}, 'a,b\n"c\nd'), { records: [['a', 'b']], problem: 'Incomplete' })
  t.same(await read({}, 'a\nbcdefg\n', Buffer.from([0x61, 0xff, 0x0a])), {
    records: [['a']],
    problem: 'NotUtf8'
  })
  t.same(await read({}, Buffer.from([0xe8, 0x85])), { records: [], problem: 'NotUtf8' })
})

t.test('a record may have limit bytes, and no more', async (t) => {
  // With the commas and the delimiter.
  const fits = `${'x'.repeat(499)},${'y'.repeat(499)}\n`
  t.same((await read({}, fits, fits)).records.length, 2)
  t.same(await read({}, `a\n${'腾'.repeat(400)}\nb\n`), { records: [['a']], problem: 'TooLarge' }, 'in bytes')
  t.same(await read({}, 'a\n', ...Array.from({ length: 200 }, () => '0123456789')), {
    records: [['a']],
    problem: 'TooLarge'
  })
  t.same(
    await read({ comments: '#' }, `#${'c'.repeat(5000)}\na\n`),
    whole([['a']]),
    'comments are not counted'
  )
})

t.test('a record without an end is refused before it is complete', async (t) => {
  const folding = open({ limit: 1000 })
  folding.step(Buffer.from('"'))
  let taken = 0
  while (E.isRight(folding.step(Buffer.from('0123456789'))) && taken < 5000) taken += 10
  t.ok(taken >= 900 && taken <= 1100, String(taken))
})

t.test('any fields are read back, for any chunks', async () => {
  const quote = (field: string): string => `"${field.replaceAll('"', '""')}"`
  const fields = fc.array(anyText({ maxLength: 12 }), { minLength: 1, maxLength: 4 })
  await fc.assert(
    fc.asyncProperty(fc.array(fields, { maxLength: 6 }), fc.nat(60), async (records, cut) => {
      const bytes = Buffer.from(records.map((record) => `${record.map(quote).join(',')}\n`).join(''))
      const outcome = await read({ limit: 1e6 }, bytes.subarray(0, cut), bytes.subarray(cut))
      return JSON.stringify(outcome) === JSON.stringify(whole(records))
    }),
    { numRuns: 300, seed: 20250101 }
  )
})

t.test('without csv-parse, csvReader returns the error of import()', async (t) => {
  const missing = Object.assign(new Error('Cannot find package'), { code: 'ERR_MODULE_NOT_FOUND' })
  t.same(await csvReader(() => Promise.reject(missing))(), E.left(missing))
})
