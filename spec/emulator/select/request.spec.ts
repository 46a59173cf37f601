import * as E from 'fp-ts/lib/Either.js'
import t from 'tap'
import { readRequest } from '../../../lib/emulator/select/request.js'
import { xmlReader } from '../../../lib/core/xml.js'
import { right } from '../../support/responses.js'

/** Reads the children of `SelectRequest`. */
const read = (xml: string) => {
  const reader = xmlReader()
  const events = [
    ...right(reader.step(Buffer.from(`<SelectRequest>${xml}</SelectRequest>`))),
    ...right(reader.finish())
  ]
  return readRequest(events.flatMap((event) => (event._tag === 'Row' ? [event.row] : [])))
}

const sql = '<Expression>SELECT 1</Expression><ExpressionType>SQL</ExpressionType>'
const input = (inner = '<JSON><Type>LINES</Type></JSON>') =>
  `<InputSerialization>${inner}</InputSerialization>`
const output = (inner = '<JSON/>') => `<OutputSerialization>${inner}</OutputSerialization>`

t.test("absent elements have COS's defaults", async (t) => {
  t.same(right(read(`${sql}${input('<CSV/>')}${output('<CSV></CSV>')}`)), {
    expression: 'SELECT 1',
    input: {
      _tag: 'Csv',
      header: 'NONE',
      recordDelimiter: '\n',
      fieldDelimiter: ',',
      quoteCharacter: '"',
      quoteEscapeCharacter: '"',
      comments: '#',
      allowQuotedRecordDelimiter: false,
      gzip: false
    },
    output: {
      _tag: 'Csv',
      quoteAll: false,
      recordDelimiter: '\n',
      fieldDelimiter: ',',
      quoteCharacter: '"',
      quoteEscapeCharacter: '"'
    },
    progress: false
  })
  t.match(right(read(sql + input() + output())), {
    input: { _tag: 'Json', type: 'LINES', gzip: false },
    output: { _tag: 'Json', recordDelimiter: '\n' }
  })
})

t.test('every element of the request is read', async (t) => {
  const csv =
    '<CSV><FileHeaderInfo>use</FileHeaderInfo><RecordDelimiter>&#13;\n</RecordDelimiter>' +
    "<FieldDelimiter>;</FieldDelimiter><QuoteCharacter>'</QuoteCharacter>" +
    '<QuoteEscapeCharacter>|</QuoteEscapeCharacter><Comments>!</Comments>' +
    '<AllowQuotedRecordDelimiter>TRUE</AllowQuotedRecordDelimiter></CSV>'
  t.match(
    right(
      read(
        sql +
          input(`<CompressionType>GZIP</CompressionType>${csv}`) +
          output('<CSV><QuoteFields>ALWAYS</QuoteFields><FieldDelimiter> </FieldDelimiter></CSV>') +
          '<RequestProgress><Enabled>true</Enabled></RequestProgress>'
      )
    ),
    {
      input: {
        header: 'USE',
        recordDelimiter: '\r\n',
        fieldDelimiter: ';',
        quoteCharacter: "'",
        quoteEscapeCharacter: '|',
        comments: '!',
        allowQuotedRecordDelimiter: true,
        gzip: true
      },
      output: { quoteAll: true, fieldDelimiter: ' ' },
      progress: true
    }
  )
})

t.test("the two characters \\n are a line feed, as in COS's samples", async (t) => {
  for (const [text, meant] of [
    ['\\n', '\n'],
    ['\\r\\n', '\r\n'],
    ['|', '|']
  ] as const)
    t.match(right(read(sql + input() + output(`<JSON><RecordDelimiter>${text}</RecordDelimiter></JSON>`))), {
      output: { recordDelimiter: meant }
    })
})

t.test("each invalid element has COS's code", async (t) => {
  const csv = (inner: string) => sql + input(`<CSV>${inner}</CSV>`) + output()
  const cases: ReadonlyArray<readonly [string, string]> = [
    ['MissingExpectedExpression', input() + output()],
    ['MissingExpectedExpression', `<Expression> </Expression>${input()}${output()}`],
    ['MissingRequiredParameter', `<Expression>SELECT 1</Expression>${input()}${output()}`],
    ['InvalidRequestParameter', sql.replace('>SQL<', '>XQuery<') + input() + output()],
    ['MissingInputSerialization', sql + output()],
    ['MissingInputFormat', sql + input('') + output()],
    ['InvalidRequestParameter', sql + input('<CSV/><JSON><Type>LINES</Type></JSON>') + output()],
    ['InvalidCompressionFormat', sql + input('<CompressionType>LZ4</CompressionType><CSV/>') + output()],
    ['NotImplemented', sql + input('<CompressionType>BZIP2</CompressionType><CSV/>') + output()],
    ['NotImplemented', sql + input('<Parquet/>') + output()],
    ['InvalidJsonType', sql + input('<JSON/>') + output()],
    ['InvalidJsonType', sql + input('<JSON><Type>LIST</Type></JSON>') + output()],
    ['InvalidFileHeaderInfo', csv('<FileHeaderInfo>FIRST</FileHeaderInfo>')],
    ['InvalidRequestParameter', csv('<RecordDelimiter>abc</RecordDelimiter>')],
    ['InvalidRequestParameter', csv('<FieldDelimiter></FieldDelimiter>')],
    ['InvalidRequestParameter', csv('<FieldDelimiter>腾</FieldDelimiter>')],
    ['InvalidRequestParameter', csv('<FieldDelimiter>"</FieldDelimiter>')],
    ['InvalidRequestParameter', csv('<RecordDelimiter>,</RecordDelimiter>')],
    ['InvalidRequestParameter', csv('<AllowQuotedRecordDelimiter>YES</AllowQuotedRecordDelimiter>')],
    ['MissingOutputSerialization', sql + input()],
    ['MissingOutputFormat', sql + input() + output('')],
    ['InvalidRequestParameter', sql + input() + output('<CSV/><JSON/>')],
    ['InvalidQuoteFields', sql + input() + output('<CSV><QuoteFields>SOME</QuoteFields></CSV>')],
    [
      'InvalidRequestParameter',
      `${sql}${input()}${output()}<RequestProgress><Enabled>1</Enabled></RequestProgress>`
    ]
  ]
  for (const [code, xml] of cases) {
    const refused = read(xml)
    t.match(refused, E.left({ code, status: code === 'NotImplemented' ? 501 : 400 }), xml)
  }
})
