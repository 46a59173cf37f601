import { isDeepStrictEqual } from 'node:util'
import * as E from 'fp-ts/lib/Either.js'
import fc from 'fast-check'
import t from 'tap'
import type { Element } from '../../lib/core/element.js'
import {
  emptyDocument,
  escapeXml,
  isXmlText,
  xmlReader,
  toFields,
  writeTerseXml,
  writeXml,
  type Xml,
  type XmlEvent
} from '../../lib/core/xml.js'
import { plainEvent } from '../support/plain-element.js'
import { anyText } from '../support/any-text.js'

interface Read {
  readonly events: ReadonlyArray<XmlEvent>
  /** The error at the end, if there is one. */
  readonly problem?: string
}

const readChunks = (chunks: ReadonlyArray<Uint8Array>): Read => {
  const xml = xmlReader()
  const events: Array<XmlEvent> = []
  for (const chunk of chunks) {
    const read = xml.step(chunk)
    if (E.isLeft(read)) return { events, problem: read.left }
    events.push(...read.right.map(plainEvent))
  }
  const last = xml.finish()
  return E.isLeft(last)
    ? { events, problem: last.left }
    : { events: [...events, ...last.right.map(plainEvent)] }
}

const read = (...chunks: ReadonlyArray<string | Uint8Array>): Read =>
  readChunks(chunks.map((chunk) => Buffer.from(chunk)))

const leaf = (name: string, text: string): Element => ({ name, text, children: [] })
const node = (name: string, ...children: ReadonlyArray<Element>): Element => ({ name, text: '', children })
const root = (name: string): XmlEvent => ({ _tag: 'Root', name })
const row = (element: Element): XmlEvent => ({ _tag: 'Row', row: element })
const rowsOf = (text: string): ReadonlyArray<string> =>
  read(text).events.flatMap((event) => (event._tag === 'Row' ? [event.row.text] : []))

// -- cuts --
const page = `<?xml version='1.0' encoding='utf-8' ?>
<!-- a page as COS writes it -->
<ListBucketResult xmlns="http://www.qcloud.com/document/product/436/7751">
  <Name>examplebucket-1250000000</Name>
  <Prefix/>
  <IsTruncated>false</IsTruncated>\r
  <Contents>
    <Key>  腾 &amp;&#x1F600;😀 </Key>
    <ETag>&quot;d41d8cd98f00b204e9800998ecf8427e&quot;</ETag>
    <Size>0</Size>
    <Owner><ID>1250000000</ID><DisplayName><![CDATA[a < b]]> & c</DisplayName></Owner>
  </Contents>
  <CommonPrefixes><Prefix>trips/</Prefix></CommonPrefixes>
</ListBucketResult>
`.replace('& c', '&#38; c')

const pageEvents: ReadonlyArray<XmlEvent> = [
  root('ListBucketResult'),
  row(leaf('Name', 'examplebucket-1250000000')),
  row(leaf('Prefix', '')),
  row(leaf('IsTruncated', 'false')),
  row({
    name: 'Contents',
    text: '\n    \n    \n    \n    \n  ',
    children: [
      leaf('Key', '  腾 &😀😀 '),
      leaf('ETag', '"d41d8cd98f00b204e9800998ecf8427e"'),
      leaf('Size', '0'),
      node('Owner', leaf('ID', '1250000000'), leaf('DisplayName', 'a < b & c'))
    ]
  }),
  row(node('CommonPrefixes', leaf('Prefix', 'trips/')))
]

t.test('the events of a page do not depend on where it is cut', async (t) => {
  const bytes = Buffer.from(page)
  t.same(readChunks([bytes]), { events: pageEvents })
  t.same(
    [...bytes.keys()].filter(
      (at) =>
        !isDeepStrictEqual(readChunks([bytes.subarray(0, at), bytes.subarray(at)]), { events: pageEvents })
    ),
    [],
    'where it is not'
  )
  const bytewise = Array.from(bytes, (_, n) => bytes.subarray(n, n + 1))
  t.same(readChunks(bytewise), { events: pageEvents }, 'byte by byte')
})

