/** CSV as Select writes and reads it, by way of csv-parse, where that is installed. */
import type { Transform } from 'node:stream'
import { finished } from 'node:stream/promises'
import * as E from 'fp-ts/lib/Either.js'
import * as TE from 'fp-ts/lib/TaskEither.js'
import type { CsvError } from 'csv-parse'
import { notUtf8, tooLarge, type RecordFold, type RecordProblem } from './records.js'

/** Characters as Select names them; a line feed, a comma, `"` and `"` where left out. */
export interface CsvLayout {
  readonly recordDelimiter?: string
  readonly fieldDelimiter?: string
  readonly quoteCharacter?: string
  readonly quoteEscapeCharacter?: string
  /** Lines that begin with it are skipped; none are where it is left out. */
  readonly comments?: string
  /** Of one record, in bytes. */
  readonly limit: number
}

/** Starts reading; each record is its fields. */
export type CsvReader = (layout: CsvLayout) => RecordFold<ReadonlyArray<string>>

interface Options {
  readonly bom: boolean
  readonly delimiter: string
  readonly record_delimiter: string
  readonly quote: string
  readonly escape: string
  readonly comment: string | null
  readonly comment_no_infix: boolean
  readonly relax_column_count: boolean
  readonly max_record_size: number
}

/** What is wanted of csv-parse. Its own types would be missed by those who type-check without it. */
export interface CsvLibrary {
  readonly parse: (options: Options) => Transform
}

const problemOf = ({ code, message }: CsvError, limit: number): RecordProblem => {
  switch (code) {
    case 'CSV_MAX_RECORD_SIZE':
      return tooLarge(limit)
    case 'CSV_QUOTE_NOT_CLOSED':
      return { _tag: 'Incomplete', words: 'the data end within a quoted field' }
    default:
      return { _tag: 'Malformed', words: message }
  }
}

const isCsvError = (thrown: unknown): thrown is CsvError =>
  thrown instanceof Error && 'code' in thrown && typeof thrown.code === 'string'

const isTooLarge = (fields: ReadonlyArray<string>, limit: number): boolean => {
  const characters = fields.reduce((sum, field) => sum + field.length + 1, 0)
  // No character has more than three bytes; most records need not be measured.
  return (
    characters * 3 > limit && fields.reduce((sum, field) => sum + Buffer.byteLength(field) + 1, 0) > limit
  )
}

const isRecord = (u: unknown): u is ReadonlyArray<string> => Array.isArray(u)

const optionsOf = (layout: CsvLayout): Options => ({
  bom: true,
  delimiter: layout.fieldDelimiter ?? ',',
  record_delimiter: layout.recordDelimiter ?? '\n',
  quote: layout.quoteCharacter ?? '"',
  escape: layout.quoteEscapeCharacter ?? '"',
  comment: layout.comments ?? null,
  comment_no_infix: true,
  relax_column_count: true,
  // Of characters; the bytes are counted once the record is whole.
  max_record_size: layout.limit
})

/**
 * csv-parse's stream as a fold. It parses within `write`, and what it has found is read from it at once, so that
 * nothing waits in it and no turn of the event loop is needed until the end. Its `on_record` would do as well, at
 * three times the cost: it makes a description of every record.
 */
const parseRecords =
  ({ parse }: CsvLibrary): CsvReader =>
  (layout) => {
    const utf8 = new TextDecoder('utf-8', { fatal: true })
    const parser = parse(optionsOf(layout))
    let problem: RecordProblem | undefined
    const failed = (thrown: unknown): void => {
      if (!isCsvError(thrown)) throw thrown
      problem ??= problemOf(thrown, layout.limit)
    }
    // What it says is found in `errored` at once; the event comes a turn later, and unheard would end the process.
    parser.on('error', () => undefined)
    const isUtf8 = (chunk?: Uint8Array): boolean => {
      try {
        utf8.decode(chunk, { stream: chunk !== undefined })
        return true
      } catch {
        problem ??= notUtf8
        return false
      }
    }
    const given = (): E.Either<RecordProblem, ReadonlyArray<ReadonlyArray<string>>> => {
      const records: Array<ReadonlyArray<string>> = []
      for (;;) {
        const record: unknown = parser.read()
        if (!isRecord(record)) break
        if (isTooLarge(record, layout.limit)) {
          problem = tooLarge(layout.limit)
          break
        }
        records.push(record)
      }
      return problem === undefined || records.length > 0 ? E.right(records) : E.left(problem)
    }
    return {
      step: (chunk) => {
        if (problem !== undefined) return E.left(problem)
        if (chunk.length === 0 || !isUtf8(chunk)) return given()
        parser.write(chunk)
        if (parser.errored) failed(parser.errored)
        return given()
      },
      finish: async () => {
        if (problem === undefined && !parser.writableEnded && isUtf8()) {
          parser.end()
          await finished(parser, { readable: false }).catch(failed)
        }
        return given()
      }
    }
  }

// An optional peer. While it is not installed, webpack bundles no part of the library without the comment, and esbuild
// none without the `catch`. With both, the import stays as it is and runs when it is needed.
const loadCsvParse = (): Promise<CsvLibrary> =>
  import(/* webpackIgnore: true */ 'csv-parse').catch((thrown: unknown) => {
    throw thrown
  })

/**
 * Loads csv-parse.
 *
 * @errors the error of `import()`, if csv-parse is not installed
 */
export const csvReader = (
  load: () => Promise<CsvLibrary> = loadCsvParse
): TE.TaskEither<unknown, CsvReader> => TE.map(parseRecords)(TE.tryCatch(load, (thrown) => thrown))
