import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import * as io from 'io-ts'
import t from 'tap'
import { decodeWith } from '../../../lib/core/wire.js'
import type { Element } from '../../../lib/core/xml.js'
import {
  Class,
  endOf,
  fields,
  rowFinder,
  Owned,
  textOf,
  wholePage,
  type Page
} from '../../../lib/operations/responses/listing-page.js'
import {
  fetchResponse,
  decodeResponse,
  catchCosError,
  left,
  right,
  serveResponse
} from '../../support/responses.js'
import { toArray } from '../../support/iterables.js'

const leaf = (name: string, text: string): Element => ({ name, text, children: [] })

t.test('fields are found however COS spells their names', async (t) => {
  const read = fields(io.type({ EncodingType: io.string, UploadId: io.string }))
  for (const name of ['EncodingType', 'Encoding-Type', 'Encoding-type', 'encodingtype']) {
    t.match(
      read([leaf(name, 'url'), leaf('UploadID', '1')]),
      E.right({ EncodingType: 'url', UploadId: '1' }),
      name
    )
  }
  t.match(read([leaf('EncodingTypes', 'url')]), {
    _tag: 'Left',
    left: ['EncodingType should be string', /^UploadId/]
  })
})

t.test('a class is upper case, an owner is someone or none', async (t) => {
  t.same(Class.decode('Standard_ia'), E.right('STANDARD_IA'))
  t.equal(E.isLeft(Class.decode('')), true)
  const owner = (u: unknown) => right(decodeWith(Owned)(u))
  t.same(owner({ ID: '1', DisplayName: 'a' }), O.some({ id: '1', displayName: 'a' }))
  t.same(owner({ ID: '1' }), O.some({ id: '1', displayName: '1' }))
  for (const none of [undefined, '', {}, { DisplayName: 'a' }, { ID: { ID: '1' } }])
    t.same(owner(none), O.none)
})

t.test('texts are decoded unless the caller asked for the encoding', async (t) => {
  t.equal(textOf({})('a%2Fb'), 'a/b')
  t.equal(textOf({ encodingType: 'url' })('a%2Fb'), 'a%2Fb')
})

t.test('a page ends at its greatest mark, and an empty one nowhere', async (t) => {
  const mark = (key: string, id = '') => ({ key, id })
  t.same(endOf({})([], []), O.none)
  t.same(endOf({})([mark('b', '2'), mark('b', '1'), mark('a', '3')], []), O.some(mark('b', '1')))
  t.same(endOf({})([mark('b', '2')], ['c/', 'a/']), O.some(mark('c/')))
  t.same(endOf({})([mark('%7F'), mark('~')], []), O.some(mark('~')))
  t.same(endOf({ encodingType: 'url' })([mark('%7F'), mark('~')], []), O.some(mark('%7F')))
})

// -- pages --
const page: Page<string, string> = {
  root: 'Page',
  entries: new Map([
    ['E', (row: Element) => (row.text === 'bad' ? E.left(['text should be good']) : E.right(row.text))]
  ]),
  head: (rows) =>
    rows.some(({ name }) => name === 'Wrong')
      ? E.left(['wrong'])
      : E.right(rows.map(({ name }) => name).join()),
  text: (text) => text.toUpperCase()
}

t.test('entries and common prefixes come in order, the head last, whatever stood before it', async (t) => {
  const xml =
    '<Page><A/><E>1</E><CommonPrefixes><Prefix>p</Prefix><Prefix>q</Prefix><No>r</No></CommonPrefixes><B/><E>2</E><CommonPrefixs><Prefix>s</Prefix></CommonPrefixs><C/></Page>'
  t.same(await toArray(rowFinder(page, await fetchResponse(t, { chunks: [xml] }))), [
    { _tag: 'Entry', entry: '1' },
    { _tag: 'CommonPrefix', prefix: 'P' },
    { _tag: 'CommonPrefix', prefix: 'Q' },
    { _tag: 'Entry', entry: '2' },
    { _tag: 'CommonPrefix', prefix: 'S' },
    { _tag: 'Head', head: 'A,B,C' }
  ])
  t.same(right(await decodeResponse(t, wholePage(page), { chunks: [xml] })), {
    entries: ['1', '2'],
    commonPrefixes: ['P', 'Q', 'S'],
    head: 'A,B,C'
  })
})

t.test('rows by the names that every object has are rows like others', async (t) => {
  const xml = '<Page><constructor/><__proto__/><E>1</E></Page>'
  t.match(right(await decodeResponse(t, wholePage(page), { chunks: [xml] })), {
    entries: ['1'],
    head: 'constructor,__proto__'
  })
})

t.test('a bad entry is told by its name and hangs up; a bad head is told too', async (t) => {
  const { response, closed } = await serveResponse(t, { chunks: ['<Page><E>1</E><E>bad</E>'], ends: 'open' })
  const rows = rowFinder(page, response)
  t.match(await rows.next(), { value: { entry: '1' } })
  t.match(await catchCosError(rows.next()), { _tag: 'DecodeError', problems: ['E.text should be good'] })
  t.equal(await closed, 'early')
  t.match(left(await decodeResponse(t, wholePage(page), { chunks: ['<Page><Wrong/></Page>'] })), {
    _tag: 'DecodeError',
    problems: ['wrong']
  })
})

t.test('of what a page says of itself no more is kept than any page says', async (t) => {
  const { head } = right(
    await decodeResponse(t, wholePage(page), { chunks: [`<Page>${'<N/>'.repeat(10_000)}</Page>`] })
  )
  t.equal(head.split(',').length, 64)
})
