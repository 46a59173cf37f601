/** What a Select asks for, beside its SQL: read off its XML, or refused in COS's words. */
import * as E from 'fp-ts/lib/Either.js'
import { pipe } from 'fp-ts/lib/function.js'
import { type Element, type Fields, toFields } from '../../core/xml.js'
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
/** One of some words, in any case of letters; the first where there is none. */
const word = <A extends string>(
  fields: Fields,
  name: string,
  words: readonly [A, ...ReadonlyArray<A>],
  refused: Read<never>
): Read<A> => {
  const text = fields[name]
  if (text === undefined) return E.right(words[0])
  const found =
    typeof text === 'string' ? words.find((each) => each === text.trim().toUpperCase()) : undefined
  return found === undefined ? refused : E.right(found)
}

const flag = (fields: Fields, name: string): Read<boolean> =>
  E.map((found) => found === 'TRUE')(
    word(
      fields,
      name,
      ['FALSE', 'TRUE'],
      failSelect('InvalidRequestParameter', `${name} should be TRUE or FALSE.`)
    )
  )

// COS's own samples spell a line feed as two characters, and its SDKs' users do after them.
const spelled: Readonly<Record<string, string>> = { '\\n': '\n', '\\r': '\r', '\\t': '\t', '\\r\\n': '\r\n' }

const characters = (fields: Fields, name: string, most: number, usual: string): Read<string> => {
  const text = fields[name] ?? usual
  const meant = typeof text === 'string' ? (spelled[text] ?? text) : ''
  const size = Buffer.byteLength(meant)
  return size >= 1 && size <= most
    ? E.right(meant)
    : failSelect('InvalidRequestParameter', `${name} should have 1 to ${String(most)} bytes.`)
}

const csvCharacters = (fields: Fields): Read<CsvCharacters> =>
  pipe(
    E.Do,
    E.apS('recordDelimiter', characters(fields, 'RecordDelimiter', 2, '\n')),
    E.apS('fieldDelimiter', characters(fields, 'FieldDelimiter', 1, ',')),
    E.apS('quoteCharacter', characters(fields, 'QuoteCharacter', 1, '"')),
    E.apS('quoteEscapeCharacter', characters(fields, 'QuoteEscapeCharacter', 1, '"')),
    E.filterOrElse(
      ({ recordDelimiter, fieldDelimiter, quoteCharacter }) =>
        !recordDelimiter.includes(fieldDelimiter) &&
        !recordDelimiter.includes(quoteCharacter) &&
        fieldDelimiter !== quoteCharacter,
      () => serviceErrorOf('InvalidRequestParameter', 'Delimiters and quotes of a CSV should differ.')
    )
  )

/** An element's children; none of an empty one. */
const inside = (fields: Fields, name: string): Fields | undefined => {
  const found = fields[name]
  return typeof found === 'string' ? {} : found
}

// -- formats --
const csvInput = (fields: Fields): Read<CsvInput> =>
  pipe(
    csvCharacters(fields),
    E.bind('header', () =>
      word<CsvInput['header']>(
        fields,
        'FileHeaderInfo',
        ['NONE', 'USE', 'IGNORE'],
        failSelect('InvalidFileHeaderInfo', 'FileHeaderInfo should be NONE, USE or IGNORE.')
      )
    ),
    E.bind('comments', () => characters(fields, 'Comments', 1, '#')),
    E.bind('allowQuotedRecordDelimiter', () => flag(fields, 'AllowQuotedRecordDelimiter')),
    E.map((parts): CsvInput => ({ _tag: 'Csv', ...parts }))
  )

const jsonInput = (fields: Fields): Read<JsonInput> => {
  const refused = failSelect('InvalidJsonType', 'Type should be DOCUMENT or LINES.')
  return fields['Type'] === undefined
    ? refused
    : E.map((type: JsonInput['type']): JsonInput => ({ _tag: 'Json', type }))(
        word(fields, 'Type', ['DOCUMENT', 'LINES'], refused)
      )
}

const compression = (fields: Fields): Read<'NONE' | 'GZIP'> =>
  pipe(
    word(
      fields,
      'CompressionType',
      ['NONE', 'GZIP', 'BZIP2'],
      failSelect('InvalidCompressionFormat', 'CompressionType should be NONE, GZIP or BZIP2.')
    ),
    E.chain((type) =>
      type === 'BZIP2' ? notImplemented('The emulator does not read BZIP2.') : E.right(type)
    )
  )

const inputOf = (fields: Fields | undefined): Read<Input> => {
  if (fields === undefined) return failSelect('MissingInputSerialization', 'InputSerialization is missing.')
  const formats = ['CSV', 'JSON', 'Parquet', 'PARQUET'].filter((name) => fields[name] !== undefined)
  if (formats.length === 0)
    return failSelect('MissingInputFormat', 'InputSerialization should have CSV, JSON or Parquet.')
  if (formats.length > 1) return failSelect('InvalidRequestParameter', 'InputSerialization has one format.')
  const [csv, json] = [inside(fields, 'CSV'), inside(fields, 'JSON')]
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
  const [csv, json] = [inside(fields, 'CSV'), inside(fields, 'JSON')]
  if (csv && json) return failSelect('InvalidRequestParameter', 'OutputSerialization has one format.')
  if (json)
    return E.map((recordDelimiter: string): Output => ({ _tag: 'Json', recordDelimiter }))(
      characters(json, 'RecordDelimiter', 2, '\n')
    )
  if (!csv) return failSelect('MissingOutputFormat', 'OutputSerialization should have CSV or JSON.')
  const refused = failSelect('InvalidQuoteFields', 'QuoteFields should be ALWAYS or ASNEEDED.')
  return pipe(
    csvCharacters(csv),
    E.bind('quotes', () => word(csv, 'QuoteFields', ['ASNEEDED', 'ALWAYS'], refused)),
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
    : failSelect('InvalidRequestParameter', 'ExpressionType should be SQL.')
}

/** Reads the children of `SelectRequest`. */
export const readRequest = (rows: ReadonlyArray<Element>): Read<SelectRequest> => {
  const fields = toFields({ name: 'SelectRequest', text: '', children: rows })
  return pipe(
    E.Do,
    E.bind('expression', () => expressionOf(fields)),
    E.bind('input', () => inputOf(inside(fields, 'InputSerialization'))),
    E.bind('output', () => outputOf(inside(fields, 'OutputSerialization'))),
    E.bind('progress', () => flag(inside(fields, 'RequestProgress') ?? {}, 'Enabled'))
  )
}
