/** Whether the bytes that came are the bytes that were asked for. */
import { pipe } from 'fp-ts/lib/function.js'
import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import * as t from 'io-ts'
import { rangeText, type Range } from '../parameters/range.js'
import { maybe, readOnly } from './metadata.js'
import * as W from '../../core/wire.js'

/** Bytes count from 0, and `last` is one of them; `size` is the whole object's, in bytes. */
export interface ContentRange {
  readonly first: number
  readonly last: number
  readonly size: O.Option<number>
}

/** Whether the range is the whole object after all. */
export const coversAll = ({ first, last, size }: ContentRange): boolean =>
  first === 0 && O.isSome(size) && last === size.value - 1

const number = (text: string): number | undefined => O.toUndefined(O.fromEither(W.ByteCount.decode(text)))

/** `bytes 0-6/16`, or `bytes 0-6/*` where the size is not known. */
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

/** What a body is of its object. */
export interface ContentExtent {
  /** Of the whole object, in bytes; none where the answer did not say. */
  readonly size: O.Option<number>
  /** Of the body, in bytes; none where the answer did not say. */
  readonly contentLength: O.Option<number>
  /** None: the body is the whole object. */
  readonly contentRange: O.Option<ContentRange>
}

export const ContentExtentHeaders = t.type({
  'content-length': maybe(W.ByteCount),
  'content-range': maybe(ContentRangeText)
})

/** Where the range lies in an object of `size` bytes; none where it lies outside. */
const placed = (range: Range, size: number): O.Option<readonly [first: number, last: number]> => {
  const first = range.suffix === undefined ? range.first : Math.max(0, size - range.suffix)
  const last = Math.min(range.last ?? Infinity, size - 1)
  return first > last ? O.none : O.some([first, last])
}

/** Whether an answer's range is the one that was asked for, as far as the answer says how large the object is. */
const isAsked = (range: Range, { first, last, size }: ContentRange): boolean => {
  if (O.isSome(size)) {
    const at = placed(range, size.value)
    return O.isSome(at) && at.value[0] === first && at.value[1] === last
  }
  // Of an unknown size: the bytes asked for, or fewer where the object may have ended.
  if (range.suffix !== undefined) return last - first < range.suffix
  return first === range.first && last <= (range.last ?? Infinity)
}

/**
 * Reads what a body is of its object, and holds it against what was asked.
 *
 * A server may answer a range with the whole object and status 200. That is let pass where the whole is what the range
 * comes to, and is an error otherwise: bytes from the wrong place are worse than none.
 *
 * @shape `asked`: none where no range was asked for; `Left` of what is wrong, in words
 */
export const contentExtentOf = (
  status: number,
  headers: t.TypeOf<typeof ContentExtentHeaders>,
  asked: O.Option<Range>
): E.Either<string, ContentExtent> => {
  const contentLength = headers['content-length']
  const contentRange = headers['content-range']
  const wanted = pipe(
    asked,
    O.match(() => 'the whole object', rangeText)
  )

  if (status === 200) {
    const whole = pipe(
      asked,
      O.match(
        () => true,
        (range) =>
          O.isSome(contentLength) &&
          pipe(
            placed(range, contentLength.value),
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
    asked,
    O.match(
      () => coversAll(contentRange.value),
      (range) => isAsked(range, contentRange.value)
    )
  )
  return fits
    ? E.right({ size, contentLength: O.some(length), contentRange })
    : E.left(`${wanted} expected, bytes ${String(first)}-${String(last)} came`)
}
