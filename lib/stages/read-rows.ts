/** From the bytes of a Select's results to its rows, as they come; whatever chunks the bytes came in. */
import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import type { CsvReader } from '../core/csv-records.js'
import { parseJson, jsonReader } from '../core/json-records.js'
import { maxRecord, type RecordFold, type RecordProblem } from '../core/records.js'

/** One record of the results. */
export interface RawRow {
  /** From 1. */
  readonly number: number
  /** What its JSON says; of a CSV its fields, as a list. */
  readonly value: unknown
}

const failedRows = (fail: (problem: string) => Error, number: number, problem: RecordProblem): Error =>
  fail(`row ${String(number)}: ${problem.message}`)

/**
 * Reads rows with a fold.
 *
 * A row is given once another begins or the stream has ended well: the last that a reader sees is the last there is,
 * and where the stream breaks off no one took a row for it.
 *
 * @shape  one row for each record, in order; closing it closes its source
 * @units  holds one chunk's rows
 * @errors what `fail` makes of a record that can not be read, its number named; those of its source, untouched
 */
async function* rowsOf<A>(
  folding: RecordFold<A>,
  valueOf: (record: A) => O.Option<unknown>,
  fail: (problem: string) => Error,
  bytes: AsyncIterable<Uint8Array>
): AsyncGenerator<RawRow, void, undefined> {
  let number = 0
  let held: RawRow | undefined
  const given = (read: E.Either<RecordProblem, ReadonlyArray<A>>): ReadonlyArray<A> => {
    if (E.isLeft(read)) throw failedRows(fail, number + 1, read.left)
    return read.right
  }
  function* next(records: ReadonlyArray<A>): Generator<RawRow, void, undefined> {
    for (const record of records) {
      if (held !== undefined) yield held
      held = undefined
      number += 1
      const value = valueOf(record)
      if (O.isNone(value))
        throw fail(`row ${String(number)}: not JSON, or a number beyond the range of a double`)
      held = { number, value: value.value }
    }
  }
  for await (const chunk of bytes) {
    yield* next(given(folding.step(chunk)))
    // An error after the last row is reported on the next step, and the next chunk may be long in coming.
    given(folding.step(new Uint8Array()))
  }
  yield* next(given(await folding.finish()))
  given(await folding.finish())
  if (held !== undefined) yield held
}

export interface ReadRowsOptions {
  /** In words, why a record can not be read -> what is thrown. */
  readonly fail: (problem: string) => Error
}

/** @shape `bytes -> readingJsonRows(options)`; a whole number that a double can not hold is a `bigint` */
export const readJsonRows =
  ({ delimiter = '\n', fail }: ReadRowsOptions & { readonly delimiter?: string | undefined }) =>
  (bytes: AsyncIterable<Uint8Array>): AsyncGenerator<RawRow, void, undefined> =>
    rowsOf(jsonReader({ delimiter, limit: maxRecord }), parseJson, fail, bytes)

/** @shape `bytes -> readingCsvRows(options)`; each row is the list of its fields, all of them text */
export const readCsvRows =
  ({
    read,
    layout,
    fail
  }: ReadRowsOptions & {
    readonly read: CsvReader
    readonly layout: Omit<Parameters<CsvReader>[0], 'limit'>
  }) =>
  (bytes: AsyncIterable<Uint8Array>): AsyncGenerator<RawRow, void, undefined> =>
    rowsOf(read({ ...layout, limit: maxRecord }), O.some, fail, bytes)
