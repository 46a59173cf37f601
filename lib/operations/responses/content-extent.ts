/** Checks that a response has the bytes of the requested range. */
import { pipe } from 'fp-ts/lib/function.js'
import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import * as t from 'io-ts'
import { rangeText, type Range } from '../parameters/range.js'
import { optional, readOnly } from './metadata.js'
import * as W from '../../core/wire.js'

/** Bytes count from 0, and `last` is inclusive; `size` is that of the whole object, in bytes. */
export interface ContentRange {
  readonly first: number
  readonly last: number
  readonly size: O.Option<number>
}

/** Whether the range is the whole object. */
export const coversAll = ({ first, last, size }: ContentRange): boolean =>
  first === 0 && O.isSome(size) && last === size.value - 1

const number = (text: string): number | undefined => O.toUndefined(O.fromEither(W.ByteCount.decode(text)))

/** `bytes 0-6/16`, or `bytes 0-6/*` if the size is unknown. */
export const ContentRangeText: t.Type<ContentRange, string, unknown> = readOnly(
  'bytes first-last/size',
  (text) => {
    const [, from, to, of] = /^bytes (\d+)-(\d+)\/(\d+|\*)$/.exec(text.trim()) ?? []
    if (from === undefined || to === undefined || of === undefined) return undefined
    const [first, last, size] = [number(from), number(to), of === '*' ? Infinity : number(of)]
    if (first === undefined || last === undefined || size === undefined) return undefined
    if (last < first || last >= size) return undefined
    return { first, last, size: of === '*' ? O.none : O.some(size) }
  }
)

/** The part of an object that a body has. */
export interface ContentExtent {
  /** Of the whole object, in bytes; none if the response does not have it. */
  readonly size: O.Option<number>
  /** Of the body, in bytes; none if the response does not have it. */
  readonly contentLength: O.Option<number>
  /** None: the body is the whole object. */
  readonly contentRange: O.Option<ContentRange>
}

export const ContentExtentHeaders = t.type({
  'content-length': optional(W.ByteCount),
  'content-range': optional(ContentRangeText)
})

/** First and last byte of the range in an object of `size` bytes; none if it is beyond the object. */
const boundsIn = (range: Range, size: number): O.Option<readonly [first: number, last: number]> => {
  const first = range.suffix === undefined ? range.first : Math.max(0, size - range.suffix)
  const last = Math.min(range.last ?? Infinity, size - 1)
  return first > last ? O.none : O.some([first, last])
}

/** Whether the range of a response is the requested one, as far as the response has the size of the object. */
const isRequested = (range: Range, { first, last, size }: ContentRange): boolean => {
  if (O.isSome(size)) {
    const at = boundsIn(range, size.value)
    return O.isSome(at) && at.value[0] === first && at.value[1] === last
  }
  // Of an unknown size: the requested bytes, or fewer if the object may end before.
  if (range.suffix !== undefined) return last - first < range.suffix
  return first === range.first && last <= (range.last ?? Infinity)
}

/**
 * Reads the part of the object that a body has, and compares it with the requested range.
 *
 * A server may respond to a range with the whole object and status 200. That is accepted if the range covers the whole
 * object, and is an error otherwise: bytes from another position are worse than none.
 *
 * @shape `requested`: none for the whole object; `Left` of the problem, in words
 */
export const contentExtentOf = (
  status: number,
  headers: t.TypeOf<typeof ContentExtentHeaders>,
  requested: O.Option<Range>
): E.Either<string, ContentExtent> => {
  const contentLength = headers['content-length']
  const contentRange = headers['content-range']
  const wanted = pipe(
    requested,
    O.match(() => 'the whole object', rangeText)
  )

  if (status === 200) {
    const whole = pipe(
      requested,
      O.match(
        () => true,
        (range) =>
          O.isSome(contentLength) &&
          pipe(
            boundsIn(range, contentLength.value),
            O.exists(([first, last]) => first === 0 && last === contentLength.value - 1)
          )
      )
    )
    return whole
      ? E.right({ size: contentLength, contentLength, contentRange: O.none })
      : E.left(`status 206 for ${wanted} expected, 200 with the whole object came`)
  }
  if (status !== 206) return E.left(`status 200 or 206 expected, ${String(status)} came`)
  if (O.isNone(contentRange)) return E.left('status 206 came without a content-range')
  const { first, last, size } = contentRange.value
  const length = last - first + 1
  if (O.isSome(contentLength) && contentLength.value !== length)
    return E.left(
      `content-range is of ${String(length)} bytes, content-length of ${String(contentLength.value)}`
    )
  const fits = pipe(
    requested,
    O.match(
      () => coversAll(contentRange.value),
      (range) => isRequested(range, contentRange.value)
    )
  )
  return fits
    ? E.right({ size, contentLength: O.some(length), contentRange })
    : E.left(`${wanted} expected, bytes ${String(first)}-${String(last)} came`)
}
