import * as E from 'fp-ts/lib/Either.js'
import t from 'tap'
import {
  checkConditions,
  readCopyRange,
  readRange
} from '../../../../lib/emulator/handlers/shared/conditions.js'

const at = { etag: '"abc"', modified: Date.parse('2024-05-01T08:31:00.900Z') }
const same = 'Wed, 01 May 2024 08:31:00 GMT'
const later = 'Wed, 01 May 2024 08:31:01 GMT'
const earlier = 'Wed, 01 May 2024 08:30:59 GMT'

t.test("conditions are evaluated in HTTP's order", async (t) => {
  const cases: ReadonlyArray<readonly [Readonly<Record<string, string>>, string]> = [
    [{}, 'Passed'],
    [{ 'if-match': '"abc"' }, 'Passed'],
    [{ 'if-match': 'abc' }, 'Passed'],
    [{ 'if-match': '"x", "abc"' }, 'Passed'],
    [{ 'if-match': '*' }, 'Passed'],
    [{ 'if-match': '"x"' }, 'Failed'],
    [{ 'if-none-match': '"abc"' }, 'NotModified'],
    [{ 'if-none-match': 'W/"abc"' }, 'NotModified'],
    [{ 'if-none-match': '"x"' }, 'Passed'],
    [{ 'if-modified-since': earlier }, 'Passed'],
    [{ 'if-modified-since': same }, 'NotModified'],
    [{ 'if-modified-since': 'Wednesday, 01-May-24 08:31:00 GMT' }, 'NotModified'],
    [{ 'if-modified-since': 'Wed May  1 08:31:00 2024' }, 'NotModified'],
    [{ 'if-unmodified-since': same }, 'Passed'],
    [{ 'if-unmodified-since': later }, 'Passed'],
    [{ 'if-unmodified-since': earlier }, 'Failed'],
    [{ 'if-unmodified-since': 'no date' }, 'Passed'],
    // If both are given, the ETag decides.
    [{ 'if-match': '"abc"', 'if-unmodified-since': earlier }, 'Passed'],
    [{ 'if-none-match': '"x"', 'if-modified-since': later }, 'Passed'],
    [{ 'if-match': '"x"', 'if-none-match': '"abc"' }, 'Failed']
  ]
  for (const [headers, verdict] of cases)
    t.equal(checkConditions(headers, '', at), verdict, JSON.stringify(headers))
})

t.test('readRange follows RFC 9110', async (t) => {
  const cases: ReadonlyArray<readonly [string | undefined, number, unknown]> = [
    [undefined, 10, undefined],
    ['bytes=0-0', 10, { first: 0, size: 1 }],
    ['bytes=2-4', 10, { first: 2, size: 3 }],
    ['bytes=2-', 10, { first: 2, size: 8 }],
    ['bytes=2-99', 10, { first: 2, size: 8 }],
    ['bytes=-3', 10, { first: 7, size: 3 }],
    ['bytes=-99', 10, { first: 0, size: 10 }],
    ['bytes=10-', 10, 416],
    ['bytes=-0', 10, 416],
    ['bytes=0-', 0, 416],
    ['bytes=-1', 0, 416],
    // An invalid range is ignored.
    ['bytes=4-2', 10, undefined],
    ['bytes=-', 10, undefined],
    ['bytes=0-1,3-4', 10, undefined],
    ['lines=0-1', 10, undefined]
  ]
  for (const [header, size, expected] of cases) {
    const read = readRange(header, size)
    t.strictSame(
      E.isRight(read) ? read.right : read.left.status,
      expected,
      `${String(header)} of ${String(size)}`
    )
  }
})

t.test('readCopyRange accepts bytes=first-last within the source only', async (t) => {
  const cases: ReadonlyArray<readonly [string | undefined, unknown]> = [
    [undefined, undefined],
    ['bytes=0-9', { first: 0, size: 10 }],
    ['bytes=9-9', { first: 9, size: 1 }],
    ['bytes=9-10', 416],
    ['bytes=3-', 400],
    ['bytes=-3', 400],
    ['bytes=4-2', 400],
    ['', undefined]
  ]
  for (const [header, expected] of cases) {
    const read = readCopyRange(header, 10)
    t.strictSame(E.isRight(read) ? read.right : read.left.status, expected, String(header))
  }
})
