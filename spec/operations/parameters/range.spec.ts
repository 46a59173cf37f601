import * as E from 'fp-ts/lib/Either.js'
import t from 'tap'
import {
  ClosedRange,
  overridesQuery,
  Range,
  rangeText,
  responseOverrides,
  type ResponseOverrides
} from '../../../lib/operations/parameters/range.js'
import { validateFields, validateWith, withoutUndefined } from '../../support/operations.js'

const range = (u: unknown) => {
  const checked = validateWith(Range)(u)
  return E.isRight(checked) ? rangeText(checked.right) : checked.left
}

t.test('a range is sent in the form of HTTP', async (t) => {
  t.equal(range({ first: 0, last: 0 }), 'bytes=0-0')
  t.equal(range({ first: 5, last: 9007199254740991 }), 'bytes=5-9007199254740991')
  t.equal(range({ first: 5 }), 'bytes=5-')
  t.equal(range({ suffix: 500 }), 'bytes=-500')
})

t.test('an empty or ambiguous range is an InvalidInput that names the field', async (t) => {
  t.equal(range({ first: 5, last: 4 }), 'last: must be at least first, which is 5')
  t.equal(range({ suffix: 0 }), 'suffix: must be an integer, at least 1 (bytes)')
  t.equal(range({ first: 0, suffix: 5 }), 'first: must not be given with suffix')
  t.equal(range({ last: 5 }), 'first: is required')
  for (const wrong of [-1, 0.5, NaN, Infinity, 2 ** 53, '5']) {
    t.equal(range({ first: wrong }), 'first: must be an integer, at least 0 (bytes)')
    t.equal(range({ first: 0, last: wrong }), 'last: must be an integer, at least 0 (bytes)')
    t.equal(range({ suffix: wrong }), 'suffix: must be an integer, at least 1 (bytes)')
  }
  for (const nonsense of [{}, 'bytes=0-5', [0, 5], null]) {
    t.equal(range(nonsense), ': must be a range, { first, last } or { suffix }')
  }
})

t.test('a closed range needs first and last', async (t) => {
  const judge = validateWith(ClosedRange)
  t.same(judge({ first: 0, last: 5 }), E.right({ first: 0, last: 5 }))
  t.same(judge({ first: 6, last: 5 }), E.left('last: must be at least first, which is 6'))
  t.same(judge({ first: 0 }), E.left('last: is required'))
  t.match(judge({ suffix: 5 }), { left: /^suffix: is not a known field/ })
})

const query = (input: unknown) => {
  const checked = validateFields<ResponseOverrides>(responseOverrides)(input)
  return E.isRight(checked) ? withoutUndefined(overridesQuery(checked.right)) : checked.left
}

t.test('response overrides are sent as query parameters', async (t) => {
  t.same(query({}), {})
  t.same(
    query({
      responseCacheControl: 'no-store',
      responseContentDisposition: 'attachment; filename="腾讯.txt"',
      responseContentEncoding: 'identity',
      responseContentLanguage: 'zh',
      responseContentType: 'text/plain; charset=utf-8',
      responseExpires: new Date('2024-05-01T08:31:00Z')
    }),
    {
      'response-cache-control': 'no-store',
      'response-content-disposition': 'attachment; filename="腾讯.txt"',
      'response-content-encoding': 'identity',
      'response-content-language': 'zh',
      'response-content-type': 'text/plain; charset=utf-8',
      'response-expires': 'Wed, 01 May 2024 08:31:00 GMT'
    }
  )
  t.same(query({ responseExpires: '0' }), { 'response-expires': '0' })
})

t.test('overrides with line breaks are an InvalidInput that names the field', async (t) => {
  for (const name of [
    'responseCacheControl',
    'responseContentDisposition',
    'responseContentEncoding',
    'responseContentLanguage',
    'responseContentType',
    'responseExpires'
  ]) {
    for (const wrong of ['a\r\nb', 'a\0', '\ud800']) {
      t.equal(query({ [name]: wrong }), `${name}: must be a string without line breaks and lone surrogates`)
    }
  }
})
