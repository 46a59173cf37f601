import fc from 'fast-check'
import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import t from 'tap'
import {
  capacityOf,
  ofOneSize,
  forSize,
  forStream,
  largestObject,
  largestPart,
  maxParts,
  sizeOfPart,
  smallestPart,
  type PartSizes
} from '../../lib/stages/part-size.js'

const MiB = 1024 ** 2
const GiB = 1024 ** 3
const TiB = 1024 ** 4

const right = <A>(either: E.Either<{ readonly message: string }, A>): A => {
  if (E.isLeft(either)) throw new Error(either.left.message)
  return either.right
}

t.test('the limits are those of COS', async (t) => {
  // https://cloud.tencent.com/document/product/436/14518: 1 MB to 5 GB a part, 10,000 parts, 48.82 TB an object.
  t.equal(smallestPart, 1_048_576)
  t.equal(largestPart, 5_368_709_120)
  t.equal(maxParts, 10_000)
  t.equal(Math.floor((largestObject / TiB) * 100) / 100, 48.82)
})

// -- known --
t.test('the given part size is kept if 10,000 parts of it suffice', async (t) => {
  t.same(forSize({ size: 0, partSize: MiB }), E.right(MiB))
  t.same(forSize({ size: 10_000 * MiB, partSize: MiB }), E.right(MiB))
  t.same(forSize({ size: 10_000 * MiB + 1, partSize: MiB }), E.right(2 * MiB))
  t.same(forSize({ size: 200 * GiB, partSize: 8 * MiB }), E.right(21 * MiB))
  t.same(forSize({ size: 5 * GiB, partSize: MiB + 1 }), E.right(MiB + 1), 'rounded only when it must grow')
  t.same(forSize({ size: largestObject, partSize: MiB }), E.right(largestPart))
})

t.test('otherwise it is the smallest whole number of MiB that suffices, for any size', async () => {
  const size = fc.oneof(fc.integer({ min: 0, max: largestObject }), fc.integer({ min: 0, max: 100 * GiB }))
  const partSize = fc.oneof(
    fc.integer({ min: smallestPart, max: largestPart }),
    fc.integer({ min: 1, max: 64 }).map((n) => n * MiB)
  )
  fc.assert(
    fc.property(size, partSize, (size, partSize) => {
      const chosen = right(forSize({ size, partSize }))
      const suffices = (bytes: number): boolean => Math.ceil(size / bytes) <= 10_000
      return (
        suffices(chosen) &&
        chosen <= largestPart &&
        (chosen === partSize
          ? suffices(partSize)
          : chosen % MiB === 0 && !suffices(partSize) && (chosen - MiB < partSize || !suffices(chosen - MiB)))
      )
    })
  )
})

t.test('a part size or a size outside of COS’s limits is refused with its field', async (t) => {
  for (const partSize of [0, -1, MiB - 1, 5 * GiB + 1, 1.5 * MiB + 0.5, Number.NaN, Infinity]) {
    t.match(forSize({ size: 1, partSize }), E.left({ field: 'partSize', message: /1 MiB.*5 GiB/ }))
    t.match(forStream({ partSize }), E.left({ field: 'partSize' }))
  }
  for (const size of [-1, 0.5, Number.NaN, Infinity, largestObject + 1]) {
    t.match(forSize({ size, partSize: MiB }), E.left({ field: 'size', message: /48\.82 TB/ }), String(size))
  }
})

// -- unknown --
t.test('for an unknown length parts double every 1000 parts, and hold the documented sizes', async (t) => {
  const sizes = right(forStream({ partSize: 8 * MiB }))
  const at = (number: number): number => O.getOrElse(() => NaN)(sizeOfPart(sizes)(number)) / MiB
  t.same([1, 1000, 1001, 2000, 2001, 9000, 9001, 10_000].map(at), [8, 8, 16, 16, 32, 2048, 4096, 4096])
  const capacity = (partSize: number, maxPartSize?: number): number =>
    capacityOf(right(forStream({ partSize, ...(maxPartSize === undefined ? {} : { maxPartSize }) })))
  t.equal((capacity(MiB) / GiB).toFixed(0), '999')
  t.equal((capacity(8 * MiB) / TiB).toFixed(2), '7.80')
  t.equal((capacity(64 * MiB) / TiB).toFixed(1), '22.4')
  t.equal((capacity(8 * MiB, 64 * MiB) / GiB).toFixed(0), '492')
  t.equal(capacity(largestPart), largestObject)
})

t.test('there is no size after the last part, and none before the first', async (t) => {
  const size = sizeOfPart(ofOneSize(MiB))
  t.same([0, 1, 10_000, 10_001].map(size), [O.none, O.some(MiB), O.some(MiB), O.none])
  t.equal(capacityOf(ofOneSize(MiB)), 10_000 * MiB)
})

t.test('growing starts at partSize, never shrinks and stays within its limit', async () => {
  const partSize = fc.integer({ min: smallestPart, max: largestPart })
  fc.assert(
    fc.property(partSize, partSize, (partSize, maxPartSize) => {
      const sizes: PartSizes = right(forStream({ partSize, maxPartSize }))
      const all = Array.from({ length: 100 }, (_, n) =>
        O.getOrElse(() => NaN)(sizeOfPart(sizes)(n * 100 + 1))
      )
      return (
        all[0] === partSize &&
        all.every((size, n) => size >= (all[n - 1] ?? 0) && size <= Math.max(maxPartSize, partSize)) &&
        all.reduce((sum, size) => sum + size * 100, 0) === capacityOf(sizes)
      )
    })
  )
})