// Short documents, each with something that a cut could break: two cuts, at every pair of bytes.
const short: ReadonlyArray<readonly [xml: string, events: ReadonlyArray<XmlEvent>]> = [
  ['\ufeff \r\n <?xml version="1.0"?><A><B>x</B></A>', [root('A'), row(leaf('B', 'x'))]],
  ['\r\n\r\n<A><B>1\r\n2\r3\n4</B>\r\n</A>\r\n', [root('A'), row(leaf('B', '1\n2\n3\n4'))]],
  ['<A><B>&quot;&#34;&#x22;&apos;&lt;&gt;</B></A>', [root('A'), row(leaf('B', '"""\'<>'))]],
  ['<A><B>&#128512;😀\u00e9</B></A>', [root('A'), row(leaf('B', '😀😀\u00e9'))]],
  ['<A><B>x<![CDATA[<&]]]]>y</B></A>', [root('A'), row(leaf('B', 'x<&]]y'))]],
  ['<c:A xmlns:c="u"><c:B a="1"/><d:C>é</d:C></c:A>', [root('A'), row(leaf('B', '')), row(leaf('C', 'é'))]],
  [
    '<A><?pi x?><!-- <B>no</B> --><B><C/><C>2</C></B></A>',
    [root('A'), row(node('B', leaf('C', ''), leaf('C', '2')))]
  ],
  // Malformed ones: the complete rows are returned first, then the same error.
  ['<A><B>1</B><B>2</A>', [root('A'), row(leaf('B', '1'))]],
  ['<A><B>1</B><B>a & b</B></A>', [root('A'), row(leaf('B', '1'))]],
  ['<A><B>1</B></A><C/>', [root('A'), row(leaf('B', '1'))]],
  ['<A><B>1</B><B>2</B', [root('A'), row(leaf('B', '1'))]]
]

t.test('the events of short documents do not depend on any two cuts', async (t) => {
  for (const [xml, events] of short) {
    const bytes = Buffer.from(xml)
    const whole = readChunks([bytes])
    t.same(whole.events, events, xml)
    const unlike: Array<readonly [number, number]> = []
    for (let one = 0; one <= bytes.length; one += 1) {
      for (let two = one; two <= bytes.length; two += 1) {
        const cut = readChunks([bytes.subarray(0, one), bytes.subarray(one, two), bytes.subarray(two)])
        if (!isDeepStrictEqual(cut, whole)) unlike.push([one, two])
      }
    }
    t.same(unlike, [], 'where they are not')
  }
})

// -- text --
t.test('text is unchanged: spaces, digits, empty text', async (t) => {
  t.same(rowsOf('<A><K> a </K><K>00123</K><K>1e5</K><K>true</K><K></K><K/><K>\t\n</K></A>'), [
    ' a ',
    '00123',
    '1e5',
    'true',
    '',
    '',
    '\t\n'
  ])
})

t.test('a carriage return becomes a line feed, unless it is a character reference', async (t) => {
  t.same(rowsOf('<A><K>1\r2\r\n3&#13;4&#xD;5</K></A>'), ['1\n2\n3\r4\r5'])
})

t.test('control characters are kept, because keys may contain them', async (t) => {
  for (const code of [0, 1, 8, 0xb, 0xc, 0xe, 0x1f, 0x7f, 0x85, 0x9f, 0x2028, 0xfffe, 0xffff]) {
    const key = `a${String.fromCharCode(code)}b`
    t.same(read(`<A><K>${key}</K><L>1</L></A>`), {
      events: [root('A'), row(leaf('K', key)), row(leaf('L', '1'))]
    })
  }
  t.match(read('<A><K>&#1;</K></A>').problem, /malformed character entity/, 'but not as numbers')
  t.match(read('<A\u0001><K>1</K></A>').problem, /not well-formed/, 'nor in names')
})

