import t from 'tap'
import type { Response } from '../../../lib/core/response.js'
import { xmlRows } from '../../../lib/core/xml-decoder.js'
import {
  pageReader,
  textDecoder,
  wholePage,
  type PageFormat
} from '../../../lib/operations/responses/listing-page.js'
import * as Row from '../../../lib/operations/responses/row.js'
import {
  fetchResponse,
  decodeResponse,
  catchCosError,
  left,
  right,
  serveResponse
} from '../../support/responses.js'
import { toArray } from '../../support/iterables.js'

t.test('texts are decoded unless the caller requested the encoding', async (t) => {
  t.equal(textDecoder({})('a%2Fb'), 'a/b')
  t.equal(textDecoder({ encodingType: 'url' })('a%2Fb'), 'a%2Fb')
})

const format: PageFormat<number, ReadonlyArray<string>> = {
  root: 'Page',
  entries: new Map([['E', (row) => Row.count(row, 'N')]]),
  head: (row) => {
    if (row.element.children.some(({ name }) => name === 'Wrong')) Row.count(row, 'Wrong')
    return row.element.children.map(({ name }) => name)
  },
  decodeText: (text) => text.toUpperCase()
}

async function* rowsOf(response: Response) {
  const reader = pageReader(format, response)
  for await (const rows of xmlRows(format.root, response)) for (const row of rows) yield reader.row(row)
  yield reader.head()
}

t.test('a page has its entries and common prefixes in order, and its fields in any place', async (t) => {
  const xml =
    '<Page><A/><E><N>1</N></E><CommonPrefixes><Prefix>p</Prefix><Prefix>q</Prefix><No>r</No></CommonPrefixes><B/><E><N>2</N></E><CommonPrefixs><Prefix>s</Prefix></CommonPrefixs><C/></Page>'
  t.same(await toArray(rowsOf(await fetchResponse(t, { chunks: [xml] }))), [
    { _tag: 'HeadRow' },
    { _tag: 'Entry', entry: 1 },
    { _tag: 'CommonPrefixes', prefixes: ['P', 'Q'] },
    { _tag: 'HeadRow' },
    { _tag: 'Entry', entry: 2 },
    { _tag: 'CommonPrefixes', prefixes: ['S'] },
    { _tag: 'HeadRow' },
    ['A', 'B', 'C']
  ])
  t.same(right(await decodeResponse(t, wholePage(format), { chunks: [xml] })), {
    entries: [1, 2],
    commonPrefixes: ['P', 'Q', 'S'],
    head: ['A', 'B', 'C']
  })
})

t.test('rows with the names of object prototypes are fields of the page', async (t) => {
  const xml = '<Page><constructor/><__proto__/><E><N>1</N></E></Page>'
  t.match(right(await decodeResponse(t, wholePage(format), { chunks: [xml] })), {
    entries: [1],
    head: ['constructor', '__proto__']
  })
})

t.test('an invalid entry is a DecodeError with its path, and closes the connection', async (t) => {
  const { response, closed } = await serveResponse(t, {
    chunks: ['<Page><E><N>1</N></E><E><N>x</N></E>'],
    ends: 'open'
  })
  const rows = rowsOf(response)
  t.match(await rows.next(), { value: { entry: 1 } })
  t.match(await catchCosError(rows.next()), { _tag: 'DecodeError', problems: [/^E\.N\b/] })
  t.equal(await closed, 'early')
})

t.test('an invalid field of the page is a DecodeError with its name', async (t) => {
  t.match(left(await decodeResponse(t, wholePage(format), { chunks: ['<Page><Wrong/></Page>'] })), {
    _tag: 'DecodeError',
    problems: [/^Wrong\b/]
  })
})

t.test('at most 64 fields of a page are kept', async (t) => {
  const { head } = right(
    await decodeResponse(t, wholePage(format), { chunks: [`<Page>${'<N/>'.repeat(10_000)}</Page>`] })
  )
  t.equal(head.length, 64)
})
