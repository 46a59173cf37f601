import { inspect } from 'node:util'
import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import * as io from 'io-ts'
import fc from 'fast-check'
import t, { type Test } from 'tap'
import {
  Bool,
  ByteCount,
  Crc64,
  HttpDate,
  Timestamp,
  decodeWith,
  httpTime,
  urlDecode
} from '../../lib/core/wire.js'
import { anyText } from '../support/any-text.js'

const refuses = (t: Test, codec: io.Decoder<unknown, unknown>, ...values: ReadonlyArray<unknown>) => {
  for (const value of values) t.equal(E.isLeft(codec.decode(value)), true, inspect(value))
}

t.test('a byte count is digits, up to what a double holds exactly', async (t) => {
  for (const count of [0, 1, 1048577, 50_000 * 2 ** 30, 999_999_999_999_999]) {
    t.same(ByteCount.decode(String(count)), E.right(count))
    t.equal(ByteCount.encode(count), String(count))
  }
  t.same(ByteCount.decode('007'), E.right(7))
  refuses(
    t,
    ByteCount,
    '',
    '-1',
    '+1',
    '1.0',
    '1e3',
    '0x10',
    ' 1',
    '1 ',
    '1\n',
    '1000000000000000',
    '١',
    1,
    null
  )
})

t.test('a checksum is a bigint of at most 64 bits', async (t) => {
  t.same(Crc64.decode('18446744073709551615'), E.right(2n ** 64n - 1n))
  t.same(Crc64.decode('0'), E.right(0n))
  t.equal(Crc64.encode(11051210869376104954n), '11051210869376104954')
  refuses(
    t,
    Crc64,
    '18446744073709551616',
    '99999999999999999999',
    '',
    '-1',
    '0x1',
    '995dc9bbdf1939fa',
    ' 1',
    1n,
    1
  )
  fc.assert(fc.property(fc.bigInt(0n, 2n ** 64n - 1n), (n) => Crc64.encode(n) === String(n)))
})

t.test('true and false are read in upper and lower case, and no other text', async (t) => {
  for (const text of ['true', 'TRUE', 'True']) t.same(Bool.decode(text), E.right(true))
  for (const text of ['false', 'FALSE', 'False']) t.same(Bool.decode(text), E.right(false))
  // The last two are names that every object has.
  refuses(t, Bool, '', '1', 'yes', ' true', true, undefined, 'constructor', '__proto__')
})

// -- dates --
const may = new Date('2024-05-01T08:31:00.000Z')

t.test('each form of a date that COS has used is read, and a date without a zone is UTC', async (t) => {
  const zone = process.env['TZ']
  t.teardown(() => {
    if (zone === undefined) delete process.env['TZ']
    else process.env['TZ'] = zone
  })
  for (const TZ of ['UTC', 'Asia/Shanghai', 'America/St_Johns']) {
    process.env['TZ'] = TZ
    for (const text of [
      '2024-05-01T08:31:00.000Z',
      '2024-05-01T08:31:00Z',
      '2024-05-01T08:31:00',
      '2024-05-01 08:31:00',
      '2024-05-01T16:31:00+08:00',
      'Wed, 01 May 2024 08:31:00 GMT',
      'Wed, 1 May 2024 08:31:00 UTC',
      'Wed, 01 May 2024 08:31:00',
      'Wed May  1 08:31:00 2024',
      'Wed May 01 08:31:00 2024',
      'Wed May 1 08:31:00 2024'
    ]) {
      t.same(Timestamp.decode(text), E.right(may), `${text} in ${TZ}`)
      t.same(HttpDate.decode(text), E.right(may))
      t.same(httpTime(text), O.some(may.getTime()))
    }
    t.same(Timestamp.decode('2024-05-01'), E.right(new Date(Date.UTC(2024, 4, 1))), TZ)
  }
})

