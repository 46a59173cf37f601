import t from 'tap'
import {
  dateAdd,
  dateDiff,
  extract,
  format,
  partOf,
  readTimestamp,
  writeTimestamp,
  type Part
} from '../../../lib/emulator/select/timestamps.js'

const at = (text: string) => {
  const read = readTimestamp(text)
  if (read === undefined) throw new Error(`no timestamp: ${text}`)
  return read
}

t.test('readTimestamp accepts any precision', async (t) => {
  for (const [text, iso] of [
    ['2007T', '2007-01-01T00:00:00Z'],
    ['2007-04T', '2007-04-01T00:00:00Z'],
    ['2007-04-05', '2007-04-05T00:00:00Z'],
    ['2007-04-05T', '2007-04-05T00:00:00Z'],
    ['2007-04-05T14:30Z', '2007-04-05T14:30:00Z'],
    ['2007-04-05T14:30:15Z', '2007-04-05T14:30:15Z'],
    ['2007-04-05T14:30:15.123456789Z', '2007-04-05T14:30:15.123Z'],
    ['2007-04-05T14:30+08:00', '2007-04-05T06:30:00Z'],
    ['2007-12-31T23:30-01:00', '2008-01-01T00:30:00Z'],
    ['2024-02-29', '2024-02-29T00:00:00Z'],
    ['0099-01-01', '0099-01-01T00:00:00Z']
  ] as const)
    t.equal(writeTimestamp(at(text)), iso, text)
})

t.test('readTimestamp returns undefined for other text', async (t) => {
  for (const text of [
    '',
    '2007',
    '2007-04',
    '2007-13-01',
    '2007-02-29',
    '2007-04-31',
    '2007-00-01',
    '2007-04-05T14Z',
    '2007-04-05T14:30',
    '2007-04-05T24:00Z',
    '2007-04-05 14:30Z',
    '5 April 2007',
    'now'
  ])
    t.equal(readTimestamp(text), undefined, text)
})

t.test('extract returns a part of a timestamp', async (t) => {
  const moment = at('2007-04-05T14:30:15.5Z')
  const parts = [
    'year',
    'month',
    'day',
    'hour',
    'minute',
    'second',
    'timezone_hour',
    'timezone_minute'
  ] as const
  t.same(
    parts.map((part) => extract(part, moment)),
    [2007n, 4n, 5n, 14n, 30n, 15n, 0n, 0n]
  )
  t.equal(partOf('YEAR'), 'year')
  t.equal(partOf('fortnight'), undefined)
})

t.test('dateAdd adds units and respects the last day of a month', async (t) => {
  for (const [part, quantity, from, to] of [
    ['year', 1, '2024-02-29', '2025-02-28T00:00:00Z'],
    ['month', 1, '2024-01-31', '2024-02-29T00:00:00Z'],
    ['month', -3, '2024-01-31', '2023-10-31T00:00:00Z'],
    ['day', 1, '2024-02-29', '2024-03-01T00:00:00Z'],
    ['hour', -1, '2024-01-01', '2023-12-31T23:00:00Z'],
    ['minute', 90, '2024-01-01', '2024-01-01T01:30:00Z'],
    ['second', 61, '2024-01-01', '2024-01-01T00:01:01Z']
  ] as const) {
    const sum = dateAdd(part, quantity, at(from))
    t.equal(sum && writeTimestamp(sum), to, `${String(quantity)} ${part}`)
  }
  for (const [part, quantity] of [
    ['year', 1e9],
    ['day', 1e300],
    ['timezone_hour', 1]
  ] as ReadonlyArray<[Part, number]>)
    t.equal(dateAdd(part, quantity, at('2024-01-01')), undefined, `${String(quantity)} ${part}`)
})

t.test('dateDiff counts whole units', async (t) => {
  for (const [part, from, to, count] of [
    ['year', '2010-05-15', '2011-05-14', 0n],
    ['year', '2010-05-15', '2011-05-15', 1n],
    ['year', '2011-05-15', '2010-05-15', -1n],
    ['month', '2010-01-31', '2010-02-28', 1n],
    ['month', '2010-01-15', '2010-03-14', 1n],
    ['month', '2010-03-14', '2010-01-15', -1n],
    ['day', '2010-01-01T23:00Z', '2010-01-02T01:00Z', 0n],
    ['hour', '2010-01-01', '2010-01-02', 24n],
    ['minute', '2010-01-01', '2009-12-31T23:58:30Z', -1n],
    ['second', '2010-01-01', '2010-01-01T00:00:01.9Z', 1n]
  ] as const)
    t.equal(dateDiff(part, at(from), at(to)), count, `${part} from ${from} to ${to}`)
  t.equal(dateDiff('timezone_minute', at('2010T'), at('2011T')), undefined)
})

t.test('format writes a timestamp by a pattern', async (t) => {
  const moment = at('1969-07-20T20:08:09.125Z')
  for (const [pattern, text] of [
    ['MMMM d, y', 'July 20, 1969'],
    ['MMM d, yyyy', 'Jul 20, 1969'],
    ['M-d-yy', '7-20-69'],
    ['MM-dd-yyyy', '07-20-1969'],
    ['MMMM d, y h:m a', 'July 20, 1969 8:8 PM'],
    ["y-MM-dd'T'H:m:ssX", '1969-07-20T20:8:09Z'],
    ["yyyy-MM-dd'T'HH:mm:ss.SSSXXXXX", '1969-07-20T20:08:09.125Z'],
    ['hh:mm xxxx xxxxx x', '08:08 +0000 +00:00 +00'],
    ['S SS SSSSS n MMMMM', '1 12 12500 125000000 J']
  ] as const)
    t.equal(format(pattern, moment), text, pattern)
  t.equal(format('yyyy Q', moment), undefined, 'an unknown letter')
})
