/** The parts of one multipart upload that were encrypted: no byte of the key stream is used for two plaintexts. */
import * as E from 'fp-ts/lib/Either.js'
import type { InputProblem } from '../core/error.js'
import { conflict } from '../core/problem.js'
import { recordBlocks, type SentBlocks } from './same-bytes.js'

/** A part, by its place in the plaintext. */
export interface PartPlace {
  /** 1 to 10,000. */
  readonly partNumber: number
  /** Of the first byte, in bytes. */
  readonly offset: number
  /** In bytes. */
  readonly size: number
  /** Whether the object ends with this part. */
  readonly last: boolean
}

export interface PartLedger {
  /** Reserves the bytes of a part. A part that is sent again gets the record of its first attempt. */
  readonly reserve: (part: PartPlace) => E.Either<InputProblem, SentBlocks>
}

interface ReservedPart extends PartPlace {
  readonly sent: SentBlocks
}

const endOf = ({ offset, size }: PartPlace): number => offset + size

const overlaps = (a: PartPlace, b: PartPlace): boolean => a.offset < endOf(b) && b.offset < endOf(a)

const isSamePlace = (a: PartPlace, b: PartPlace): boolean => a.offset === b.offset && a.size === b.size

const describePlace = ({ partNumber, offset, size }: PartPlace): string =>
  `part ${String(partNumber)} (${String(size)} bytes at ${String(offset)})`

/** Parts in the order of their numbers must be in the order of their offsets, and neighbours must touch. */
const orderProblem = (part: PartPlace, other: PartPlace): string | undefined => {
  const [first, second] = part.partNumber < other.partNumber ? [part, other] : [other, part]
  if (second.offset < endOf(first))
    return `part ${String(second.partNumber)} would begin before the end of ${describePlace(first)}`
  if (second.partNumber === first.partNumber + 1 && second.offset !== endOf(first))
    return `part ${String(second.partNumber)} must begin at ${String(endOf(first))}, where ${describePlace(first)} ends`
  return first.last ? `${describePlace(first)} was declared the last` : undefined
}

/**
 * Makes an empty ledger. It lives as long as the upload in this process.
 *
 * @errors `reserve`: `conflict` if the part overlaps another one at a different place, if its offset does not follow from
 *         the parts beside it, or if it comes after the last
 */
export const createPartLedger = (): PartLedger => {
  const reserved: Array<ReservedPart> = []
  /** The latest place of each number: a part that is sent again replaces the stored one. */
  const current = new Map<number, PartPlace>()

  return {
    reserve: (part) => {
      if (part.partNumber === 1 && part.offset !== 0)
        return E.left(conflict('offset', 'must be 0 for part 1'))
      for (const other of current.values()) {
        if (other.partNumber === part.partNumber) continue
        const problem = orderProblem(part, other)
        if (problem !== undefined) return E.left(conflict('offset', problem))
      }
      const earlier = reserved.find((other) => isSamePlace(part, other))
      const used = reserved.find((other) => !isSamePlace(part, other) && overlaps(part, other))
      if (used !== undefined)
        return E.left(
          conflict(
            'offset',
            `overlaps ${describePlace(used)}, which was encrypted before: its key stream must not be used for other bytes`
          )
        )
      const sent = earlier?.sent ?? recordBlocks()
      if (earlier === undefined) reserved.push({ ...part, sent })
      current.set(part.partNumber, part)
      return E.right(sent)
    }
  }
}
