/** The range of a read, and the response headers to override. */
import * as O from 'fp-ts/lib/Option.js'
import type { InputProblem } from '../../core/error.js'
import * as In from '../../core/input.js'
import { conflict } from '../../core/problem.js'
import * as W from '../../core/wire.js'
import { crossChecked, choose, firstOf, textOr } from './validation.js'
import type { HeaderValues } from './metadata.js'

/** Bytes count from 0, `last` is inclusive, and `suffix` is a number of bytes before the end. */
export type Range =
  | { readonly first: number; readonly last?: number; readonly suffix?: never }
  | { readonly suffix: number; readonly first?: never; readonly last?: never }

/** Bytes count from 0, and `last` is inclusive. */
export interface ClosedRange {
  readonly first: number
  readonly last: number
}

interface FromFirst {
  readonly first: number
  readonly last?: number
}

const inOrder = ({ first, last }: FromFirst): O.Option<InputProblem> =>
  last !== undefined && last < first
    ? O.some(conflict('last', `must be at least first, which is ${String(first)}`))
    : O.none

const ByteOffset = In.bytes(0)

const FromFirst = crossChecked<FromFirst>(
  In.struct<FromFirst>('a range, { first, last }', {
    first: ByteOffset,
    last: In.optional(ByteOffset)
  }),
  inOrder
)

export const ClosedRange = crossChecked<ClosedRange>(
  In.struct<ClosedRange>('a range, { first, last }', { first: ByteOffset, last: ByteOffset }),
  inOrder
)

const Suffix = In.struct<{ readonly suffix: number }>('a range, { suffix }', { suffix: In.bytes(1) })

export const Range = choose<Range>(
  'a range, { first, last } or { suffix }',
  firstOf<Range>({ suffix: Suffix, first: FromFirst, last: FromFirst })
)

export const rangeText = (range: Range): string =>
  range.suffix === undefined
    ? `bytes=${String(range.first)}-${range.last === undefined ? '' : String(range.last)}`
    : `bytes=-${String(range.suffix)}`

/** Overrides headers of the response; COS accepts them in signed requests only. */
export interface ResponseOverrides {
  readonly responseCacheControl?: string
  readonly responseContentDisposition?: string
  readonly responseContentEncoding?: string
  readonly responseContentLanguage?: string
  readonly responseContentType?: string
  /** A date, or text. */
  readonly responseExpires?: Date | string
}

const Value = In.refined(
  In.text,
  'a string without line breaks and lone surrogates',
  (text) => !/\p{Surrogate}|[\r\n\0]/u.test(text)
)

const ExpiresValue = textOr(Value, In.date)

/** Fields for an input's codec. */
export const responseOverrides: In.FieldsOf<ResponseOverrides> = {
  responseCacheControl: In.optional(Value),
  responseContentDisposition: In.optional(Value),
  responseContentEncoding: In.optional(Value),
  responseContentLanguage: In.optional(Value),
  responseContentType: In.optional(Value),
  responseExpires: In.optional(ExpiresValue)
}

export const overridesQuery = (input: ResponseOverrides): HeaderValues => ({
  'response-cache-control': input.responseCacheControl,
  'response-content-disposition': input.responseContentDisposition,
  'response-content-encoding': input.responseContentEncoding,
  'response-content-language': input.responseContentLanguage,
  'response-content-type': input.responseContentType,
  'response-expires':
    input.responseExpires instanceof Date ? W.HttpDate.encode(input.responseExpires) : input.responseExpires
})
