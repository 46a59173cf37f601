import * as E from 'fp-ts/lib/Either.js'
import t from 'tap'
import * as In from '../../../lib/core/input.js'
import {
  encoding,
  listing,
  listingQuery,
  PageSize,
  QueryText,
  type Encoding,
  type Listing
} from '../../../lib/operations/parameters/listing.js'

const Input = In.struct<Listing & Encoding>('a listing', { ...listing, ...encoding })

t.test('a prefix and a delimiter are any UTF-8 text', async (t) => {
  const good = [
    {},
    { prefix: '' },
    { prefix: '/a%20 +' },
    { delimiter: '' },
    { delimiter: '/' },
    { delimiter: '😀' },
    { delimiter: '//' },
    { encodingType: 'url' }
  ]
  for (const input of good) t.same(Input.decode(input), E.right(input), JSON.stringify(input))
  for (const input of [
    { prefix: '\udc00' },
    { delimiter: '\ud800' },
    { delimiter: 1 },
    { encodingType: 'URL' }
  ]) {
    t.equal(E.isLeft(Input.decode(input)), true, JSON.stringify(input))
  }
  t.equal(QueryText.is('a\ud800'), false)
})

t.test('a page has 1 to 1,000 entries', async (t) => {
  t.same([0, 1, 1000, 1001, 1.5].map(PageSize.is), [false, true, true, false, false])
})

t.test('encoding-type is always sent, and empty parameters are not', async (t) => {
  t.strictSame(listingQuery({}), { prefix: undefined, delimiter: undefined, 'encoding-type': 'url' })
  t.strictSame(listingQuery({ prefix: '', delimiter: '' }), {
    prefix: undefined,
    delimiter: undefined,
    'encoding-type': 'url'
  })
  t.strictSame(listingQuery({ prefix: 'a', delimiter: '/' }), {
    prefix: 'a',
    delimiter: '/',
    'encoding-type': 'url'
  })
})
