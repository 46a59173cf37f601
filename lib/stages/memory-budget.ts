/** One ceiling for the bytes that transfers hold: reservations, granted in turn, filled with blocks that are reused. */
import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import type * as TE from 'fp-ts/lib/TaskEither.js'
import { ioChunkSize } from '../core/limits.js'

/**
 * Bytes in a block. A part is a list of blocks, so that it may outgrow any Buffer, and so that a block that one upload
 * gave back fits any other. Between 64 KiB and 1 MiB the size makes no difference to what an upload costs; it is what a
 * short part wastes at most.
 */
export const blockSize = ioChunkSize

/** Memory that has been granted. It has one owner, who releases it. */
export interface Reservation {
  /** Bytes still granted, in whole blocks; 0 once released. */
  readonly size: () => number
  /** The next block. The bytes of its last owner are still in it: hand out no more of it than you wrote. */
  readonly take: () => Uint8Array
  /** Gives back all but so many bytes; of blocks that were taken, none. */
  readonly shrink: (bytes: number) => void
  /** Gives everything back. Doing so twice does nothing. */
  readonly release: () => void
}

export type ReservationError =
  /** It could never be granted, in bytes. */
  | { readonly _tag: 'TooLarge'; readonly bytes: number; readonly largest: number }
  | { readonly _tag: 'Aborted'; readonly reason: unknown }

export interface MemoryBudget {
  /** Bytes granted never exceed it. */
  readonly limit: number
  /** The largest reservation that `reserve` grants, in bytes. */
  readonly largest: number
  /** Bytes granted now. */
  readonly granted: () => number
  /**
   * Waits in turn for `bytes`, all of them at once: two parts that each hold half of what they need would wait for each
   * other forever. What it grants must be given back without waiting for more of this budget.
   */
  readonly reserve: (bytes: number, signal?: AbortSignal) => TE.TaskEither<ReservationError, Reservation>
  /** Grants `bytes` for reading ahead if they are free now and nobody waits; who gets none does without. */
  readonly reserveAhead: (bytes: number) => O.Option<Reservation>
}

export interface MemoryBudgetOptions {
  /** In bytes; what is less than a block is of no use. */
  readonly limit: number
  /**
   * How much of the limit may be read ahead, in bytes; none of it unless said. What is read ahead is given back only
   * when its reader comes for it. A reader that is itself an upload may be waiting for memory first: so what is beyond
   * this share is never read ahead, and `reserve` grants no more than that.
   */
  readonly ahead?: number
}

interface Waiter {
  readonly blocks: number
  readonly grant: () => void
}

const blocksIn = (bytes: number): number => Math.ceil(bytes / blockSize)

/**
 * What a reservation of so many bytes takes, in bytes: whole blocks. A budget for four parts should have
 * `4 * inBlocks(partSize)`, or there will be room for three.
 */
export const inBlocks = (bytes: number): number => blocksIn(bytes) * blockSize

/**
 * Makes a budget.
 *
 * Blocks are allocated when they are taken, not when they are granted, and those given back are kept for the next
 * lease. While nobody holds a lease they are held weakly: whoever comes next finds them, unless memory was needed
 * elsewhere meanwhile. Letting them go at once would leave garbage faster than it is collected: 500 parts of 8 MiB, one
 * after another, came to 80 MiB at the peak that way, and to 8 this way (Node 20).
 *
 * @shape  one budget may serve any number of transfers
 * @units  bytes, counted in blocks of 256 KiB; what is granted and what is kept never exceed `limit` together
 */
export const createMemoryBudget = (options: MemoryBudgetOptions): MemoryBudget => {
  const limit = Math.floor(options.limit / blockSize)
  const limitAhead = Math.min(limit, Math.floor((options.ahead ?? 0) / blockSize))
  const largest = limit - limitAhead
  const queue: Array<Waiter> = []
  let granted = 0
  let grantedAhead = 0
  let leases = 0

  // -- the shelf --
  let shelf: Array<Uint8Array> | undefined
  let unused = new WeakRef<Array<Uint8Array>>([])
  const opened = (): Array<Uint8Array> => {
    if (shelf === undefined) {
      shelf = unused.deref() ?? []
      unused = new WeakRef(shelf)
    }
    return shelf
  }

  // -- leases --
  const serve = (): void => {
    for (let first = queue[0]; first !== undefined && granted + first.blocks <= limit; first = queue[0]) {
      queue.shift()
      first.grant()
    }
  }

  const lend = (blocks: number, ahead: boolean): Reservation => {
    const taken: Array<Uint8Array> = []
    let mine = 0
    let released = false
    const resize = (count: number): void => {
      granted += count - mine
      if (ahead) grantedAhead += count - mine
      mine = count
    }
    resize(blocks)
    leases += 1
    return {
      size: () => mine * blockSize,
      take: () => {
        if (taken.length >= mine) throw new Error('more blocks taken than were granted')
        const block = opened().pop() ?? Buffer.allocUnsafeSlow(blockSize)
        taken.push(block)
        return block
      },
      shrink: (bytes) => {
        resize(Math.min(mine, Math.max(blocksIn(bytes), taken.length)))
        serve()
      },
      release: () => {
        if (released) return
        released = true
        opened().push(...taken.splice(0))
        leases -= 1
        if (leases === 0) shelf = undefined
        resize(0)
        serve()
      }
    }
  }

  return {
    limit: limit * blockSize,
    largest: largest * blockSize,
    granted: () => granted * blockSize,
    reserve: (bytes, signal) => () => {
      const blocks = blocksIn(bytes)
      const abort = (): E.Either<ReservationError, never> =>
        E.left({ _tag: 'Aborted', reason: signal?.reason as unknown })
      if (blocks > largest)
        return Promise.resolve(E.left({ _tag: 'TooLarge', bytes, largest: largest * blockSize }))
      if (signal?.aborted === true) return Promise.resolve(abort())
      if (queue.length === 0 && granted + blocks <= limit)
        return Promise.resolve(E.right(lend(blocks, false)))

      return new Promise((resolve) => {
        const onAbort = (): void => {
          queue.splice(queue.indexOf(waiter), 1)
          resolve(abort())
          // It may have been the one that the others could not pass.
          serve()
        }
        const waiter: Waiter = {
          blocks,
          grant: () => {
            signal?.removeEventListener('abort', onAbort)
            resolve(E.right(lend(blocks, false)))
          }
        }
        queue.push(waiter)
        signal?.addEventListener('abort', onAbort, { once: true })
      })
    },
    reserveAhead: (bytes) => {
      const blocks = blocksIn(bytes)
      return queue.length === 0 && granted + blocks <= limit && grantedAhead + blocks <= limitAhead
        ? O.some(lend(blocks, true))
        : O.none
    }
  }
}
