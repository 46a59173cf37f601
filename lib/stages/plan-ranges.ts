/** Splits an object into the ranges to request. */

/** Bytes `first` to `last` of an object, both included, as in `Range: bytes=first-last`. */
export interface PartRange {
  /** From 1. */
  readonly number: number
  readonly first: number
  readonly last: number
  /** In bytes; never 0. */
  readonly size: number
}

/**
 * Splits the bytes from `from` up to, and without, `to` into ranges of `partSize`; the last range has the rest. Ranges are
 * created while they are iterated: an object may have fifty million of them.
 *
 * @shape  can be iterated any number of times; no ranges for zero bytes
 * @units  bytes
 * @example [...planRanges({ to: 10, partSize: 4 })].map(({ first, last }) => [first, last]) // [[0, 3], [4, 7], [8, 9]]
 */
export const planRanges = (input: {
  readonly from?: number
  readonly to: number
  readonly partSize: number
}): Iterable<PartRange> => ({ [Symbol.iterator]: () => ranges(input.from ?? 0, input.to, input.partSize) })

function* ranges(from: number, to: number, partSize: number): Generator<PartRange, void, undefined> {
  for (let number = 1, first = from; first < to; number += 1, first += partSize) {
    const size = Math.min(partSize, to - first)
    yield { number, first, last: first + size - 1, size }
  }
}
