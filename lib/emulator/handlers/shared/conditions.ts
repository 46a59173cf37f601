/** Conditional headers (If-Match, If-None-Match, If-Modified-Since, If-Unmodified-Since) and Range. */
import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import { httpTime } from '../../../core/wire.js'
import { type ServiceError, fail } from '../../http/service-error.js'

type Headers = Readonly<Record<string, string>>

export interface Validators {
  /** Quotes included. */
  readonly etag: string
  /** Milliseconds of Unix time. */
  readonly modified: number
}

const unquote = (etag: string): string =>
  etag
    .trim()
    .replace(/^W\//, '')
    .replace(/^"(.*)"$/, '$1')
const includes = (list: string, etag: string): boolean =>
  list.trim() === '*' || list.split(',').some((item) => unquote(item) === unquote(etag))

/** Undefined if the date is absent or invalid: HTTP ignores invalid dates. Compares whole seconds, as headers have them. */
const isModifiedAfter = (text: string | undefined, modified: number): boolean | undefined => {
  const date = O.toUndefined(httpTime(text))
  return date === undefined ? undefined : Math.floor(modified / 1000) * 1000 > date
}

export type ConditionResult = 'Passed' | 'NotModified' | 'Failed'

/**
 * Evaluates the four conditions in HTTP's order: a date counts only if the matching ETag condition is absent.
 *
 * @source https://www.rfc-editor.org/rfc/rfc9110#name-precedence-of-preconditions
 */
export const checkConditions = (
  headers: Headers,
  prefix: string,
  { etag, modified }: Validators
): ConditionResult => {
  const ifMatch = headers[`${prefix}if-match`]
  const ifNoneMatch = headers[`${prefix}if-none-match`]
  if (ifMatch !== undefined) {
    if (!includes(ifMatch, etag)) return 'Failed'
  } else if (isModifiedAfter(headers[`${prefix}if-unmodified-since`], modified) === true) return 'Failed'
  if (ifNoneMatch !== undefined) return includes(ifNoneMatch, etag) ? 'NotModified' : 'Passed'
  return isModifiedAfter(headers[`${prefix}if-modified-since`], modified) === false ? 'NotModified' : 'Passed'
}

export interface Range {
  readonly first: number
  readonly size: number
}

const toRange = (first: number, last: number, size: number): E.Either<ServiceError, Range> =>
  first < size && first <= last
    ? E.right({ first, size: Math.min(last, size - 1) - first + 1 })
    : fail('InvalidRange', undefined, { 'content-range': `bytes */${String(size)}` })

/**
 * Reads a Range header for an object of `size` bytes.
 *
 * @shape  undefined if the header is absent or ignored: several ranges, or not a valid range
 * @errors `InvalidRange` if the range starts beyond the end; every range of an empty object does
 */
export const readRange = (
  header: string | undefined,
  size: number
): E.Either<ServiceError, Range | undefined> => {
  const [, first, last] = /^\s*bytes\s*=\s*(\d{0,15})\s*-\s*(\d{0,15})\s*$/i.exec(header ?? '') ?? []
  if (first === undefined || last === undefined || (first === '' && last === '')) return E.right(undefined)
  if (first === '')
    return Number(last) === 0 ? toRange(1, 0, size) : toRange(Math.max(0, size - Number(last)), size, size)
  if (last !== '' && Number(last) < Number(first)) return E.right(undefined)
  return toRange(Number(first), last === '' ? size : Number(last), size)
}

/** Reads the range of a part copy: `bytes=first-last`, both within the source. */
export const readCopyRange = (
  header: string | undefined,
  size: number
): E.Either<ServiceError, Range | undefined> => {
  // The Python SDK sends an empty header for the whole source.
  if (header === undefined || header === '') return E.right(undefined)
  const [, first, last] = /^bytes=(\d{1,15})-(\d{1,15})$/.exec(header) ?? []
  if (first === undefined || last === undefined || Number(last) < Number(first))
    return fail('InvalidArgument', 'x-cos-copy-source-range must be bytes=first-last.')
  return Number(last) < size ? toRange(Number(first), Number(last), size) : fail('InvalidRange')
}