t.test('a page of a thousand entries with two thousand entities is read', async (t) => {
  const entries = Array.from(
    { length: 1000 },
    (_, n) => `<C><K>${String(n)}</K><E>&quot;${String(n)}&quot;</E></C>`
  )
  const { events, problem } = read(`<A>${entries.join('')}</A>`)
  t.equal(problem, undefined)
  t.equal(events.length, 1001)
  t.same(events[1000], row(node('C', leaf('K', '999'), leaf('E', '"999"'))))
})

t.test('prefixes of names and attributes are dropped', async (t) => {
  t.same(read('<x:A xmlns:x="u" y:z="1"><x:B y:z="<">1</x:B></x:A>'.replace('<"', '&lt;"')).events, [
    root('A'),
    row(leaf('B', '1'))
  ])
})

t.test('a row is returned before the next one starts', async (t) => {
  const xml = xmlReader()
  const step = (text: string) => xml.step(Buffer.from(text))
  t.same(step('<A><B>1</B'), E.right([root('A')]))
  t.same(step('>'), E.right([row(leaf('B', '1'))]))
  t.same(step('<B'), E.right([]))
  t.same(step('/>'), E.right([row(leaf('B', ''))]))
  t.same(step('</A>'), E.right([]))
  t.same(xml.finish(), E.right([]))
})

t.test(
  'white space and a byte order mark before the document are dropped, in any number of chunks',
  async (t) => {
    const events = [root('A'), row(leaf('B', '1'))]
    const whole = "<?xml version='1.0' encoding='utf-8' ?><A><B>1</B></A>"
    for (const before of [[' '], ['   \r\n \n'], [' ', '\r', '\n', '\t'], ['\ufeff'], [' ', '\ufeff', ' ']]) {
      t.same(read(...before, whole), { events })
      t.same(read(...before, '<A><B>1</B></A>'), { events })
    }
    t.same(
      read('<A>', ...Array<string>(1000).fill(' '), '<B>1</B>', ...Array<string>(1000).fill('\n'), '</A>'),
      { events }
    )
  }
)

// -- refusals --
t.test('input that is not one complete document is an error with a description', async (t) => {
  const refused: ReadonlyArray<readonly [xml: string, words: RegExp]> = [
    ['<A><B>1</B>', /incomplete/],
    ['<A><B>1', /incomplete/],
    ['<A', /incomplete/],
    ['<?xml version="1.0"?>', /incomplete/],
    ['<A/><A/>', /one root/],
    ['<A/>junk', /text data outside/],
    ['junk', /text data outside/],
    ['{"code":1}', /text data outside/],
    ['<A><B></A></B>', /unexpected close/],
    ['</A>', /unmatched|not well-formed/],
    ['<A>&nope;</A>', /undefined entity/],
    // The entity is still waiting for its semicolon.
    ['<A>a & b</A>', /incomplete/],
    ['<A>a & b; c</A>', /not well-formed/],
    ['<A b=c></A>', /unquoted/],
    ['<A><B><?xml version="1.0"?></B></A>', /not well-formed/],
    ['<!DOCTYPE A><A/>', /document type/],
    ['<!DOCTYPE A [<!ENTITY b "c">]><A><B>&b;</B></A>', /document type/],
    ['<!doctype html><html></html>', /not well-formed|document type/]
  ]
  for (const [xml, words] of refused) t.match(read(xml).problem, words, xml)
})

t.test('an empty body has an error different from a malformed document', async (t) => {
  for (const nothing of [[], [''], [' ', '\r\n'], ['\ufeff']])
    t.equal(read(...nothing).problem, emptyDocument)
  t.not(read('<').problem, emptyDocument)
})

