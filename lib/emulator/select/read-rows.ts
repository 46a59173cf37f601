/** Reads the records of an object from its bytes, as a stream. */
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
import type { FromStep } from './types.js'
import { fail, type SelectCode, SelectFailure } from './failure.js'
import type { CsvInput, Input, JsonInput } from './request.js'

type Bytes = AsyncIterable<Uint8Array>
type Rows = AsyncGenerator<ReadonlyArray<Row>, void, undefined>

/** @errors `GzipDecompressError`; errors of its source, unchanged */
export async function* gunzip(bytes: Bytes): AsyncGenerator<Uint8Array, void, undefined> {
  const gunzip = createGunzip()
  // Errors of the source are thrown by the loop below.
  const feeding = pipeline(bytes, gunzip).catch(() => undefined)
  const plain: Bytes = gunzip
  try {
    yield* plain
  } catch (thrown) {
    if (codeOf(thrown).startsWith('Z_'))
      fail('GzipDecompressError', 'The object is not GZIP, or is truncated.')
    throw thrown
  } finally {
    gunzip.destroy()
    await feeding
  }
}

const toFailure = (problem: RecordProblem, malformedCode: SelectCode): SelectFailure => {
  switch (problem._tag) {
    case 'TooLarge':
      return new SelectFailure('OverMaxRecordSize', 'The length of a record is greater than 1 MB.')
    case 'NotUtf8':
      return new SelectFailure('InvalidTextEncoding', 'The object is not UTF-8.')
    case 'Incomplete':
      return new SelectFailure('LastRecordParseFail', `The last record is incomplete: ${problem.message}.`)
    case 'Malformed':
      return new SelectFailure(malformedCode, problem.message)
  }
}

/** Runs a fold over the bytes; yields the records that each chunk completed. */
async function* foldRows<A>(
  fold: RecordFold<A>,
  malformedCode: SelectCode,
  bytes: Bytes
): AsyncGenerator<ReadonlyArray<A>, void, undefined> {
  const orThrow = (read: E.Either<RecordProblem, ReadonlyArray<A>>): ReadonlyArray<A> => {
    if (E.isLeft(read)) throw toFailure(read.left, malformedCode)
    return read.right
  }
  for await (const chunk of bytes) {
    yield orThrow(fold.step(chunk))
    // A problem after complete records is reported by the next step.
    orThrow(fold.step(new Uint8Array()))
  }
  yield orThrow(await fold.finish())
  orThrow(await fold.finish())
}

/** Converts records to rows. If a record is invalid, the rows before it are yielded first. */
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
/** COS splits a file at record delimiters even within quotes, unless AllowQuotedRecordDelimiter is TRUE. */
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

/** Splits into lines; the last one may lack its line feed. */
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
  const takeLine = (): string | undefined => {
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
        const line = takeLine()
        if (line !== undefined) lines.push(line)
        start = end + 1
      }
      return problem === undefined || lines.length > 0 ? E.right(lines) : E.left(problem)
    },
    finish: async () => {
      const last = takeLine() ?? ''
      if (problem === undefined && last.trim() !== '' && O.isNone(parseJson(last)))
        problem = { _tag: 'Incomplete', message: last.slice(0, 40) }
      return problem === undefined ? E.right([last]) : E.left(problem)
    }
  }
}

const jsonRows = (input: JsonInput, from: ReadonlyArray<FromStep>, bytes: Bytes): Rows => {
  const expand = expandStars(from)
  // With a path, the records are inside the document, which may then be larger than a record.
  const limit = input.type === 'DOCUMENT' && from.length > 0 ? maxDocument : maxRecord
  const fold = input.type === 'LINES' ? readLines(limit) : jsonReader({ limit })
  return mapRows(foldRows(fold, 'JSONParsingError', bytes), (text) => {
    if (text.trim() === '') return []
    const json = parseJson(text)
    return O.isNone(json)
      ? fail('JSONParsingError', `Invalid JSON: ${text.slice(0, 40)}`)
      : expand(json.value)
  })
}

// The whole value is in memory while its records are extracted.
const maxDocument = 32 * MiB

/**
 * Reads the records of an object from its decompressed bytes.
 *
 * @shape  yields the records that each chunk completed, in order; closing it closes its source
 * @units  holds a chunk and a record of at most 1 MiB; of a JSON document, one value of at most 32 MiB
 * @errors throws `SelectFailure` for invalid data; errors of its source, unchanged
 */
export const readRows = (
  input: Input,
  csv: CsvReader | undefined,
  from: ReadonlyArray<FromStep>,
  bytes: Bytes
): Rows => {
  if (input._tag === 'Json') return jsonRows(input, from, bytes)
  if (csv === undefined) return fail('InternalError', 'There is no CSV reader.')
  return csvRows(input, csv, bytes)
}
