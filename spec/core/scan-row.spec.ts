import t from 'tap'
import { scanRow, skipSpace } from '../../lib/core/scan-row.js'

const leaf = (name: string, text: string) => ({ name, text, children: [] })

t.test('a row of elements and text is read, with its entities, and with the index after it', (t) => {
  const xml = '  <C><K>a&quot;&amp;&lt;&gt;&apos;</K>\n<O><I>1</I></O><N/></C><C>'
  const start = skipSpace(xml, 0)
  t.equal(start, 2)
  t.same(scanRow(xml, start), {
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
    t.equal(scanRow(xml, 0), undefined, xml.slice(0, 40))
  }
  t.end()
})
