import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import t from 'tap'
import {
  byKey,
  cursorAt,
  ListingCursor,
  markerOf,
  nonEmptyId,
  type Mark
} from '../../../lib/operations/responses/listing-cursor.js'

t.test('a cursor survives JSON, and any other form is invalid', async (t) => {
  const cursor = { key: 'k', id: '1', prefix: 'p/' }
  t.same(ListingCursor.decode(JSON.parse(JSON.stringify(cursor))), E.right(cursor))
  for (const bad of [
    {},
    { ...cursor, id: undefined },
    { ...cursor, more: 1 },
    { ...cursor, key: '\ud800' },
    'k'
  ]) {
    t.equal(E.isLeft(ListingCursor.decode(bad)), true)
  }
})

t.test('the marker of a cursor is the lesser of its two marks, in UTF-8 order', async (t) => {
  t.same(cursorAt(), { key: '', id: '', prefix: '' })
  t.same(markerOf(cursorAt('k', '1')), { key: 'k', id: '1' })
  t.same(markerOf({ key: 'k', id: '1', prefix: 'z/' }), { key: 'k', id: '1' })
  t.same(markerOf({ key: 'k', id: '1', prefix: 'a/' }), { key: 'a/', id: '' })
  t.same(markerOf({ key: '😀', id: '1', prefix: '\uffff' }), { key: '\uffff', id: '' })
})

t.test('an empty id is none', async (t) => {
  t.same(nonEmptyId({ key: 'k', id: '' }), O.none)
  t.same(nonEmptyId({ key: 'k', id: '1' }), O.some('1'))
})

// -- a listing of entries with ids, as in its operation --
interface Head {
  readonly isTruncated: boolean
  readonly next: O.Option<Mark>
}

const rules = byKey<{ readonly delimiter?: string; readonly marker?: Mark }, Mark, Head>({
  marker: ({ marker = { key: '', id: '' } }) => marker,
  withMarker: (marker) => ({ marker }),
  idOf: ({ id }) => id,
  isUpTo: (markerId, id) => markerId === '' || id <= markerId,
  nextMark: ({ next }) => next,
  withNextMark: (mark) => ({ next: O.some(mark) })
})
const mark = (key: string, id = ''): Mark => ({ key, id })

t.test('a listing starts at its marker, and requests the marker of its cursor', async (t) => {
  t.same(rules.start({}), cursorAt())
  t.same(rules.start({ marker: mark('k', '1') }), cursorAt('k', '1'))
  t.same(rules.withCursor({ key: 'k', id: '1', prefix: 'a/' }), { marker: mark('a/') })
})

t.test('entries and prefixes up to the cursor are not delivered again', async (t) => {
  const { entry, commonPrefix } = rules.follow({ key: 'b', id: '1', prefix: 'p/' }, { delimiter: '/' })
  t.equal(entry(mark('a', '9')), undefined)
  t.equal(entry(mark('b', '1')), undefined)
  t.match(entry(mark('b', '2')), { cursor: { key: 'b', id: '2', prefix: 'p/' } })
  t.equal(commonPrefix('p/'), undefined)
  t.match(commonPrefix('q/'), { _tag: 'CommonPrefix', cursor: { key: 'b', id: '2', prefix: 'q/' } })
  t.match(
    rules.follow(cursorAt(), {}).entry(mark('c')),
    { cursor: cursorAt('c') },
    'one mark without prefixes'
  )
})

t.test('the next page begins at its marker, or after the greatest of this page', async (t) => {
  const follower = () => rules.follow(cursorAt('b'), { delimiter: '/' })
  t.same(follower().next({ isTruncated: false, next: O.some(mark('z')) }), E.right(O.none))
  t.same(
    follower().next({ isTruncated: true, next: O.some(mark('z', '1')) }),
    E.right(O.some(cursorAt('z', '1')))
  )
  const { entry, commonPrefix, next } = follower()
  entry(mark('d', '2'))
  commonPrefix('c/')
  t.same(next({ isTruncated: true, next: O.none }), E.right(O.some(cursorAt('d', '2'))))
})

t.test('a next page that is not after this page is a problem', async (t) => {
  const { next } = rules.follow(cursorAt('b'), {})
  t.match(next({ isTruncated: true, next: O.some(mark('b')) }), { left: /not after the marker of this page/ })
  t.match(next({ isTruncated: true, next: O.none }), {
    left: /neither a marker of the next page nor an entry/
  })
})

t.test('a missing marker of the next page is the greatest of the page', async (t) => {
  const completeNext = (
    input: { readonly encodingType?: 'url' },
    entries: ReadonlyArray<Mark>,
    commonPrefixes: ReadonlyArray<string> = []
  ) => rules.completeHead({ entries, commonPrefixes, head: { isTruncated: true, next: O.none } }, input).next
  t.same(completeNext({}, []), O.none)
  t.same(completeNext({}, [mark('b', '2'), mark('b', '1'), mark('a', '3')]), O.some(mark('b', '1')))
  t.same(completeNext({}, [mark('b', '2')], ['c/', 'a/']), O.some(mark('c/')))
  t.same(completeNext({}, [mark('%7F'), mark('~')]), O.some(mark('~')))
  t.same(
    completeNext({ encodingType: 'url' }, [mark('%7F'), mark('~')]),
    O.some(mark('%7F')),
    'by the decoded text'
  )
  const last = { entries: [mark('b')], commonPrefixes: [], head: { isTruncated: false, next: O.none } }
  t.same(rules.completeHead(last, {}).next, O.none)
})
