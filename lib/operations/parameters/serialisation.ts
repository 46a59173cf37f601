/** The formats of a Select: of the object it reads, and of the records it returns. */
import * as In from '../../core/input.js'
import { isXmlText, type Xml } from '../../core/xml.js'
import { choose, firstOf } from './validation.js'

/** Characters of a CSV. Defaults, by COS: line feed, comma, `"`, `"`. */
export interface CsvCharacters {
  /**
   * 1 or 2 bytes: the characters themselves, such as `'\n'`. A file with CRLF line ends needs `'\r\n'`: otherwise the
   * carriage return belongs to the last field of each line, and to the last column name of the header.
   */
  readonly recordDelimiter?: string
  /** 1 byte. */
  readonly fieldDelimiter?: string
  /** 1 byte. */
  readonly quoteCharacter?: string
  /** 1 byte. */
  readonly quoteEscapeCharacter?: string
}

export interface CsvInput extends CsvCharacters {
  /** `USE`: the first line has the column names. `IGNORE`: it is skipped. `NONE`: it is a record. */
  readonly fileHeaderInfo?: 'NONE' | 'USE' | 'IGNORE'
  /** Lines that begin with this byte are skipped. Default: `#`. */
  readonly comments?: string
  /** Whether a quoted field may contain the record delimiter; slower. */
  readonly allowQuotedRecordDelimiter?: boolean
}

export interface JsonInput {
  /** `LINES`: one value per line. `DOCUMENT`: one value in any layout. */
  readonly type: 'DOCUMENT' | 'LINES'
}

export type CompressionType = 'NONE' | 'GZIP' | 'BZIP2'

/** One of CSV, JSON and Parquet. */
export type InputSerialization =
  | {
      readonly csv: CsvInput
      readonly json?: never
      readonly parquet?: never
      readonly compressionType?: CompressionType
    }
  | {
      readonly json: JsonInput
      readonly csv?: never
      readonly parquet?: never
      readonly compressionType?: CompressionType
    }
  /** Parquet compresses its columns itself, by GZIP or Snappy; COS detects which. */
  | {
      readonly parquet: Readonly<Record<never, never>>
      readonly csv?: never
      readonly json?: never
      readonly compressionType?: 'NONE'
    }

export interface CsvOutput extends CsvCharacters {
  /** Default: `ASNEEDED`. */
  readonly quoteFields?: 'ALWAYS' | 'ASNEEDED'
}

export interface JsonOutput {
  /** 1 or 2 bytes. Default: a line feed. */
  readonly recordDelimiter?: string
}

/** One of CSV and JSON. */
export type OutputSerialization =
  { readonly csv: CsvOutput; readonly json?: never } | { readonly json: JsonOutput; readonly csv?: never }

// -- codecs --
const bytes = (most: 1 | 2) =>
  In.refined(
    In.nonEmpty,
    most === 1 ? 'a character of 1 byte' : 'characters of 1 or 2 bytes',
    (text) => Buffer.byteLength(text) <= most && isXmlText(text)
  )

const csvCharacters: In.FieldsOf<CsvCharacters> = {
  recordDelimiter: In.optional(bytes(2)),
  fieldDelimiter: In.optional(bytes(1)),
  quoteCharacter: In.optional(bytes(1)),
  quoteEscapeCharacter: In.optional(bytes(1))
}

const CsvInput = In.struct<CsvInput>('the layout of a CSV, such as { fileHeaderInfo }', {
  ...csvCharacters,
  fileHeaderInfo: In.optional(In.oneOf('NONE', 'USE', 'IGNORE')),
  comments: In.optional(bytes(1)),
  allowQuotedRecordDelimiter: In.optional(In.boolean)
})

const JsonInput = In.struct<JsonInput>('the layout of JSON, { type }', {
  type: In.oneOf('DOCUMENT', 'LINES')
})

const Compression = In.oneOf('NONE', 'GZIP', 'BZIP2')

export const InputSerialization = choose<InputSerialization>(
  '{ csv }, { json } or { parquet }',
  firstOf<InputSerialization>({
    csv: In.struct<{ readonly csv: CsvInput; readonly compressionType?: CompressionType }>('{ csv }', {
      csv: CsvInput,
      compressionType: In.optional(Compression)
    }),
    json: In.struct<{ readonly json: JsonInput; readonly compressionType?: CompressionType }>('{ json }', {
      json: JsonInput,
      compressionType: In.optional(Compression)
    }),
    parquet: In.struct<{
      readonly parquet: Readonly<Record<never, never>>
      readonly compressionType?: 'NONE'
    }>('{ parquet }', {
      parquet: In.struct<Readonly<Record<never, never>>>('{}', {}),
      compressionType: In.optional(In.oneOf('NONE'))
    })
  })
)

export const OutputSerialization = choose<OutputSerialization>(
  '{ csv } or { json }',
  firstOf<OutputSerialization>({
    csv: In.struct<{ readonly csv: CsvOutput }>('{ csv }', {
      csv: In.struct<CsvOutput>('the layout of a CSV, such as { quoteFields }', {
        ...csvCharacters,
        quoteFields: In.optional(In.oneOf('ALWAYS', 'ASNEEDED'))
      })
    }),
    json: In.struct<{ readonly json: JsonOutput }>('{ json }', {
      json: In.struct<JsonOutput>('the layout of JSON, { recordDelimiter }', {
        recordDelimiter: In.optional(bytes(2))
      })
    })
  })
)

// -- XML --
const optional = (name: string, value: string | boolean | undefined): ReadonlyArray<Xml> =>
  value === undefined ? [] : [[name, typeof value === 'string' ? value : String(value).toUpperCase()]]

const charactersXml = (csv: CsvCharacters): ReadonlyArray<Xml> => [
  ...optional('RecordDelimiter', csv.recordDelimiter),
  ...optional('FieldDelimiter', csv.fieldDelimiter),
  ...optional('QuoteCharacter', csv.quoteCharacter),
  ...optional('QuoteEscapeCharacter', csv.quoteEscapeCharacter)
]

const formatXml = (input: InputSerialization): Xml => {
  if (input.csv !== undefined) {
    return [
      'CSV',
      [
        ...optional('FileHeaderInfo', input.csv.fileHeaderInfo),
        ...charactersXml(input.csv),
        ...optional('Comments', input.csv.comments),
        ...optional('AllowQuotedRecordDelimiter', input.csv.allowQuotedRecordDelimiter)
      ]
    ]
  }
  // COS's table spells it `PARQUET`, and its sample, which its parser accepts, `Parquet`.
  return input.json === undefined ? ['Parquet', ''] : ['JSON', [['Type', input.json.type]]]
}

export const inputXml = (input: InputSerialization): Xml => [
  'InputSerialization',
  [...optional('CompressionType', input.compressionType), formatXml(input)]
]

export const outputXml = (output: OutputSerialization): Xml => [
  'OutputSerialization',
  [
    output.csv === undefined
      ? ['JSON', optional('RecordDelimiter', output.json.recordDelimiter)]
      : ['CSV', [...optional('QuoteFields', output.csv.quoteFields), ...charactersXml(output.csv)]]
  ]
]
