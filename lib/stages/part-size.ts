/** How large each part is, so that 10,000 of them suffice. */
import { pipe } from 'fp-ts/lib/function.js'
import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import type { InputProblem } from '../core/error.js'
import * as In from '../core/input.js'
import { GiB, MiB } from '../core/limits.js'

/** COS's limits: part sizes in bytes. Only a last part may be smaller than the smallest. */
export const smallestPart = MiB
export const largestPart = 5 * GiB
export const mostParts = 10_000
/** 48.82 TB, in bytes. */
export const largestObject = mostParts * largestPart

/** From part `from` on, until another step says otherwise, a part has `size` bytes. */
export interface Step {
  readonly from: number
  readonly size: number
}

/** The size of every part as a value: its first step is from part 1, and `from` rises. */
export type PartSizes = readonly [Step, ...ReadonlyArray<Step>]

/** Codec of a part's size, in bytes: of the option of every transfer, and of the functions below. */
export const PartBytes = In.bytes(smallestPart, largestPart)

const ObjectBytes = In.guarded(
  `at most 48.82 TB, in bytes (0 to ${String(largestObject)})`,
  In.integer(0, largestObject).is
)

const roundUp = (bytes: number, to: number): number => Math.ceil(bytes / to) * to

/** Parts that all have one size. */
export const constant = (size: number): PartSizes => [{ from: 1, size }]

/**
 * The part size for an object whose size is known: what was requested, or the next MiB at which 10,000 parts suffice.
 *
 * @units  bytes
 * @errors a part size outside of 1 MiB to 5 GiB, a size above 48.82 TB
 * @source https://cloud.tencent.com/document/product/436/14518
 * @example forSize({ size: 200 * GiB, partSize: 8 * MiB }) // right(21 * MiB)
 */
export const forSize = (asked: {
  readonly size: number
  readonly partSize: number
}): E.Either<InputProblem, number> => {
  return pipe(
    E.Do,
    E.apS('partSize', In.check('partSize', PartBytes)(asked.partSize)),
    E.apS('size', In.check('size', ObjectBytes)(asked.size)),
    E.map(({ size, partSize }) =>
      size <= partSize * mostParts ? partSize : roundUp(Math.ceil(size / mostParts), MiB)
    )
  )
}

const strides = 10
const stride = mostParts / strides

/**
 * Part sizes for a stream whose length nobody knows: the base, doubled after every 1000 parts, up to `most`. Doubling
 * late wastes nothing on short streams; doubling at all makes the last thousand parts carry as much as all before them.
 *
 * From 1 MiB they carry 999 GiB, from 8 MiB 7.80 TiB, from 64 MiB 22.4 TiB. But a part must fit in memory: `most` is
 * what the budget can grant. From 8 MiB and never above 64 MiB they carry 492 GiB.
 *
 * @units  bytes
 * @errors a base outside of 1 MiB to 5 GiB
 */
export const growing = (asked: {
  readonly partSize: number
  readonly most?: number
}): E.Either<InputProblem, PartSizes> => {
  const { partSize, most = largestPart } = asked
  const checked = In.check('partSize', PartBytes)(partSize)
  if (E.isLeft(checked)) return checked
  const cap = Math.max(partSize, Math.min(most, largestPart))
  const doublings = Array.from({ length: strides - 1 }, (_, n) => ({
    from: (n + 1) * stride + 1,
    size: Math.min(partSize * 2 ** (n + 1), cap)
  }))
  return E.right([{ from: 1, size: partSize }, ...doublings])
}

/** The size of one part, in bytes; none past the 10,000th, and none before the first. */
export const sizeOfPart =
  (sizes: PartSizes) =>
  (number: number): O.Option<number> =>
    number < 1 || number > mostParts
      ? O.none
      : O.some((sizes.findLast((step) => step.from <= number) ?? sizes[0]).size)

/** How much all 10,000 parts carry, in bytes. */
export const capacityOf = (sizes: PartSizes): number =>
  sizes.reduce((sum, { from, size }, at) => sum + size * ((sizes[at + 1]?.from ?? mostParts + 1) - from), 0)
