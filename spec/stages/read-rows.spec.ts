import t from 'tap'
import { csvReader } from '../../lib/core/csv-records.js'
import { readCsvRows, readJsonRows } from '../../lib/stages/read-rows.js'
import { right } from '../support/responses.js'
import { yieldThenFail, from, toArray } from '../support/iterables.js'

const fail = (problem: string): Error => new Error(problem)
const json = readJsonRows({ fail })
const csv = readCsvRows({ read: right(await csvReader()()), layout: {}, fail })
const of = (text: string): Uint8Array => Buffer.from(text)

t.test('rows are numbered and in order for any chunks', async (t) => {
  const cases = [
    [json, '{"a":"腾"}\n[1]\n"x"\n', [{ a: '腾' }, [1], 'x']],
    [csv, '腾,"b\n"\n,\nc\n', [['腾', 'b\n'], ['', ''], ['c']]]
  ] as const
  for (const [reading, text, values] of cases) {
    const expected = values.map((value, at) => ({ number: at + 1, value }))
    const bytes = of(text)
    for (let at = 0; at <= bytes.length; at += 1)
      t.same(
        await toArray(reading(from(bytes.subarray(0, at), bytes.subarray(at)))),
        expected,
        `cut at ${String(at)}`
      )
  }
  t.same(await toArray(json(from())), [])
  t.same(await toArray(csv(from())), [])
})

t.test('the last row may lack its delimiter', async (t) => {
  t.same(await toArray(json(from(of('{"a":1}\n{"a":2}')))), [
    { number: 1, value: { a: 1 } },
    { number: 2, value: { a: 2 } }
  ])
  t.same((await toArray(csv(from(of('a\nb'))))).length, 2)
})

t.test('a row may contain the delimiter', async (t) => {
  const commas = readJsonRows({ delimiter: ',', fail })
  t.same(await toArray(commas(from(of('{"a":1,"b":","},{"a":2},')))), [
    { number: 1, value: { a: 1, b: ',' } },
    { number: 2, value: { a: 2 } }
  ])
})

t.test('if the source fails, the last row is not yielded', async (t) => {
  for (const [reading, text] of [
    [json, '1\n2\n3\n'],
    [csv, '1\n2\n3\n']
  ] as const)
    for (const size of [text.length, 1]) {
      const chunks = Array.from({ length: text.length / size }, (_, n) =>
        of(text.slice(n * size, (n + 1) * size))
      )
      const numbers: Array<number> = []
      const read = async () => {
        for await (const { number } of reading(yieldThenFail(new Error('cut'), ...chunks)))
          numbers.push(number)
      }
      await t.rejects(read(), { message: 'cut' })
      // csv-parse looks a few bytes ahead, and so may be one row further behind.
      t.ok(numbers.length <= 2, numbers.join())
    }
  t.same(await toArray(json(from(of('1\n2\n3\n')))).then((rows) => rows.length), 3)
})

t.test('a row that cannot be read is an error with its number, after the rows before it', async (t) => {
  const long = 'x'.repeat(1024 * 1024)
  for (const [reading, text, message] of [
    [json, '{}\n{]\n{}\n', 'row 2: not JSON'],
    [json, '{}\n{}{}\n', 'row 3: a record is not followed by its delimiter'],
    [json, '{}\n{"a":', 'row 2: the data end within a JSON value'],
    [json, `{}\n"${long}"\n`, 'row 2: a record of more than 1048576 bytes'],
    [csv, `aaaa\nbbbb\n"${long}"\n`, 'row 3: a record of more than 1048576 bytes'],
    [csv, 'aaaa\n"b', 'row 2: the data end within a quoted field'],
    [csv, 'aaaa\n"b"c\n', /^row 2: Invalid Closing Quote/]
  ] as const)
    await t.rejects(toArray(reading(from(of(text)))), { message }, String(message))
  const given: Array<unknown> = []
  await t.rejects(
    (async () => {
      for await (const { value } of json(from(of('1\n2\n{]\n')))) given.push(value)
    })()
  )
  t.same(given, [1, 2])
})

t.test('an error is reported before the next chunk arrives', async (t) => {
  const silent = async function* () {
    yield of('1\n2 3')
    await new Promise(() => undefined)
  }
  const rows = json(silent())
  t.match(await rows.next(), { value: { number: 1 } })
  await t.rejects(rows.next(), { message: 'row 3: a record is not followed by its delimiter' })
})

t.test('a paused reader pauses the source, and one that stops early closes it', async (t) => {
  const seen = { taken: 0, closed: false }
  const endless = async function* () {
    try {
      for (;;) {
        seen.taken += 1
        yield of('1\n2\n')
      }
    } finally {
      seen.closed = true
    }
  }
  const rows = json(endless())
  await rows.next()
  t.equal(seen.taken, 1)
  await rows.next()
  await rows.next()
  t.equal(seen.taken, 2)
  await rows.return()
  t.ok(seen.closed)
})
