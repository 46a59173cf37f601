/** From bytes to parts: bytes -> cutParts -> Part -> hashParts -> HashedPart -> sendParts -> SentPart */
import { setImmediate } from 'node:timers/promises'
import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import { crc64Hasher, type Crc64Hasher } from '../core/crc64.js'
import { CosException, invalidInput } from '../core/error.js'
import { KiB, formatBytes } from '../core/limits.js'
import { conflict } from '../core/problem.js'
import { abortable } from './abortable.js'
import { startSourceCheck, type SourceExpectation } from './check-source.js'
import type { MemoryBudget, Reservation } from './memory-budget.js'
import { capacityOf, sizeOfPart, type PartSizes } from './part-size.js'

/** A range of a transfer's bytes, held in memory until it is released. */
export interface Part {
  /** From 1. */
  readonly number: number
  /** The offset of its first byte in the whole, in bytes. */
  readonly offset: number
  /** In bytes. */
  readonly size: number
  readonly chunks: ReadonlyArray<Uint8Array>
  /** Whether this is the last part. */
  readonly last: boolean
  /** Of this part alone, unsigned; with the option `crc64` of `cutParts`. */
  readonly crc64?: bigint
  /** Returns its memory; afterwards `chunks` may hold the bytes of another part. A second call does nothing. */
  readonly release: () => void
}

export interface CutPartsOptions extends SourceExpectation {
  readonly sizes: PartSizes
  readonly budget: MemoryBudget
  /** Ends a pending read, and a wait for memory. */
  readonly signal?: AbortSignal
  /**
   * Whether to hash each block when it is full, while it is in the cache of the processor, so that `hashParts` does not read
   * the whole part again. Default: false.
   */
  readonly crc64?: boolean
}

// A source that never waits, such as a generator over bytes in memory, would keep all sockets waiting. So the event loop
// gets a turn after this many bytes were copied and hashed. A chunk counts as 1 KiB more than its bytes: single bytes then
// take a turn every 512 chunks, and chunks of 64 KiB every 512 KiB.
const turnAfter = 512 * KiB
const perChunk = 1024

/** A part that is being filled. */
interface PartBuffer {
  readonly isFull: () => boolean
  readonly isBlockFull: () => boolean
  /** Waits for memory. */
  readonly addBlock: () => Promise<void>
  /** Copies bytes into the last block, as many as fit, and returns their number. */
  readonly write: (bytes: Uint8Array, from: number) => number
  readonly finish: (number: number, offset: number, last: boolean) => Part
  readonly release: () => void
}

const takeBlock = async ({ context, signal }: CutPartsOptions, memory: Reservation): Promise<Uint8Array> => {
  const block = await memory.take(signal)()
  if (E.isRight(block)) return block.right
  if (block.left._tag === 'Aborted') throw block.left.reason
  const { after } = block.left
  throw new CosException({ _tag: 'Timeout', context, host: '', phase: 'memory', after })
}

const fillPart = (
  options: CutPartsOptions,
  memory: Reservation,
  capacity: number,
  hasher: Crc64Hasher | undefined
): PartBuffer => {
  const full: Array<Uint8Array> = []
  let block: Uint8Array = new Uint8Array()
  let used = 0
  let size = 0
  return {
    isFull: () => size === capacity,
    isBlockFull: () => used === block.length,
    addBlock: async () => {
      const next = await takeBlock(options, memory)
      if (used > 0) {
        full.push(block)
        hasher?.update(block)
      }
      block = next
      used = 0
    },
    write: (bytes, from) => {
      const count = Math.min(bytes.length - from, block.length - used, capacity - size)
      block.set(count === bytes.length ? bytes : bytes.subarray(from, from + count), used)
      used += count
      size += count
      return count
    },
    finish: (number, offset, last) => {
      memory.seal()
      const rest = block.subarray(0, used)
      const chunks = used === 0 ? full : [...full, rest]
      const part = { number, offset, size, chunks, last, release: memory.release }
      if (hasher === undefined) return part
      hasher.update(rest)
      const crc64 = hasher.digest()
      hasher.release()
      return { ...part, crc64 }
    },
    release: () => {
      hasher?.release()
      memory.release()
    }
  }
}

const startPart = async (options: CutPartsOptions, number: number, offset: number): Promise<PartBuffer> => {
  const { context, sizes, budget, length } = options
  const planned = sizeOfPart(sizes)(number)
  if (O.isNone(planned)) {
    const problem = `more than ${String(capacityOf(sizes))} bytes, the most that 10,000 parts of this size hold`
    throw new CosException({ _tag: 'SourceError', context, cause: new Error(problem) })
  }
  const capacity = Math.min(planned.value, (length ?? Infinity) - offset)
  const memory = budget.reserve(capacity)
  if (E.isRight(memory)) {
    const hasher = options.crc64 === true ? await crc64Hasher() : undefined
    return fillPart(options, memory.right, capacity, hasher)
  }
  const message = `must hold a part of ${formatBytes(capacity)}; its largest part is ${formatBytes(memory.left.largest)}`
  throw new CosException(invalidInput(context, conflict('memoryLimit', message)))
}

const emptyPart: Part = { number: 1, offset: 0, size: 0, chunks: [], last: true, release: () => undefined }

/**
 * Cuts bytes into parts. Chunks of any size are copied into blocks of the budget at once: a source may reuse its buffers,
 * and 1 KiB views of 64 KiB slabs keep no slab alive.
 *
 * A part is yielded when the first byte after it has arrived, because only then is it known whether it is the last. Each
 * block of memory is taken when its first byte arrives, so a silent source holds only the blocks that it filled. A source
 * without bytes yields one empty part, because an object may be empty.
 *
 * @shape  at least one part, numbered from 1, in order; all parts except the last have the size that `sizes` gives them
 * @units  bytes; holds one part at a time besides those that its reader has not released
 * @errors those of its source, unchanged; the signal's reason; `CosException` of `SourceError` if the source yields
 *         something other than bytes, has another length than announced, or has more bytes than 10,000 parts hold; of
 *         `InvalidInput` if a part is larger than the budget; of `Timeout` with phase `memory` if stalled transfers hold
 *         the memory
 * @source https://cloud.tencent.com/document/product/436/7750
 */
export const cutParts = (options: CutPartsOptions) =>
  async function* (source: AsyncIterable<Uint8Array>): AsyncGenerator<Part, void, undefined> {
    let part: PartBuffer | undefined
    let number = 1
    let partFrom = 0
    let offset = 0
    let work = 0
    const check = startSourceCheck(options)
    try {
      for await (const chunk of abortable(options.signal)(source)) {
        check.add(chunk)
        work += perChunk
        for (let at = 0; at < chunk.length;) {
          if (part?.isFull() === true) {
            const full: Part = part.finish(number, partFrom, false)
            // From here on the reader releases the part, also if this generator fails.
            part = undefined
            number += 1
            partFrom = offset
            yield full
          }
          part ??= await startPart(options, number, offset)
          if (part.isBlockFull()) await part.addBlock()
          const count: number = part.write(chunk, at)
          at += count
          offset += count
          work += count
          if (work >= turnAfter) {
            work = 0
            await setImmediate()
          }
        }
      }
      check.end()
      const last = part?.finish(number, partFrom, true) ?? emptyPart
      part = undefined
      yield last
    } finally {
      part?.release()
    }
  }
