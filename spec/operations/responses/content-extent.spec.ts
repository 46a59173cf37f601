import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import t from 'tap'
import {
  ContentRangeText,
  coversAll,
  ContentExtentHeaders,
  contentExtentOf,
  type ContentExtent
} from '../../../lib/operations/responses/content-extent.js'
import type { Range } from '../../../lib/operations/parameters/range.js'
import { right } from '../../support/responses.js'

t.test('a content-range is decoded with and without a size', async (t) => {
  t.same(ContentRangeText.decode('bytes 0-6/16'), E.right({ first: 0, last: 6, size: O.some(16) }))
  t.same(ContentRangeText.decode('bytes 9-9/10'), E.right({ first: 9, last: 9, size: O.some(10) }))
  t.same(ContentRangeText.decode('bytes 5-6/*'), E.right({ first: 5, last: 6, size: O.none }))
})

t.test('an impossible content-range is invalid', async (t) => {
  for (const wrong of [
    ...['', 'bytes', '0-6/16', 'bytes 0-6', 'bytes */16', 'bytes a-6/16', 'bytes 0-6/16, bytes 8-9/16'],
    ...['bytes 6-5/16', 'bytes 0-16/16', 'bytes -6/16', 'items 0-6/16', 'bytes 0-6/99999999999999999999']
  ]) {
    t.equal(E.isLeft(ContentRangeText.decode(wrong)), true, wrong)
  }
})

t.test('coversAll is true for a range of the whole object', async (t) => {
  t.equal(coversAll({ first: 0, last: 9, size: O.some(10) }), true)
  t.equal(coversAll({ first: 0, last: 8, size: O.some(10) }), false)
  t.equal(coversAll({ first: 1, last: 9, size: O.some(10) }), false)
  t.equal(coversAll({ first: 0, last: 9, size: O.none }), false)
})

const extent = (
  status: number,
  headers: { readonly length?: string; readonly range?: string },
  requested?: Range
): E.Either<string, ContentExtent> =>
  contentExtentOf(
    status,
    right(ContentExtentHeaders.decode({ 'content-length': headers.length, 'content-range': headers.range })),
    O.fromNullable(requested)
  )

t.test('a whole object is accepted without a requested range', async (t) => {
  const whole = { size: O.some(10), contentLength: O.some(10), contentRange: O.none }
  t.same(extent(200, { length: '10' }), E.right(whole))
  t.same(extent(200, {}), E.right({ size: O.none, contentLength: O.none, contentRange: O.none }))
  t.same(extent(200, { length: '0' }), E.right({ ...whole, size: O.some(0), contentLength: O.some(0) }))
})

t.test('the requested range is accepted', async (t) => {
  const cases: ReadonlyArray<readonly [Range, string]> = [
    [{ first: 0, last: 6 }, 'bytes 0-6/16'],
    [{ first: 9, last: 9 }, 'bytes 9-9/16'],
    [{ first: 9, last: 99 }, 'bytes 9-15/16'],
    [{ first: 9 }, 'bytes 9-15/16'],
    [{ suffix: 5 }, 'bytes 11-15/16'],
    [{ suffix: 99 }, 'bytes 0-15/16'],
    [{ first: 0, last: 6 }, 'bytes 0-6/*'],
    // Of an unknown size, fewer bytes may be all there are.
    [{ first: 5, last: 99 }, 'bytes 5-6/*'],
    [{ first: 5 }, 'bytes 5-6/*'],
    [{ suffix: 5 }, 'bytes 11-15/*']
  ]
  for (const [requested, range] of cases) t.equal(E.isRight(extent(206, { range }, requested)), true, range)
  t.same(
    extent(206, { range: 'bytes 0-6/16', length: '7' }, { first: 0, last: 6 }),
    E.right({
      size: O.some(16),
      contentLength: O.some(7),
      contentRange: O.some({ first: 0, last: 6, size: O.some(16) })
    })
  )
  // The length of a chunked response is that of its range.
  t.match(extent(206, { range: 'bytes 0-6/16' }, { first: 0, last: 6 }), {
    right: { contentLength: O.some(7) }
  })
})

t.test('another range is a problem', async (t) => {
  const cases: ReadonlyArray<readonly [Range, string]> = [
    [{ first: 0, last: 6 }, 'bytes 1-7/16'],
    [{ first: 0, last: 6 }, 'bytes 0-5/16'],
    [{ first: 0, last: 6 }, 'bytes 0-7/16'],
    [{ first: 9 }, 'bytes 9-14/16'],
    [{ first: 9 }, 'bytes 0-15/16'],
    [{ first: 20, last: 30 }, 'bytes 9-15/16'],
    [{ suffix: 5 }, 'bytes 0-4/16'],
    [{ suffix: 5 }, 'bytes 10-15/16'],
    [{ first: 0, last: 6 }, 'bytes 0-7/*'],
    [{ first: 5 }, 'bytes 4-6/*'],
    [{ suffix: 5 }, 'bytes 10-15/*']
  ]
  for (const [requested, range] of cases) {
    t.match(extent(206, { range }, requested), { left: /^bytes=.* expected, bytes .* came$/ }, range)
  }
})

t.test('a whole object is accepted for a range that covers it', async (t) => {
  const length = '16'
  for (const requested of [
    { first: 0 },
    { first: 0, last: 15 },
    { first: 0, last: 99 },
    { suffix: 16 },
    { suffix: 99 }
  ]) {
    t.same(
      extent(200, { length }, requested),
      E.right({ size: O.some(16), contentLength: O.some(16), contentRange: O.none })
    )
  }
  for (const requested of [{ first: 0, last: 14 }, { first: 1 }, { first: 1, last: 15 }, { suffix: 15 }]) {
    t.match(extent(200, { length }, requested), {
      left: /^status 206 for bytes=.* expected, 200 with the whole/
    })
    t.match(extent(200, {}, requested), { left: /^status 206/ })
  }
  t.match(extent(200, { length: '0' }, { first: 0 }), { left: /^status 206/ })
})

t.test('contradictory headers are a problem', async (t) => {
  const requested = { first: 0, last: 6 }
  t.match(extent(206, {}, requested), { left: 'status 206 came without a content-range' })
  t.match(extent(206, { range: 'bytes 0-6/16', length: '8' }, requested), {
    left: 'content-range is of 7 bytes, content-length of 8'
  })
  t.match(extent(206, { range: 'bytes 0-6/16' }), { left: 'the whole object expected, bytes 0-6 came' })
  t.equal(E.isRight(extent(206, { range: 'bytes 0-15/16' })), true)
  t.match(extent(204, {}), { left: 'status 200 or 206 expected, 204 came' })
})