t.test('a date in a header may have either of the two older forms of HTTP', async (t) => {
  const date = new Date('1994-11-06T08:49:37Z')
  t.same(HttpDate.decode('Sunday, 06-Nov-94 08:49:37 GMT'), E.right(date), 'RFC 850')
  t.same(HttpDate.decode('Sun Nov  6 08:49:37 1994'), E.right(date), 'asctime')
  t.same(HttpDate.decode('Wednesday, 01-May-24 08:31:00 GMT'), E.right(may))
  t.same(httpTime('Wednesday, 01-May-24 08:31:00 GMT'), O.some(may.getTime()))
  t.same([httpTime(undefined), httpTime('now')], [O.none, O.none])
  refuses(
    t,
    HttpDate,
    'Sunday, 06-Nov-94 08:49:37',
    'Sunday, 06-Foo-94 08:49:37 GMT',
    'Sunday, 6-11-94 08:49:37 GMT'
  )
})

t.test('text that only Node accepts as a date is refused', async (t) => {
  const none = [
    '',
    '1',
    '5',
    '2024',
    'version 5',
    'abc 2024 GMT',
    '2024-13-01T00:00:00Z',
    '2024-05-01T25:00:00Z'
  ]
  for (const codec of [Timestamp, HttpDate])
    refuses(t, codec, ...none, 'never', ' 2024-05-01', may, 0, undefined)
})

t.test('dates are written in the forms of HTTP and XML', async (t) => {
  t.equal(HttpDate.encode(may), 'Wed, 01 May 2024 08:31:00 GMT')
  t.equal(Timestamp.encode(may), '2024-05-01T08:31:00.000Z')
  fc.assert(
    fc.property(
      fc.date({ noInvalidDate: true, min: new Date(0), max: new Date('9999-12-31T23:59:59Z') }),
      (date) => {
        const read = Timestamp.decode(Timestamp.encode(date))
        const header = HttpDate.decode(HttpDate.encode(date))
        const second = Math.floor(date.getTime() / 1000) * 1000
        return (
          E.isRight(read) &&
          read.right.getTime() === date.getTime() &&
          E.isRight(header) &&
          header.right.getTime() === second
        )
      }
    )
  )
})

// -- url encoding --
t.test('urlDecode decodes once, and a plus is a plus', async (t) => {
  const spelled: ReadonlyArray<readonly [wire: string, text: string]> = [
    ['trips/beach%20day.jpg', 'trips/beach day.jpg'],
    ['a%2Bb+c', 'a+b+c'],
    ['%E4%B8%AD%0A', '中\n'],
    ['%2520', '%20'],
    ['00123', '00123'],
    ['%00%01', '\0\u0001'],
    // Text that cannot be decoded does not fail the page.
    ['100%', '100%'],
    ['100%+%E4%B8%AD%', '100%+中%'],
    ['%zz%20', '%zz '],
    ['%FF%41', '\ufffdA'],
    ['%E4%B8', '\ufffd'],
    ['', '']
  ]
  for (const [wire, text] of spelled) t.equal(urlDecode(wire), text, wire)
})

t.test('any encoded key is decoded back', async () => {
  fc.assert(
    fc.property(anyText(), (key) => urlDecode(encodeURIComponent(key).replaceAll('%2F', '/')) === key)
  )
})

// -- verdicts --
t.test('decodeWith names the path and the expectation of each failure, and no received value', async (t) => {
  const codec = io.intersection([
    io.type({ size: ByteCount, owner: io.type({ id: io.string }) }),
    io.partial({ crc: io.union([Crc64, Bool]) })
  ])
  const checked = decodeWith(codec)({ size: 'secret', owner: {}, crc: 'secret' })
  t.match(checked, {
    _tag: 'Left',
    left: [
      'size: must be a whole number',
      'owner.id: is missing',
      'crc: must be a CRC64 in decimal',
      /^crc: must be/
    ]
  })
  t.notMatch(JSON.stringify(checked), /secret/)
  t.same(decodeWith(ByteCount)('x'), E.left(['value: must be a whole number']))
  t.same(decodeWith(ByteCount)('7'), E.right(7))
})
