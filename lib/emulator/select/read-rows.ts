/** From an object's bytes to its records, as they come. */
import { pipeline } from 'node:stream/promises'
import { createGunzip } from 'node:zlib'
import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import type { CsvReader } from '../../core/csv-records.js'
import { codeOf } from '../../core/error.js'
import { parseJson, jsonReader } from '../../core/json-records.js'
import { MiB } from '../../core/limits.js'
import { maxRecord, notUtf8, tooLarge, type RecordFold, type RecordProblem } from '../../core/records.js'
import { expandStars, type Header, headerOf, type Row } from './columns.js'
import type { FromStep } from './expression.js'
import { fail, type SelectCode, SelectFailure } from './failure.js'
import type { CsvInput, Input, JsonInput } from './request.js'

type Bytes = AsyncIterable<Uint8Array>
type Rows = AsyncGenerator<ReadonlyArray<Row>, void, undefined>

/** @errors `GzipDecompressError`; those of its source, untouched */
export async function* gunzip(bytes: Bytes): AsyncGenerator<Uint8Array, void, undefined> {
  const gunzip = createGunzip()
  // What goes wrong on the way in comes out below.
  const feeding = pipeline(bytes, gunzip).catch(() => undefined)
  const plain: Bytes = gunzip
  try {
    yield* plain
  } catch (thrown) {
    if (codeOf(thrown).startsWith('Z_'))
      fail('GzipDecompressError', 'The object is not GZIP, or not all of it.')
    throw thrown
  } finally {
    gunzip.destroy()
    await feeding
  }
}

const failure = (problem: RecordProblem, malformed: SelectCode): SelectFailure => {
  switch (problem._tag) {
    case 'TooLarge':
      return new SelectFailure('OverMaxRecordSize', 'The length of a record is greater than 1 MB.')
    case 'NotUtf8':
      return new SelectFailure('InvalidTextEncoding', 'The object is not UTF-8.')
    case 'CutShort':
      return new SelectFailure('LastRecordParseFail', `The last record is not whole: ${problem.words}.`)
    case 'Malformed':
      return new SelectFailure(malformed, problem.words)
  }
}

/** Runs a fold over the bytes: what each chunk completed. */
async function* foldRows<A>(
  folding: RecordFold<A>,
  malformed: SelectCode,
  bytes: Bytes
): AsyncGenerator<ReadonlyArray<A>, void, undefined> {
  const given = (read: E.Either<RecordProblem, ReadonlyArray<A>>): ReadonlyArray<A> => {
    if (E.isLeft(read)) throw failure(read.left, malformed)
    return read.right
  }
  for await (const chunk of bytes) {
    yield given(folding.step(chunk))
    given(folding.step(new Uint8Array()))
  }
  yield given(await folding.finish())
  given(await folding.finish())
}

/** Makes rows of records. Those before one that is wrong are given first. */
async function* mapRows<A>(
  batches: AsyncIterable<ReadonlyArray<A>>,
  rowsOf: (record: A) => ReadonlyArray<Row>
): Rows {
  for await (const batch of batches) {
    const rows: Array<Row> = []
    try {
      for (const record of batch) for (const row of rowsOf(record)) rows.push(row)
    } catch (thrown) {
      yield rows
      throw thrown
    }
    yield rows
  }
}

// -- CSV --
/** COS splits a file at its delimiters without a look at quotes, unless it is told that they may be quoted. */
const checkDelimiters = ({ recordDelimiter }: CsvInput, fields: ReadonlyArray<string>): void => {
  if (fields.some((field) => field.includes(recordDelimiter)))
    fail('CSVParsingError', 'A record delimiter is in quotes, and AllowQuotedRecordDelimiter is FALSE.')
}

const csvRows = (input: CsvInput, read: CsvReader, bytes: Bytes): Rows => {
  let header: Header | undefined
  let first = input.header !== 'NONE'
  const records = foldRows(read({ ...input, limit: maxRecord }), 'CSVParsingError', bytes)
  return mapRows(records, (fields) => {
    if (!input.allowQuotedRecordDelimiter) checkDelimiters(input, fields)
    if (!first) return [{ _tag: 'Csv', fields, header }]
    first = false
    if (input.header === 'USE') header = headerOf(fields)
    return []
  })
}

// -- JSON --
const lineFeed = 0x0a

/** Lines as texts, the last of which may go without its end. */
const readLines = (limit: number): RecordFold<string> => {
  const utf8 = new TextDecoder('utf-8', { fatal: true })
  let held: Array<Uint8Array> = []
  let size = 0
  let problem: RecordProblem | undefined
  const hold = (bytes: Uint8Array): void => {
    held.push(bytes)
    size += bytes.length
    if (size > limit) problem ??= tooLarge(limit)
  }
  const taken = (): string | undefined => {
    const [only = new Uint8Array(), ...more] = held
    const line = more.length === 0 ? only : Buffer.concat(held)
    held = []
    size = 0
    if (problem !== undefined) return undefined
    try {
      return utf8.decode(line)
    } catch {
      problem = notUtf8
      return undefined
    }
  }
  return {
    step: (chunk) => {
      const lines: Array<string> = []
      for (let start = 0; problem === undefined;) {
        const end = chunk.indexOf(lineFeed, start)
        hold(chunk.subarray(start, end < 0 ? chunk.length : end))
        if (end < 0) break
        const line = taken()
        if (line !== undefined) lines.push(line)
        start = end + 1
      }
      return problem === undefined || lines.length > 0 ? E.right(lines) : E.left(problem)
    },
    finish: async () => {
      const last = taken() ?? ''
      if (problem === undefined && last.trim() !== '' && O.isNone(parseJson(last)))
        problem = { _tag: 'CutShort', words: last.slice(0, 40) }
      return problem === undefined ? E.right([last]) : E.left(problem)
    }
  }
}

const jsonRows = (input: JsonInput, from: ReadonlyArray<FromStep>, bytes: Bytes): Rows => {
  const expand = expandStars(from)
  // Of a document that is one list, its elements are the records.
  const limit = input.type === 'DOCUMENT' && from.length > 0 ? maxDocument : maxRecord
  const folding = input.type === 'LINES' ? readLines(limit) : jsonReader({ limit })
  return mapRows(foldRows(folding, 'JSONParsingError', bytes), (text) => {
    if (text.trim() === '') return []
    const json = parseJson(text)
    return O.isNone(json)
      ? fail('JSONParsingError', `This is not JSON: ${text.slice(0, 40)}`)
      : expand(json.value)
  })
}

// A value is held whole while its records are taken out of it.
const maxDocument = 32 * MiB

/**
 * Reads the records of an object, decompressed already.
 *
 * @shape  those that each chunk completed, in order; closing it closes its source
 * @units  holds a chunk and a record of at most 1 MiB; of a JSON document, one value of at most 32 MiB
 * @errors throws `SelectFailure` of the data; those of its source, untouched
 */
export const readRows = (
  input: Input,
  csv: CsvReader | undefined,
  from: ReadonlyArray<FromStep>,
  bytes: Bytes
): Rows => {
  if (input._tag === 'Json') return jsonRows(input, from, bytes)
  if (csv === undefined) return fail('InternalError', 'There is nothing to read CSV with.')
  return csvRows(input, csv, bytes)
}
