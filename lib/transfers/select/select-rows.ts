/** Select results as rows, each decoded by a codec. */
import * as E from 'fp-ts/lib/Either.js'
import type * as t from 'io-ts'
import { csvReader, type CsvReader } from '../../core/csv-records.js'
import { CosException, type CosError } from '../../core/error.js'
import { decodeWith } from '../../core/wire.js'
import type { SelectObjectContentResult } from '../../operations/select-object-content.js'
import { cancelable, readerCancelled, type CancelableIterator } from '../../stages/cancelable.js'
import { readCsvRows, readJsonRows, type RawRow } from '../../stages/read-rows.js'

export interface SelectRowsOptions {
  /**
   * Column names of CSV results, in order. With names, the codec decodes an object for each row; without, an array of
   * fields. Results in JSON carry their own names and ignore this option.
   */
  readonly columns?: ReadonlyArray<string>
}

export interface SelectedRows<A> extends Omit<SelectObjectContentResult, 'records'> {
  /**
   * The rows in order; can be read once. Ends only after COS has sent `End`; fails with a `CosException` otherwise. The
   * request is closed when the reader stops. Read it, or call `return()`.
   */
  readonly rows: CancelableIterator<A>
}

type SelectRecords = Pick<SelectObjectContentResult, 'records' | 'layout' | 'context' | 'requestId'>

const rowErrorOf =
  ({ context, requestId }: SelectRecords) =>
  (...problems: ReadonlyArray<string>): CosException =>
    new CosException({ _tag: 'DecodeError', context, status: 200, problems, requestId })

const missingPackage = ({ context }: SelectRecords, cause: unknown): CosError => ({
  _tag: 'MissingPackage',
  context,
  name: 'csv-parse',
  purpose: 'read rows of CSV',
  cause
})

async function* rawRows(
  selected: SelectRecords,
  loadCsvReader: typeof csvReader
): AsyncGenerator<RawRow, void, undefined> {
  const { records, layout } = selected
  const fail = rowErrorOf(selected)
  if (layout.csv === undefined) {
    yield* readJsonRows({ delimiter: layout.json.recordDelimiter, fail })(records)
    return
  }
  const read: E.Either<unknown, CsvReader> = await loadCsvReader()()
  if (E.isLeft(read)) throw new CosException(missingPackage(selected, read.left))
  yield* readCsvRows({ read: read.right, layout: layout.csv, fail })(records)
}

const isFields = (value: unknown): value is ReadonlyArray<unknown> => Array.isArray(value)

/** The fields of a CSV row as an object with the column names. */
const withColumnNames = (
  { number, value }: RawRow,
  columns: ReadonlyArray<string>,
  fail: (problem: string) => Error
): unknown => {
  if (!isFields(value)) return value
  if (value.length > columns.length)
    throw fail(`row ${String(number)}: ${String(value.length)} fields for ${String(columns.length)} columns`)
  return Object.fromEntries(value.map((field, at) => [columns[at] ?? '', field]))
}

async function* decodeRows<A>(
  codec: t.Decoder<unknown, A>,
  { columns }: SelectRowsOptions,
  selected: SelectRecords,
  loadCsvReader: typeof csvReader
): AsyncGenerator<A, void, undefined> {
  const fail = rowErrorOf(selected)
  const isCsv = selected.layout.csv !== undefined
  try {
    for await (const row of rawRows(selected, loadCsvReader)) {
      const value = isCsv && columns !== undefined ? withColumnNames(row, columns, fail) : row.value
      const result = decodeWith(codec)(value)
      if (E.isLeft(result))
        throw fail(...result.left.map((problem) => `row ${String(row.number)}: ${problem}`))
      yield result.right
    }
  } finally {
    // Also if no row was ever read: `records` would otherwise keep its connection.
    selected.records.destroy()
  }
}

/** `selectRows` with a replaceable loader of `csv-parse`. */
export const selectRowsWith =
  (loadCsvReader: typeof csvReader) =>
  <A>(codec: t.Decoder<unknown, A>, options: SelectRowsOptions = {}) =>
  (selected: SelectObjectContentResult): SelectedRows<A> => {
    const { records, ...rest } = selected
    const controller = new AbortController()
    controller.signal.addEventListener('abort', () => {
      // The reader has stopped: without a listener, the error would end the process.
      records.on('error', () => undefined).destroy(readerCancelled)
    })
    return { ...rest, rows: cancelable(controller, decodeRows(codec, options, selected, loadCsvReader)) }
  }

/**
 * Reads Select results as rows.
 *
 * A JSON row is its parsed value. Integers beyond 2^53 become `bigint`, fractions the nearest double (`CAST(x AS STRING)`
 * keeps their digits), and a number such as `1e400` fails its row. A CSV row is an array of strings, or an object if
 * `columns` is given. CSV needs the optional peer dependency `csv-parse`.
 *
 * @shape  `selectRows(codec)(result)` returns the result with `rows` in place of `records`
 * @units  a row is at most 1 MiB; holds the rows of one chunk; reads no further than its consumer
 * @errors of `rows`, as a `CosException`: those of `records`; `DecodeError` with row number and field if a row does not match
 *         the codec; `MissingPackage`
 * @example pipe(send(selectObjectContent(input)), RTE.map(selectRows(t.type({ id: t.number, name: t.string }))))
 */
export const selectRows: <A>(
  codec: t.Decoder<unknown, A>,
  options?: SelectRowsOptions
) => (selected: SelectObjectContentResult) => SelectedRows<A> = selectRowsWith(csvReader)
