/** Reads and validates the XML of a Select request. */
import * as E from 'fp-ts/lib/Either.js'
import { pipe } from 'fp-ts/lib/function.js'
import type { Element } from '../../core/element.js'
import { type Fields, toFields } from '../../core/xml.js'
import type { ServiceError } from '../http/service-error.js'
import { notImplemented, serviceErrorOf, failSelect } from './failure.js'

export interface CsvCharacters {
  readonly recordDelimiter: string
  readonly fieldDelimiter: string
  readonly quoteCharacter: string
  readonly quoteEscapeCharacter: string
}

export interface CsvInput extends CsvCharacters {
  readonly _tag: 'Csv'
  readonly header: 'NONE' | 'USE' | 'IGNORE'
  readonly comments: string
  readonly allowQuotedRecordDelimiter: boolean
}

export interface JsonInput {
  readonly _tag: 'Json'
  readonly type: 'DOCUMENT' | 'LINES'
}

export type Input = (CsvInput | JsonInput) & { readonly gzip: boolean }

export type Output =
  | (CsvCharacters & { readonly _tag: 'Csv'; readonly quoteAll: boolean })
  | { readonly _tag: 'Json'; readonly recordDelimiter: string }

export interface SelectRequest {
  readonly expression: string
  readonly input: Input
  readonly output: Output
  readonly progress: boolean
}

type Read<A> = E.Either<ServiceError, A>

// -- leaves --
/** One of some keywords, case-insensitive; the first if the element is absent. */
const readKeyword = <A extends string>(
  fields: Fields,
  name: string,
  keywords: readonly [A, ...ReadonlyArray<A>],
  error: Read<never>
): Read<A> => {
  const text = fields[name]
  if (text === undefined) return E.right(keywords[0])
  const found =
    typeof text === 'string' ? keywords.find((keyword) => keyword === text.trim().toUpperCase()) : undefined
  return found === undefined ? error : E.right(found)
}

const readFlag = (fields: Fields, name: string): Read<boolean> =>
  E.map((found) => found === 'TRUE')(
    readKeyword(
      fields,
      name,
      ['FALSE', 'TRUE'],
      failSelect('InvalidRequestParameter', `${name} must be TRUE or FALSE.`)
    )
  )

// COS's samples write a line feed as the two characters `\n`, and so do users of its SDKs.
const escapes: Readonly<Record<string, string>> = { '\\n': '\n', '\\r': '\r', '\\t': '\t', '\\r\\n': '\r\n' }

const readCharacters = (fields: Fields, name: string, maxBytes: number, byDefault: string): Read<string> => {
  const text = fields[name] ?? byDefault
  const characters = typeof text === 'string' ? (escapes[text] ?? text) : ''
  const size = Buffer.byteLength(characters)
  return size >= 1 && size <= maxBytes
    ? E.right(characters)
    : failSelect('InvalidRequestParameter', `${name} must have 1 to ${String(maxBytes)} bytes.`)
}

const csvCharacters = (fields: Fields): Read<CsvCharacters> =>
  pipe(
    E.Do,
    E.apS('recordDelimiter', readCharacters(fields, 'RecordDelimiter', 2, '\n')),
    E.apS('fieldDelimiter', readCharacters(fields, 'FieldDelimiter', 1, ',')),
    E.apS('quoteCharacter', readCharacters(fields, 'QuoteCharacter', 1, '"')),
    E.apS('quoteEscapeCharacter', readCharacters(fields, 'QuoteEscapeCharacter', 1, '"')),
    E.filterOrElse(
      ({ recordDelimiter, fieldDelimiter, quoteCharacter }) =>
        !recordDelimiter.includes(fieldDelimiter) &&
        !recordDelimiter.includes(quoteCharacter) &&
        fieldDelimiter !== quoteCharacter,
      () => serviceErrorOf('InvalidRequestParameter', 'The delimiters and the quote of CSV must differ.')
    )
  )

/** The children of an element; undefined if it is absent. */
const childrenOf = (fields: Fields, name: string): Fields | undefined => {
  const found = fields[name]
  return typeof found === 'string' ? {} : found
}

// -- formats --
const csvInput = (fields: Fields): Read<CsvInput> =>
  pipe(
    csvCharacters(fields),
    E.bind('header', () =>
      readKeyword<CsvInput['header']>(
        fields,
        'FileHeaderInfo',
        ['NONE', 'USE', 'IGNORE'],
        failSelect('InvalidFileHeaderInfo', 'FileHeaderInfo must be NONE, USE or IGNORE.')
      )
    ),
    E.bind('comments', () => readCharacters(fields, 'Comments', 1, '#')),
    E.bind('allowQuotedRecordDelimiter', () => readFlag(fields, 'AllowQuotedRecordDelimiter')),
    E.map((parts): CsvInput => ({ _tag: 'Csv', ...parts }))
  )

