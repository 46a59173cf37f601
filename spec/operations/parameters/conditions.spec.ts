import * as E from 'fp-ts/lib/Either.js'
import t from 'tap'
import {
  conditionHeaders,
  conditions,
  copySourceConditionHeaders,
  copySourceConditions,
  ETag,
  type Conditions,
  type CopySourceConditions
} from '../../../lib/operations/parameters/conditions.js'
import { validateFields, validateWith, withoutUndefined } from '../../support/operations.js'

const headers = (input: unknown) => {
  const checked = validateFields<Conditions>(conditions)(input)
  return E.isRight(checked) ? withoutUndefined(conditionHeaders(checked.right)) : checked.left
}
const sourceHeaders = (input: unknown) => {
  const checked = validateFields<CopySourceConditions>(copySourceConditions)(input)
  return E.isRight(checked) ? withoutUndefined(copySourceConditionHeaders(checked.right)) : checked.left
}

const date = new Date('2024-05-01T08:31:00.999Z')
const httpDate = 'Wed, 01 May 2024 08:31:00 GMT'

t.test('each condition is sent as its header, of the object or of the source', async (t) => {
  t.same(headers({}), {})
  t.same(headers({ ifMatch: '"a"', ifNoneMatch: '"b"', ifModifiedSince: date, ifUnmodifiedSince: date }), {
    'if-match': '"a"',
    'if-none-match': '"b"',
    'if-modified-since': httpDate,
    'if-unmodified-since': httpDate
  })
  t.same(sourceHeaders({}), {})
  t.same(
    sourceHeaders({
      copySourceIfMatch: '"a"',
      copySourceIfNoneMatch: 'b',
      copySourceIfModifiedSince: date,
      copySourceIfUnmodifiedSince: date
    }),
    {
      'x-cos-copy-source-if-match': '"a"',
      'x-cos-copy-source-if-none-match': '"b"',
      'x-cos-copy-source-if-modified-since': httpDate,
      'x-cos-copy-source-if-unmodified-since': httpDate
    }
  )
})

t.test('an ETag without quotes gets quotes', async (t) => {
  const judge = validateWith(ETag)
  for (const [given, sent] of [
    ['9a4802d5c99dafe1c04da0a8e7e166bf', '"9a4802d5c99dafe1c04da0a8e7e166bf"'],
    ['"9a4802d5c99dafe1c04da0a8e7e166bf-2"', '"9a4802d5c99dafe1c04da0a8e7e166bf-2"'],
    [' "a" ', '"a"'],
    ['W/"a"', 'W/"a"'],
    ['"a", "b"', '"a", "b"'],
    ['*', '*']
  ] as const) {
    t.same(judge(given), E.right(sent))
  }
})

t.test('an invalid ETag or date is an InvalidInput that names the field', async (t) => {
  const etag = 'must be an ETag, with or without its quotes'
  for (const nonsense of ['', ' ', 'a\r\nb', 3, null]) {
    t.equal(headers({ ifMatch: nonsense }), `ifMatch: ${etag}`)
    t.equal(headers({ ifNoneMatch: nonsense }), `ifNoneMatch: ${etag}`)
    t.equal(sourceHeaders({ copySourceIfMatch: nonsense }), `copySourceIfMatch: ${etag}`)
  }
  for (const nonsense of [new Date(NaN), httpDate, 0]) {
    t.equal(headers({ ifModifiedSince: nonsense }), 'ifModifiedSince: must be a valid Date')
    t.equal(headers({ ifUnmodifiedSince: nonsense }), 'ifUnmodifiedSince: must be a valid Date')
    t.equal(
      sourceHeaders({ copySourceIfUnmodifiedSince: nonsense }),
      'copySourceIfUnmodifiedSince: must be a valid Date'
    )
  }
})
