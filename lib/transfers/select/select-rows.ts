/** A Select's results as rows, each decoded by a codec. */
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
   * Of results in CSV, what the columns are called, in their order: the codec then sees an object, and else a list.
   * Results in JSON have names of their own.
   */
  readonly columns?: ReadonlyArray<string>
}

export interface SelectedRows<A> extends Omit<SelectObjectContentResult, 'records'> {
  /**
   * The rows in order, once; the request is closed when its reader leaves. It ends only where COS said `End`, and fails
   * with a `CosException` otherwise. Read it, or `return()` it.
   */
  readonly rows: CancelableIterator<A>
}

type Selected = Pick<SelectObjectContentResult, 'records' | 'layout' | 'context' | 'requestId'>

const failedRows =
  ({ context, requestId }: Selected) =>
  (...problems: ReadonlyArray<string>): CosException =>
    new CosException({ _tag: 'DecodeError', context, status: 200, problems, requestId })

const missing = ({ context }: Selected, cause: unknown): CosError => ({
  _tag: 'MissingPackage',
  context,
  name: 'csv-parse',
  purpose: 'read rows of CSV',
  cause
})

async function* rawRows(
  selected: Selected,
  library: typeof csvReader
): AsyncGenerator<RawRow, void, undefined> {
  const { records, layout } = selected
  const fail = failedRows(selected)
  if (layout.csv === undefined) {
    yield* readJsonRows({ delimiter: layout.json.recordDelimiter, fail })(records)
    return
  }
  const read: E.Either<unknown, CsvReader> = await library()()
  if (E.isLeft(read)) throw new CosException(missing(selected, read.left))
  yield* readCsvRows({ read: read.right, layout: layout.csv, fail })(records)
}

const isFields = (value: unknown): value is ReadonlyArray<unknown> => Array.isArray(value)

/** The fields of a CSV's row under the names of its columns. */
const named = (
  { number, value }: RawRow,
  columns: ReadonlyArray<string>,
  fail: (problem: string) => Error
): unknown => {
  if (!isFields(value)) return value
  if (value.length > columns.length)
    throw fail(`row ${String(number)}: ${String(value.length)} fields for ${String(columns.length)} columns`)
  return Object.fromEntries(value.map((field, at) => [columns[at] ?? '', field]))
}

async function* decodeRow<A>(
  codec: t.Decoder<unknown, A>,
  { columns }: SelectRowsOptions,
  selected: Selected,
  library: typeof csvReader
): AsyncGenerator<A, void, undefined> {
  const fail = failedRows(selected)
  const isCsv = selected.layout.csv !== undefined
  try {
    for await (const row of rawRows(selected, library)) {
      const value = isCsv && columns !== undefined ? named(row, columns, fail) : row.value
      const result = decodeWith(codec)(value)
      if (E.isLeft(result))
        throw fail(...result.left.map((problem) => `row ${String(row.number)}: ${problem}`))
      yield result.right
    }
  } finally {
    // Also where not a byte of it was read.
    selected.records.destroy()
  }
}

/** `selectRows`, with another way to its library. */
export const selectRowsWith =
  (library: typeof csvReader) =>
  <A>(codec: t.Decoder<unknown, A>, options: SelectRowsOptions = {}) =>
  (selected: SelectObjectContentResult): SelectedRows<A> => {
    const { records, ...rest } = selected
    const stop = new AbortController()
    stop.signal.addEventListener('abort', () => {
      // Whoever left hears no more of it.
      records.on('error', () => undefined).destroy(readerCancelled)
    })
    return { ...rest, rows: cancelable(stop, decodeRow(codec, options, selected, library)) }
  }

/**
 * Reads a Select's results as rows.
 *
 * A row of JSON is what its JSON says, whole numbers past 2^53 being `bigint`s; a row of CSV is a list of texts, or an
 * object where `columns` names them. CSV is read by the package `csv-parse`, which is to be installed for it.
 *
 * @shape  `selectRows(codec)(result)` -> the result with `rows` in place of `records`
 * @units  a row of at most 1 MiB; one chunk's rows are held, and no more are read than are wanted
 * @errors of `rows`, as `CosException`: those of `records`; `DecodeError` that names the row and the field, where one is
 *         not what the codec says; `MissingPackage`
 * @example pipe(send(selectObjectContent(input)), RTE.map(selectRows(t.type({ id: t.number, name: t.string }))))
 */
export const selectRows: <A>(
  codec: t.Decoder<unknown, A>,
  options?: SelectRowsOptions
) => (selected: SelectObjectContentResult) => SelectedRows<A> = selectRowsWith(csvReader)