const jsonInput = (fields: Fields): Read<JsonInput> => {
  const error = failSelect('InvalidJsonType', 'Type must be DOCUMENT or LINES.')
  return fields['Type'] === undefined
    ? error
    : E.map((type: JsonInput['type']): JsonInput => ({ _tag: 'Json', type }))(
        readKeyword(fields, 'Type', ['DOCUMENT', 'LINES'], error)
      )
}

const compression = (fields: Fields): Read<'NONE' | 'GZIP'> =>
  pipe(
    readKeyword(
      fields,
      'CompressionType',
      ['NONE', 'GZIP', 'BZIP2'],
      failSelect('InvalidCompressionFormat', 'CompressionType must be NONE, GZIP or BZIP2.')
    ),
    E.chain((type) =>
      type === 'BZIP2' ? notImplemented('The emulator does not read BZIP2.') : E.right(type)
    )
  )

const inputOf = (fields: Fields | undefined): Read<Input> => {
  if (fields === undefined) return failSelect('MissingInputSerialization', 'InputSerialization is missing.')
  const formats = ['CSV', 'JSON', 'Parquet', 'PARQUET'].filter((name) => fields[name] !== undefined)
  if (formats.length === 0)
    return failSelect('MissingInputFormat', 'InputSerialization must have CSV, JSON or Parquet.')
  if (formats.length > 1)
    return failSelect('InvalidRequestParameter', 'InputSerialization must have one format.')
  const [csv, json] = [childrenOf(fields, 'CSV'), childrenOf(fields, 'JSON')]
  const format: Read<CsvInput | JsonInput> = csv
    ? csvInput(csv)
    : json
      ? jsonInput(json)
      : notImplemented('The emulator does not read Parquet.')
  return pipe(
    compression(fields),
    E.chain((type) =>
      E.map((read: CsvInput | JsonInput): Input => ({ ...read, gzip: type === 'GZIP' }))(format)
    )
  )
}

const outputOf = (fields: Fields | undefined): Read<Output> => {
  if (fields === undefined) return failSelect('MissingOutputSerialization', 'OutputSerialization is missing.')
  const [csv, json] = [childrenOf(fields, 'CSV'), childrenOf(fields, 'JSON')]
  if (csv && json) return failSelect('InvalidRequestParameter', 'OutputSerialization must have one format.')
  if (json)
    return E.map((recordDelimiter: string): Output => ({ _tag: 'Json', recordDelimiter }))(
      readCharacters(json, 'RecordDelimiter', 2, '\n')
    )
  if (!csv) return failSelect('MissingOutputFormat', 'OutputSerialization must have CSV or JSON.')
  const error = failSelect('InvalidQuoteFields', 'QuoteFields must be ALWAYS or ASNEEDED.')
  return pipe(
    csvCharacters(csv),
    E.bind('quotes', () => readKeyword(csv, 'QuoteFields', ['ASNEEDED', 'ALWAYS'], error)),
    E.map(({ quotes, ...parts }): Output => ({ _tag: 'Csv', ...parts, quoteAll: quotes === 'ALWAYS' }))
  )
}

const expressionOf = (fields: Fields): Read<string> => {
  const { Expression: sql, ExpressionType: type } = fields
  if (typeof sql !== 'string' || sql.trim() === '')
    return failSelect('MissingExpectedExpression', 'Expression is missing.')
  if (type === undefined) return failSelect('MissingRequiredParameter', 'ExpressionType is missing.')
  return typeof type === 'string' && type.trim().toUpperCase() === 'SQL'
    ? E.right(sql)
    : failSelect('InvalidRequestParameter', 'ExpressionType must be SQL.')
}

/** Reads the children of `SelectRequest`. */
export const readRequest = (rows: ReadonlyArray<Element>): Read<SelectRequest> => {
  const fields = toFields({ name: 'SelectRequest', text: '', children: rows })
  return pipe(
    E.Do,
    E.bind('expression', () => expressionOf(fields)),
    E.bind('input', () => inputOf(childrenOf(fields, 'InputSerialization'))),
    E.bind('output', () => outputOf(childrenOf(fields, 'OutputSerialization'))),
    E.bind('progress', () => readFlag(childrenOf(fields, 'RequestProgress') ?? {}, 'Enabled'))
  )
}
