/** The sizes of parts, so that 10,000 parts suffice. */
import { pipe } from 'fp-ts/lib/function.js'
import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import type { InputProblem } from '../core/error.js'
import * as In from '../core/input.js'
import { GiB, MiB } from '../core/limits.js'

/** COS's limits: part sizes in bytes. Only the last part may be smaller than `smallestPart`. */
export const smallestPart = MiB
export const largestPart = 5 * GiB
export const maxParts = 10_000
/** 48.82 TB, in bytes. */
export const largestObject = maxParts * largestPart

/** Parts from number `from` up to the next step have `size` bytes. */
export interface Step {
  readonly from: number
  readonly size: number
}

/** The sizes of all parts: the first step starts at part 1, and `from` increases. */
export type PartSizes = readonly [Step, ...ReadonlyArray<Step>]

/** Codec of a part's size, in bytes: of the option of every transfer, and of the functions below. */
export const PartBytes = In.bytes(smallestPart, largestPart)

const ObjectBytes = In.guarded(
  `at most 48.82 TB, in bytes (0 to ${String(largestObject)})`,
  In.integer(0, largestObject).is
)

const roundUp = (bytes: number, to: number): number => Math.ceil(bytes / to) * to

/** Parts that all have one size. */
export const ofOneSize = (size: number): PartSizes => [{ from: 1, size }]

/**
 * The part size for an object of known size: `partSize`, or the next whole MiB at which 10,000 parts suffice.
 *
 * @units  bytes
 * @errors a part size outside of 1 MiB to 5 GiB, a size above 48.82 TB
 * @source https://cloud.tencent.com/document/product/436/14518
 * @example forSize({ size: 200 * GiB, partSize: 8 * MiB }) // right(21 * MiB)
 */
export const forSize = (input: {
  readonly size: number
  readonly partSize: number
}): E.Either<InputProblem, number> => {
  return pipe(
    E.Do,
    E.apS('partSize', In.check('partSize', PartBytes)(input.partSize)),
    E.apS('size', In.check('size', ObjectBytes)(input.size)),
    E.map(({ size, partSize }) =>
      size <= partSize * maxParts ? partSize : roundUp(Math.ceil(size / maxParts), MiB)
    )
  )
}

const strides = 10
const stride = maxParts / strides

/**
 * Part sizes for a stream of unknown length: `partSize`, doubled after every 1000 parts, up to `maxPartSize`. Short streams
 * have small parts, and each thousand parts hold as much as all parts before them.
 *
 * From 1 MiB the 10,000 parts hold 999 GiB, from 8 MiB 7.80 TiB, from 64 MiB 22.4 TiB. But a part must fit in memory:
 * `maxPartSize` is the most that the budget can grant. From 8 MiB up to 64 MiB they hold 492 GiB.
 *
 * @units  bytes
 * @errors a `partSize` outside of 1 MiB to 5 GiB
 */
export const forStream = (input: {
  readonly partSize: number
  readonly maxPartSize?: number
}): E.Either<InputProblem, PartSizes> => {
  const { partSize, maxPartSize = largestPart } = input
  const checked = In.check('partSize', PartBytes)(partSize)
  if (E.isLeft(checked)) return checked
  const cap = Math.max(partSize, Math.min(maxPartSize, largestPart))
  const doublings = Array.from({ length: strides - 1 }, (_, n) => ({
    from: (n + 1) * stride + 1,
    size: Math.min(partSize * 2 ** (n + 1), cap)
  }))
  return E.right([{ from: 1, size: partSize }, ...doublings])
}

/** The size of one part, in bytes; none for a number below 1 or above 10,000. */
export const sizeOfPart =
  (sizes: PartSizes) =>
  (number: number): O.Option<number> =>
    number < 1 || number > maxParts
      ? O.none
      : O.some((sizes.findLast((step) => step.from <= number) ?? sizes[0]).size)

/** The size of all 10,000 parts together, in bytes. */
export const capacityOf = (sizes: PartSizes): number =>
  sizes.reduce((sum, { from, size }, at) => sum + size * ((sizes[at + 1]?.from ?? maxParts + 1) - from), 0)