t.test('bytes that are not UTF-8 are rejected, and a cut character is an error at the end', async (t) => {
  const open = Buffer.from('<A><B>')
  const close = Buffer.from('</B></A>')
  for (const bad of [
    [0xff],
    [0xc3, 0x28],
    [0xed, 0xa0, 0x80],
    [0xc0, 0x80],
    [0xf8, 0x88, 0x80, 0x80, 0x80]
  ]) {
    t.equal(read(open, Uint8Array.from(bad), close).problem, 'the XML is not UTF-8', String(bad))
    t.equal(
      read(open, ...bad.map((byte) => Uint8Array.of(byte)), close).problem,
      'the XML is not UTF-8',
      `${String(bad)} in pieces`
    )
  }
  t.equal(read(open, Uint8Array.of(0xe8, 0x85)).problem, 'the XML is not UTF-8')
})

t.test('rows before an error are returned, and the error is final', async (t) => {
  const xml = xmlReader()
  t.same(
    xml.step(Buffer.from('<A><B>1</B><C>2</C>&nope;<D>3</D>')),
    E.right([root('A'), row(leaf('B', '1')), row(leaf('C', '2'))])
  )
  t.match(xml.step(Buffer.from('<D>4</D></A>')), { _tag: 'Left', left: /undefined entity/ })
  t.match(xml.step(Buffer.from('')), { _tag: 'Left', left: /undefined entity/ })
  t.match(xml.finish(), { _tag: 'Left', left: /undefined entity/ })
})

t.test('a row without its own end tag is not returned', async (t) => {
  t.same(read('<A><B><C>1</C></A>').events, [root('A')])
  t.same(read('<A><X>0</X><B><C>1</A>').events, [root('A'), row(leaf('X', '0'))])
})

// -- limits --
const mebi = 1024 * 1024

t.test('the depth and the size of a row are limited, for any content', async (t) => {
  const nest = (depth: number) => '<A>'.repeat(depth) + '</A>'.repeat(depth)
  t.equal(read(nest(16)).problem, undefined)
  t.match(read(nest(17)).problem, /16 levels deep/)

  const large = 'x'.repeat(mebi - 100)
  t.same(rowsOf(`<A><B>${large}</B><B>${large}</B></A>`), [large, large])
  const tooLarge = [
    `<A><B>${'x'.repeat(mebi)}</B></A>`,
    `<A><B>${'<C/>'.repeat(20_000)}</B></A>`,
    `<A><B>${'<C>xxxxxxxxxxxxxxxx</C>'.repeat(70_000)}</B></A>`,
    `<A><B><![CDATA[${'x'.repeat(mebi)}]]></B></A>`
  ]
  for (const xml of tooLarge) t.match(read(xml).problem, /more than 1 Mi/, xml.slice(0, 30))
})

t.test('text, tags and comments without an end are rejected before they fill the memory', async (t) => {
  const filler = Buffer.alloc(64 * 1024, 'x')
  for (const opening of [
    '<A><B>',
    '<A><',
    '<A><B c="',
    '<!--',
    '<?x ',
    '<A><![CDATA[',
    '<!DOCTYPE ',
    '<A>&'
  ]) {
    const xml = xmlReader()
    let result = xml.step(Buffer.from(opening))
    let fed = 0
    while (E.isRight(result) && fed < 4 * mebi) {
      result = xml.step(filler)
      fed += filler.length
    }
    t.equal(E.isLeft(result), true, opening)
    t.ok(fed <= mebi + 2 * filler.length, `${opening} after ${fed} bytes`)
  }
})

// -- writing --
t.test(
  'a document is written without white space, its quotes as COS writes them or as they are',
  async (t) => {
    const xml: Xml = [
      'Delete',
      [
        ['Quiet', 'true'],
        ['Object', [['Key', 'a&"b"']]],
        ['Empty', []],
        ['None', '']
      ]
    ]
    const written =
      '<Delete><Quiet>true</Quiet><Object><Key>a&amp;&quot;b&quot;</Key></Object><Empty></Empty><None></None></Delete>'
    t.equal(writeXml(xml), written)
    t.equal(writeTerseXml(xml), written.replaceAll('&quot;', '"'))
    t.equal(escapeXml(`&<>"'\r\n\t`), '&amp;&lt;&gt;&quot;&apos;&#13;\n\t')
  }
)

