/**
 * Reads an XML row into a typed record: one call a field, in an object literal of the record.
 *
 * A field that cannot be read adds a problem and returns a placeholder, so that one row reports all of its problems;
 * `readRow` returns the record only if there is none. A page has a thousand rows of ten fields: a whole page took 33 us
 * a row by `t.type`, which makes a context for the errors of each field, and takes 17 by these functions, of which the
 * XML parser takes 9 (Node 20.20).
 */
import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import type * as t from 'io-ts'
import { childOf, textOf, type Element } from '../../core/element.js'
import { problems } from '../../core/problem.js'
import * as W from '../../core/wire.js'
import type { StorageClass } from '../parameters/storage.js'
import { Text, TextOrEmpty } from './metadata.js'

export type Problems = ReadonlyArray<string>

/** An element whose children are read as fields. */
export interface Row {
  readonly element: Element
  /** Decodes keys, prefixes and markers. */
  readonly decodeText: (text: string) => string
  /** Problems found so far. */
  readonly errors: Array<t.ValidationError>
}

/** Reads an element with `read`, which calls the functions below. Problems are named `Contents.Size`. */
export const readRow = <A>(
  element: Element,
  decodeText: (text: string) => string,
  read: (row: Row) => A
): E.Either<Problems, A> => {
  const row: Row = { element, decodeText, errors: [] }
  const record = read(row)
  return row.errors.length === 0 ? E.right(record) : E.left(problems(row.errors))
}

const fail = <A>(row: Row, name: string, codec: t.Decoder<unknown, unknown>, placeholder: A): A => {
  const actual = textOf(row.element, name)
  const context = [row.element.name, name].map((key) => ({ key, type: codec, actual }))
  row.errors.push({ value: actual, context, message: codec.name })
  return placeholder
}

const noContext: t.Context = []

const required = <A>(row: Row, name: string, codec: t.Decoder<unknown, A>, placeholder: A): A => {
  const value = codec.validate(textOf(row.element, name), noContext)
  return E.isRight(value) ? value.right : fail(row, name, codec, placeholder)
}

// -- text --
export const text = (row: Row, name: string): string =>
  textOf(row.element, name) ?? fail(row, name, TextOrEmpty, '')

export const nonEmptyText = (row: Row, name: string): string => required(row, name, Text, '')

/** Empty if missing. */
export const textOrEmpty = (row: Row, name: string): string => textOf(row.element, name) ?? ''

/** None if missing or empty. */
export const optionalText = (row: Row, name: string): O.Option<string> => {
  const value = textOf(row.element, name)
  return value === undefined || value === '' ? O.none : O.some(value)
}

/** Text that `encoding-type=url` percent-encodes. */
export const encodedText = (row: Row, name: string): string => row.decodeText(text(row, name))

export const encodedTextOrEmpty = (row: Row, name: string): string => row.decodeText(textOrEmpty(row, name))

export const optionalEncodedText = (row: Row, name: string): O.Option<string> =>
  O.map(row.decodeText)(optionalText(row, name))

// -- numbers, booleans, dates --
export const count = (row: Row, name: string): number => required(row, name, W.ByteCount, 0)

/** None if missing or not a number: not worth failing a page for. */
export const optionalCount = (row: Row, name: string): O.Option<number> =>
  O.fromEither(W.ByteCount.validate(textOf(row.element, name), noContext))

export const flag = (row: Row, name: string): boolean => required(row, name, W.Bool, false)

const epoch = new Date(0)

export const timestamp = (row: Row, name: string): Date => required(row, name, W.Timestamp, epoch)

/** None if missing or of an unknown form. */
export const optionalTimestamp = (row: Row, name: string): O.Option<Date> =>
  O.fromEither(W.Timestamp.validate(textOf(row.element, name), noContext))

// -- elements with a meaning --
/** Upper case, as COS writes it everywhere but in lists of uploads. `STANDARD` if missing or empty. */
export const storageClass = (row: Row): StorageClass =>
  textOf(row.element, 'StorageClass')?.toUpperCase() || 'STANDARD'

export interface Owner {
  readonly id: string
  readonly displayName: string
}

/** None if missing, empty, or of another form: not worth failing a page for. */
export const owner = (row: Row, name: string): O.Option<Owner> => {
  const element = childOf(row.element, name)
  if (element === undefined) return O.none
  const id = textOf(element, 'ID')
  return id === undefined ? O.none : O.some({ id, displayName: textOf(element, 'DisplayName') || id })
}
