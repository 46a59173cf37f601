import * as E from 'fp-ts/lib/Either.js'
import t from 'tap'
import { writeTerseXml } from '../../../lib/core/xml.js'
import {
  InputSerialization,
  inputXml,
  OutputSerialization,
  outputXml
} from '../../../lib/operations/parameters/serialisation.js'
import { validateWith } from '../../support/operations.js'

const input = (u: unknown) => {
  const checked = validateWith(InputSerialization)(u)
  return E.isRight(checked) ? writeTerseXml(inputXml(checked.right)) : checked.left
}
const output = (u: unknown) => {
  const checked = validateWith(OutputSerialization)(u)
  return E.isRight(checked) ? writeTerseXml(outputXml(checked.right)) : checked.left
}

t.test('the input format is CSV, JSON or Parquet', async (t) => {
  t.equal(input({ csv: {} }), '<InputSerialization><CSV></CSV></InputSerialization>')
  t.equal(
    input({
      compressionType: 'GZIP',
      csv: {
        fileHeaderInfo: 'USE',
        recordDelimiter: '\r\n',
        fieldDelimiter: '\t',
        quoteCharacter: '"',
        quoteEscapeCharacter: "'",
        comments: '#',
        allowQuotedRecordDelimiter: true
      }
    }),
    '<InputSerialization><CompressionType>GZIP</CompressionType><CSV><FileHeaderInfo>USE</FileHeaderInfo>' +
      '<RecordDelimiter>&#13;\n</RecordDelimiter><FieldDelimiter>\t</FieldDelimiter>' +
      '<QuoteCharacter>"</QuoteCharacter><QuoteEscapeCharacter>\'</QuoteEscapeCharacter>' +
      '<Comments>#</Comments><AllowQuotedRecordDelimiter>TRUE</AllowQuotedRecordDelimiter>' +
      '</CSV></InputSerialization>'
  )
  t.equal(
    input({ compressionType: 'BZIP2', json: { type: 'LINES' } }),
    '<InputSerialization><CompressionType>BZIP2</CompressionType><JSON><Type>LINES</Type></JSON></InputSerialization>'
  )
  t.equal(
    input({ parquet: {}, compressionType: 'NONE' }),
    '<InputSerialization><CompressionType>NONE</CompressionType><Parquet></Parquet></InputSerialization>'
  )
})

t.test('the output format is CSV or JSON', async (t) => {
  t.equal(output({ csv: {} }), '<OutputSerialization><CSV></CSV></OutputSerialization>')
  t.equal(
    output({
      csv: {
        quoteFields: 'ALWAYS',
        recordDelimiter: '\n',
        fieldDelimiter: ';',
        quoteCharacter: "'",
        quoteEscapeCharacter: '\\'
      }
    }),
    '<OutputSerialization><CSV><QuoteFields>ALWAYS</QuoteFields><RecordDelimiter>\n</RecordDelimiter>' +
      "<FieldDelimiter>;</FieldDelimiter><QuoteCharacter>'</QuoteCharacter>" +
      '<QuoteEscapeCharacter>\\</QuoteEscapeCharacter></CSV></OutputSerialization>'
  )
  t.equal(
    output({ json: { recordDelimiter: ',' } }),
    '<OutputSerialization><JSON><RecordDelimiter>,</RecordDelimiter></JSON></OutputSerialization>'
  )
  t.equal(output({ json: {} }), '<OutputSerialization><JSON></JSON></OutputSerialization>')
})

t.test('an unknown or ambiguous format is an InvalidInput that names the field', async (t) => {
  for (const nonsense of [{}, 'CSV', { CSV: {} }, { compressionType: 'GZIP' }]) {
    t.equal(input(nonsense), ': must be { csv }, { json } or { parquet }')
    t.equal(output(nonsense), ': must be { csv } or { json }')
  }
  t.equal(input({ csv: {}, json: { type: 'LINES' } }), 'json: must not be given with csv')
  t.equal(output({ csv: {}, json: {} }), 'json: must not be given with csv')
  t.match(output({ json: {}, compressionType: 'GZIP' }), /^compressionType: is not a known field/)
  t.equal(input({ json: {} }), 'json.type: is required')
  t.equal(input({ json: { type: 'lines' } }), "json.type: must be 'DOCUMENT' or 'LINES'")
  t.equal(
    input({ csv: {}, compressionType: 'ZSTD' }),
    "compressionType: must be one of 'NONE', 'GZIP', 'BZIP2'"
  )
  t.equal(input({ parquet: {}, compressionType: 'GZIP' }), "compressionType: must be 'NONE'")
  t.match(input({ parquet: { type: 'LINES' } }), /^parquet\.type: is not a known field/)
  t.equal(
    input({ csv: { fileHeaderInfo: 'use' } }),
    "csv.fileHeaderInfo: must be one of 'NONE', 'USE', 'IGNORE'"
  )
  t.equal(
    input({ csv: { allowQuotedRecordDelimiter: 'TRUE' } }),
    'csv.allowQuotedRecordDelimiter: must be true or false'
  )
  t.equal(output({ csv: { quoteFields: true } }), "csv.quoteFields: must be 'ALWAYS' or 'ASNEEDED'")
})

t.test('delimiters have COS’s maximum length in bytes', async (t) => {
  for (const name of ['fieldDelimiter', 'quoteCharacter', 'quoteEscapeCharacter', 'comments']) {
    for (const wrong of ['ab', '腾']) {
      t.equal(input({ csv: { [name]: wrong } }), `csv.${name}: must be a character of 1 byte`)
    }
    t.match(input({ csv: { [name]: '' } }), new RegExp(`^csv\\.${name}: `))
    t.equal(input({ csv: { [name]: '\u0001' } }), `csv.${name}: must be a character of 1 byte`)
  }
  t.equal(
    input({ csv: { recordDelimiter: '腾' } }),
    'csv.recordDelimiter: must be characters of 1 or 2 bytes'
  )
  t.equal(
    output({ json: { recordDelimiter: 'abc' } }),
    'json.recordDelimiter: must be characters of 1 or 2 bytes'
  )
  t.match(output({ csv: { recordDelimiter: 'é' } }), /<RecordDelimiter>é</)
})