t.test('isXmlText rejects text that XML 1.0 cannot carry', async (t) => {
  for (const text of [
    '\0',
    'a\u0001',
    '\u000b',
    '\u001f',
    '\ufffe',
    '\uffff',
    '\ud800',
    '\udc00a',
    '\udc00\ud800'
  ]) {
    t.equal(isXmlText(text), false, JSON.stringify(text))
  }
  for (const text of ['', '\t\n\r', '腾', '😀', '\u007f\u0085', '\ufffd', '\u{10ffff}', '\u{1fffe}']) {
    t.equal(isXmlText(text), true, JSON.stringify(text))
  }
})

t.test('any text that XML can carry is read back after it was written', async () => {
  const text = fc
    .oneof(
      anyText(),
      fc.array(fc.constantFrom(']]>', '&amp;', '\r', '\n', '<', '"', ' ')).map((all) => all.join(''))
    )
    .filter(isXmlText)
  fc.assert(
    fc.property(fc.array(text), fc.nat(), fc.constantFrom(writeXml, writeTerseXml), (texts, seed, write) => {
      const bytes = Buffer.from(write(['A', texts.map((one): Xml => ['B', one])]))
      const at = seed % (bytes.length + 1)
      const back = readChunks([bytes.subarray(0, at), bytes.subarray(at)])
      return isDeepStrictEqual(back, { events: [root('A'), ...texts.map((one) => row(leaf('B', one)))] })
    })
  )
})

t.test('fields are text or records of fields; the last of a repeated name is kept', async (t) => {
  const whole = node('A', leaf('B', '1'), node('Owner', leaf('ID', '7')), leaf('B', '2'), leaf('Empty', ''))
  t.same(toFields(whole), { B: '2', Owner: { ID: '7' }, Empty: '' })
  const hostile = toFields(node('A', leaf('__proto__', 'x'), leaf('toString', 'y')))
  t.same(Object.entries(hostile), [
    ['__proto__', 'x'],
    ['toString', 'y']
  ])
})

t.test('a row is the same whether it is scanned or parsed', (t) => {
  const readAll = (document: string, size: number) => {
    const reader = xmlReader()
    const bytes = Buffer.from(document)
    const events: Array<XmlEvent> = []
    const add = (read: ReturnType<typeof reader.finish>) => {
      events.push(...E.getOrElse((): ReadonlyArray<XmlEvent> => [])(read).map(plainEvent))
      return E.isLeft(read) ? read.left : ''
    }
    for (let at = 0; at < bytes.length; at += size) {
      const problem = add(reader.step(bytes.subarray(at, at + size)))
      if (problem !== '') return { events, problem }
    }
    return { events, problem: add(reader.finish()) }
  }
  const plain = '<C><K>a&quot;b&amp;</K><O><I>1</I>\n\t<N/></O></C>'
  const rows = [
    plain,
    '<C a="b"><K>x</K></C>',
    '<C><K>&#13;</K></C>',
    '<C><K>a\r\nb</K></C>',
    '<C><K><![CDATA[</C>]]></K></C>',
    '<!-- </C> > --><C><K>x</K></C>',
    '<C><!-- </C> --><K>x</K></C>',
    '<C><C>nested</C></C>',
    '<x:C><x:K>x</x:K></x:C>',
    '<C><K>a]]>b</K></C>',
    '<C><K>a&nbsp;b</K></C>',
    '<C><K>a</C></K>',
    '<C>',
    '</C>',
    '<C/>',
    'text',
    '<?pi </C>?>',
    `<C>${'<K>x</K>'.repeat(20_000)}</C>`,
    '<A><B><D><E><F>deep</F></E></D></B></A>'
  ]
  for (const row of rows) {
    const document = `<?xml version="1.0"?>\n<R>\n  ${plain}\n  ${row}\n  ${plain}${plain}\n</R>\n`
    // Byte by byte no row is complete in a chunk: the parser reads them all.
    t.same(readAll(document, document.length), readAll(document, 1), row.slice(0, 40))
  }
  t.end()
})
