/** CSV as Select writes and reads it. Needs the optional package csv-parse. */
import type { Transform } from 'node:stream'
import { finished } from 'node:stream/promises'
import * as E from 'fp-ts/lib/Either.js'
import * as TE from 'fp-ts/lib/TaskEither.js'
import type { CsvError } from 'csv-parse'
import { notUtf8, tooLarge, type RecordFold, type RecordProblem } from './records.js'
import { tryTask } from './try-task.js'

/** Characters under the names that Select has for them. Defaults: a line feed, a comma, `"` and `"`. */
export interface CsvLayout {
  readonly recordDelimiter?: string
  readonly fieldDelimiter?: string
  readonly quoteCharacter?: string
  readonly quoteEscapeCharacter?: string
  /** Lines that start with this text are skipped. Default: no line is skipped. */
  readonly comments?: string
  /** The largest size of one record, in bytes. */
  readonly limit: number
}

/** Creates a fold. Each record is the list of its fields. */
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

/** The function of csv-parse that is used. Its own types would fail to resolve in programs that do not install it. */
export interface CsvLibrary {
  readonly parse: (options: Options) => Transform
}

const problemOf = ({ code, message }: CsvError, limit: number): RecordProblem => {
  switch (code) {
    case 'CSV_MAX_RECORD_SIZE':
      return tooLarge(limit)
    case 'CSV_QUOTE_NOT_CLOSED':
      return { _tag: 'Incomplete', message: 'the data end within a quoted field' }
    default:
      return { _tag: 'Malformed', message }
  }
}

const isCsvError = (thrown: unknown): thrown is CsvError =>
  thrown instanceof Error && 'code' in thrown && typeof thrown.code === 'string'

const isTooLarge = (fields: ReadonlyArray<string>, limit: number): boolean => {
  const characters = fields.reduce((sum, field) => sum + field.length + 1, 0)
  // A UTF-16 unit has at most three bytes in UTF-8, so most records need not be measured.
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
  // Counts characters. `isTooLarge` counts the bytes of complete records.
  max_record_size: layout.limit
})

/**
 * csv-parse's stream as a fold. The stream parses within `write`, and the parsed records are read at once. So no record
 * waits in the stream, and no turn of the event loop is needed until the end. The option `on_record` costs three times as
 * much: it creates a context object for each record.
 */
const parseRecords =
  ({ parse }: CsvLibrary): CsvReader =>
  (layout) => {
    const utf8 = new TextDecoder('utf-8', { fatal: true })
    const parser = parse(optionsOf(layout))
    let problem: RecordProblem | undefined
    const onError = (thrown: unknown): void => {
      if (!isCsvError(thrown)) throw thrown
      problem ??= problemOf(thrown, layout.limit)
    }
    // `errored` has the error at once. The event comes a turn later, and without a listener it would end the process.
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
    const readParsed = (): E.Either<RecordProblem, ReadonlyArray<ReadonlyArray<string>>> => {
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
        if (chunk.length === 0 || !isUtf8(chunk)) return readParsed()
        parser.write(chunk)
        if (parser.errored) onError(parser.errored)
        return readParsed()
      },
      finish: async () => {
        if (problem === undefined && !parser.writableEnded && isUtf8()) {
          parser.end()
          await finished(parser, { readable: false }).catch(onError)
        }
        return readParsed()
      }
    }
  }

// An optional peer dependency. If it is not installed, webpack cannot bundle the library without the comment, and esbuild
// cannot without the `catch`. With both, bundlers leave the import as it is, and it runs when it is needed.
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
): TE.TaskEither<unknown, CsvReader> => TE.map(parseRecords)(tryTask(load, (thrown) => thrown))
