import t from 'tap'
import { rowScanner, skipSpace, type ScannedRow } from '../../lib/core/scan-row.js'
import { plainElement } from '../support/plain-element.js'

const plain = (scanned: ScannedRow | undefined) =>
  scanned && { row: plainElement(scanned.row), end: scanned.end }

const leaf = (name: string, text: string) => ({ name, text, children: [] })

t.test('a row of elements and text is read, with its entities, and with the index after it', (t) => {
  const xml = '  <C><K>a&quot;&amp;&lt;&gt;&apos;</K>\n<O><I>1</I></O><N/></C><C>'
  const start = skipSpace(xml, 0)
  t.equal(start, 2)
  t.same(plain(rowScanner(xml).scan(start)), {
    row: {
      name: 'C',
      text: '\n',
      children: [leaf('K', 'a"&<>\''), { name: 'O', text: '', children: [leaf('I', '1')] }, leaf('N', '')]
    },
    end: xml.length - '<C>'.length
  })
  t.end()
})

t.test('a row of another form, or without its end, is left to the parser', (t) => {
  for (const xml of [
    '',
    'text',
    '<C',
    '<C>',
    '<C><K>a</K>',
    '<C><K>a</K></C',
    '<C><K>a</C></K>',
    '<C a="b"></C>',
    '<C ></C>',
    '<x:C></x:C>',
    '<C>&#65;</C>',
    '<C>&nbsp;</C>',
    '<C>&</C>',
    '<C>a]]>b</C>',
    '<C>a\rb</C>',
    '<C><!-- --></C>',
    '<C><![CDATA[a]]></C>',
    '</C>',
    '<?pi?>',
    '<A><B><C><D><E>deep</E></D></C></B></A>',
    `<C>${'a'.repeat(65_536)}</C>`
  ]) {
    t.equal(rowScanner(xml).scan(0), undefined, xml.slice(0, 40))
  }
  t.end()
})

t.test('rows of the same, of another and of a longer form follow each other', (t) => {
  const rows = [
    ['<C><K>a</K><O><I>1</I></O></C>', leaf('K', 'a'), { name: 'O', text: '', children: [leaf('I', '1')] }],
    [
      '<C><K>b&amp;</K><O><I>2</I></O></C>',
      leaf('K', 'b&'),
      { name: 'O', text: '', children: [leaf('I', '2')] }
    ],
    ['<C><K>c</K><O/></C>', leaf('K', 'c'), leaf('O', '')],
    ['<C><K2>d</K2></C>', leaf('K2', 'd')],
    ['<C><K>e</K><L>f</L><M>&lt;</M></C>', leaf('K', 'e'), leaf('L', 'f'), leaf('M', '<')],
    ['<C></C>'],
    ['<C><K>g</K></C>', leaf('K', 'g')]
  ] as const
  const { scan } = rowScanner(rows.map(([xml]) => xml).join(''))
  let at = 0
  for (const [xml, ...children] of rows) {
    const scanned = plain(scan(at))
    t.same(scanned, { row: { name: 'C', text: '', children }, end: at + xml.length }, xml)
    at += xml.length
  }
  t.end()
})

t.test('a row that is left to the parser does not change the rows after it', (t) => {
  const bad = '<C><K>a]]>b</K></C>'
  const { scan } = rowScanner(`<C><K>1</K></C>${bad}<C><K>&lt;2</K></C>`)
  t.same(plain(scan(0))?.row.children, [leaf('K', '1')])
  t.equal(scan(15), undefined)
  t.same(plain(scan(15 + bad.length))?.row.children, [leaf('K', '<2')])
  t.end()
})

t.test('rows whose form changes in each possible way are read like those of a new scanner', (t) => {
  const rows = [
    '<C><K>a</K><O><I>1</I></O><S>s</S></C>',
    '<C><K>b</K><O><I>2</I></O><S>&quot;s&quot;</S></C>',
    '<C><K></K><O><I>&quot;&amp;&quot;</I></O><S>&quot;</S></C>',
    '<C><K>c</K><O></O><S>s</S></C>',
    '<C><K>d</K><O>o</O><S/></C>',
    '<C><K>d</K><O>o</O><S/></C>',
    '<C><K>e</K> <O>o</O><S></S></C>',
    '<C><K>f</K><K>g</K></C>',
    '<C>text</C>',
    '<C>t&gt;t</C>',
    '<D><K>h</K></D>',
    '<C/>',
    '<C><K>a<I>1</I></K></C>',
    '<C><K>a</K><O><I>1</I></O><S>s</S></C>'
  ]
  // Each form after each other, and twice.
  const order = rows.flatMap((first) => rows.flatMap((second) => [first, second, second]))
  const xml = order.join('')
  const { scan } = rowScanner(xml)
  let at = 0
  for (const row of order) {
    const scanned = plain(scan(at))
    const alone = plain(rowScanner(row).scan(0))
    if (JSON.stringify(scanned?.row) !== JSON.stringify(alone?.row)) t.same(scanned?.row, alone?.row, row)
    at += row.length
    t.equal(scanned?.end, at)
  }
  t.end()
})
