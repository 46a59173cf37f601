/** If-Match and its kin, and Range. */
import * as E from 'fp-ts/lib/Either.js'
import { type ServiceError, fail } from '../../http/service-error.js'

type Headers = Readonly<Record<string, string>>

export interface Validators {
  /** Quotes included. */
  readonly etag: string
  /** Milliseconds of Unix time. */
  readonly modified: number
}

const bare = (etag: string): string =>
  etag
    .trim()
    .replace(/^W\//, '')
    .replace(/^"(.*)"$/, '$1')
const names = (list: string, etag: string): boolean =>
  list.trim() === '*' || list.split(',').some((item) => bare(item) === bare(etag))

/** A date that can not be read is no condition, as HTTP has it. Headers count whole seconds. */
const after = (text: string | undefined, modified: number): boolean | undefined => {
  const date = Date.parse(text ?? '')
  return Number.isNaN(date) ? undefined : Math.floor(modified / 1000) * 1000 > date
}

export type Verdict = 'Go' | 'NotModified' | 'Failed'

/**
 * Judges the four conditions, in the order that HTTP gives them: the dates count only where their ETags are silent.
 *
 * @source https://www.rfc-editor.org/rfc/rfc9110#name-precedence-of-preconditions
 */
export const checkConditions = (
  headers: Headers,
  prefix: string,
  { etag, modified }: Validators
): Verdict => {
  const ifMatch = headers[`${prefix}if-match`]
  const ifNoneMatch = headers[`${prefix}if-none-match`]
  if (ifMatch !== undefined) {
    if (!names(ifMatch, etag)) return 'Failed'
  } else if (after(headers[`${prefix}if-unmodified-since`], modified) === true) return 'Failed'
  if (ifNoneMatch !== undefined) return names(ifNoneMatch, etag) ? 'NotModified' : 'Go'
  return after(headers[`${prefix}if-modified-since`], modified) === false ? 'NotModified' : 'Go'
}

export interface Range {
  readonly first: number
  readonly size: number
}

const asRange = (first: number, last: number, size: number): E.Either<ServiceError, Range> =>
  first < size && first <= last
    ? E.right({ first, size: Math.min(last, size - 1) - first + 1 })
    : fail('InvalidRange', undefined, { 'content-range': `bytes */${String(size)}` })

/**
 * Reads a Range header against a size.
 *
 * @shape  nothing where there is none, or one that is to be ignored: several ranges, or no range at all
 * @errors `InvalidRange` where it lies beyond the end, as any does of an empty object
 */
export const readRange = (
  header: string | undefined,
  size: number
): E.Either<ServiceError, Range | undefined> => {
  const [, first, last] = /^\s*bytes\s*=\s*(\d{0,15})\s*-\s*(\d{0,15})\s*$/i.exec(header ?? '') ?? []
  if (first === undefined || last === undefined || (first === '' && last === '')) return E.right(undefined)
  if (first === '')
    return Number(last) === 0 ? asRange(1, 0, size) : asRange(Math.max(0, size - Number(last)), size, size)
  if (last !== '' && Number(last) < Number(first)) return E.right(undefined)
  return asRange(Number(first), last === '' ? size : Number(last), size)
}

/** A copy's range is `bytes=first-last`, both given, within the source. */
export const readCopyRange = (
  header: string | undefined,
  size: number
): E.Either<ServiceError, Range | undefined> => {
  if (header === undefined) return E.right(undefined)
  const [, first, last] = /^bytes=(\d{1,15})-(\d{1,15})$/.exec(header) ?? []
  if (first === undefined || last === undefined || Number(last) < Number(first))
    return fail('InvalidArgument', 'x-cos-copy-source-range should be bytes=first-last.')
  return Number(last) < size ? asRange(Number(first), Number(last), size) : fail('InvalidRange')
}
