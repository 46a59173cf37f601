/** From the bytes of a Select's results to its rows, for chunks of any size. */
import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import type { CsvReader } from '../core/csv-records.js'
import { parseJson, jsonReader } from '../core/json-records.js'
import { maxRecord, type RecordFold, type RecordProblem } from '../core/records.js'

/** One record of the results. */
export interface RawRow {
  /** From 1. */
  readonly number: number
  /** The parsed JSON; for CSV the list of fields. */
  readonly value: unknown
}

/**
 * Reads rows with a fold.
 *
 * A row is yielded when the next row starts or the stream has ended without an error. So if the stream breaks off, the row
 * that may be incomplete is never yielded.
 *
 * @shape  one row for each record, in order; closing the generator closes its source
 * @units  holds the rows of one chunk
 * @errors the error that `fail` makes of a record that cannot be read, with its number; those of its source, unchanged
 */
async function* rowsOf<A>(
  fold: RecordFold<A>,
  valueOf: (record: A) => O.Option<unknown>,
  fail: (problem: string) => Error,
  bytes: AsyncIterable<Uint8Array>
): AsyncGenerator<RawRow, void, undefined> {
  let number = 0
  let held: RawRow | undefined
  const orThrow = (read: E.Either<RecordProblem, ReadonlyArray<A>>): ReadonlyArray<A> => {
    if (E.isLeft(read)) throw fail(`row ${String(number + 1)}: ${read.left.message}`)
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
    yield* next(orThrow(fold.step(chunk)))
    // An error after the last row is reported by the next step; the next chunk may take long to arrive.
    orThrow(fold.step(new Uint8Array()))
  }
  yield* next(orThrow(await fold.finish()))
  orThrow(await fold.finish())
  if (held !== undefined) yield held
}

export interface ReadRowsOptions {
  /** Makes the error to throw from the text of a problem. */
  readonly fail: (problem: string) => Error
}

/** @shape `readJsonRows(options)(bytes)`; an integer that a double cannot hold is a `bigint` */
export const readJsonRows =
  ({ delimiter = '\n', fail }: ReadRowsOptions & { readonly delimiter?: string | undefined }) =>
  (bytes: AsyncIterable<Uint8Array>): AsyncGenerator<RawRow, void, undefined> =>
    rowsOf(jsonReader({ delimiter, limit: maxRecord }), parseJson, fail, bytes)

/** @shape `readCsvRows(options)(bytes)`; each row is the list of its fields, all of them text */
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
