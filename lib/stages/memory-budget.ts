/** One limit for the memory of many transfers: blocks that are granted one at a time, and reused. */
import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import type * as TE from 'fp-ts/lib/TaskEither.js'
import { ioChunkSize } from '../core/limits.js'
import { systemRuntime, type Runtime } from '../core/runtime.js'
import { blockPool } from './block-pool.js'
import { isSafe } from './safe-state.js'

/**
 * Bytes in a block. A part is a list of blocks, so that it may be larger than any Buffer, and a block that one upload
 * returned fits any other. Between 64 KiB and 1 MiB the size makes no difference to the cost of an upload. A part wastes
 * less than one block.
 */
export const blockSize = ioChunkSize

/** Memory for one part. Its only owner must release it. */
export interface Reservation {
  /** Bytes held, in whole blocks; 0 once released. */
  readonly size: () => number
  /** Waits for the next block. It may contain the bytes of its last owner: pass on only the bytes that you wrote. */
  readonly take: (signal?: AbortSignal) => TE.TaskEither<ReservationError, Uint8Array>
  /** Declares that no more blocks will be taken. */
  readonly seal: () => void
  /** Returns all blocks. A second call does nothing. */
  readonly release: () => void
}

/** All blocks of a reservation that was granted at once. Its only owner must release it. */
export interface HeldBlocks {
  /** They may contain the bytes of their last owner. */
  readonly blocks: ReadonlyArray<Uint8Array>
  /** Returns all blocks. A second call does nothing. */
  readonly release: () => void
}

/** Memory for bytes that are read before their reader asks for them. It counts bytes and holds no blocks. */
export interface AheadReservation {
  readonly size: () => number
  /** Returns all but so many bytes, rounded up to whole blocks. */
  readonly shrink: (bytes: number) => void
  /** Returns everything. A second call does nothing. */
  readonly release: () => void
}

/** A reservation that can never be granted; sizes in bytes. */
export interface ReservationTooLarge {
  readonly _tag: 'TooLarge'
  readonly bytes: number
  readonly largest: number
}

export type ReservationError =
  | { readonly _tag: 'Aborted'; readonly reason: unknown }
  /** Reservations that got no block for `after` milliseconds hold `stalled` bytes, and the rest is not enough. */
  | { readonly _tag: 'Stalled'; readonly after: number; readonly stalled: number }

export interface MemoryBudget {
  /** Bytes held never exceed it. */
  readonly limit: number
  /** The largest reservation, in bytes. */
  readonly largest: number
  /** Bytes held now. */
  readonly granted: () => number
  /** Makes a reservation of up to `bytes`. It holds no memory until its first block is taken. */
  readonly reserve: (bytes: number) => E.Either<ReservationTooLarge, Reservation>
  /** Grants blocks for `bytes` if they are free and no part needs them. Never waits: the caller can do without them. */
  readonly reserveNow: (bytes: number) => O.Option<HeldBlocks>
  /** Grants `bytes` for reading ahead if they are free and nothing waits for memory. Never waits. */
  readonly reserveAhead: (bytes: number) => O.Option<AheadReservation>
}

export interface MemoryBudgetOptions {
  /** In bytes, rounded down to whole blocks. */
  readonly limit: number
  /**
   * The share of the limit for reading ahead, in bytes. Default: 0. Memory of bytes read ahead returns only when their
   * reader takes them, and that reader may be an upload that waits for memory itself. So `reserve` does not use this share.
   */
  readonly ahead?: number
  /** Milliseconds without a new block after which an unfinished reservation counts as stalled. Default: 60,000. */
  readonly stallTimeout?: number
  /** Its clock and timers. Default: those of this machine. */
  readonly runtime?: Pick<Runtime, 'elapsed' | 'startTimer'>
}

const blocksIn = (bytes: number): number => Math.ceil(bytes / blockSize)

/** The memory of a reservation of so many bytes: whole blocks. A limit for four parts is `4 * inBlocks(partSize)`. */
export const inBlocks = (bytes: number): number => blocksIn(bytes) * blockSize

/** An unreleased reservation; sizes in blocks. */
interface Holder {
  held: number
  max: number
  sealed: boolean
  /** The time of its last block, in milliseconds. */
  movedAt: number
}

interface Waiter {
  readonly holder: Holder
  readonly since: number
  readonly settle: (result: E.Either<ReservationError, undefined>) => void
}

/**
 * Creates a budget.
 *
 * A reservation holds only the blocks that it has taken. So an upload whose source is silent holds the memory of the bytes
 * that arrived, and others use the rest. The rules:
 *
 * - A block is granted if afterwards all holders can still finish in some order, so no two wait for each other.
 * - If several wait, those that hold blocks come first, the oldest first. New reservations start in the order in which
 *   they asked. None starts while a holder has waited for `stallTimeout`.
 * - A reservation that got no block for `stallTimeout` and is not sealed has stalled: its source is silent, or it waits. A
 *   wait of `stallTimeout` fails with `Stalled` if the memory without that of the stalled reservations is too small.
 *
 * So every wait ends, if sealed reservations are released: with a block, an abort, or `Stalled`.
 *
 * @shape  one budget may serve any number of transfers
 * @units  bytes, counted in blocks of 256 KiB; held blocks and free blocks together never exceed `limit`
 */
export const createMemoryBudget = (options: MemoryBudgetOptions): MemoryBudget => {
  const { stallTimeout = 60_000, runtime = systemRuntime } = options
  const limit = Math.floor(options.limit / blockSize)
  const limitAhead = Math.min(limit, Math.floor((options.ahead ?? 0) / blockSize))
  const largest = limit - limitAhead
  const pool = blockPool(blockSize)
  /** Holders that have at least one block, the oldest first. */
  const holders = new Set<Holder>()
  const waiters = new Set<Waiter>()
  let granted = 0
  let grantedAhead = 0

  // -- granting --
  const tryGrant = (holder: Holder): boolean => {
    holder.held += 1
    const all = holders.has(holder) ? [...holders] : [...holders, holder]
    if (!isSafe(limit - granted - 1, all)) {
      holder.held -= 1
      return false
    }
    granted += 1
    holders.add(holder)
    holder.movedAt = runtime.elapsed()
    return true
  }
  const hasWaitedLong = ({ holder, since }: Waiter): boolean =>
    holder.held > 0 && runtime.elapsed() - since >= stallTimeout
  /** The waiters that may be granted a block now, by precedence. */
  const candidates = (): ReadonlyArray<Waiter> => {
    const byHolder = new Map([...waiters].map((waiter) => [waiter.holder, waiter]))
    const growing = [...holders].flatMap((holder) => byHolder.get(holder) ?? [])
    const starting = [...waiters].find(({ holder }) => holder.held === 0)
    return starting === undefined || growing.some(hasWaitedLong) ? growing : [...growing, starting]
  }
  const serve = (): void => {
    for (;;) {
      if (waiters.size === 0 || granted >= limit) return
      const served = candidates().find(({ holder }) => tryGrant(holder))
      if (served === undefined) return
      served.settle(E.right(undefined))
    }
  }
  const mayPass = (holder: Holder): boolean =>
    holder.held > 0 || ![...waiters].some((waiter) => waiter.holder.held === 0 || hasWaitedLong(waiter))

  // -- waiting --
  /** Blocks of reservations, other than this one, that stalled. */
  const stalledFor = (holder: Holder): number => {
    const before = runtime.elapsed() - stallTimeout
    return [...holders]
      .filter((other) => other !== holder && !other.sealed && other.movedAt <= before)
      .reduce((sum, { held }) => sum + held, 0)
  }
  const wait = (
    holder: Holder,
    signal: AbortSignal | undefined
  ): Promise<E.Either<ReservationError, undefined>> =>
    new Promise((resolve) => {
      const onAbort = (): void =>
        waiter.settle(E.left({ _tag: 'Aborted', reason: signal?.reason as unknown }))
      const check = (): void => {
        const stalled = stalledFor(holder)
        if (holder.max > limit - grantedAhead - stalled)
          waiter.settle(E.left({ _tag: 'Stalled', after: stallTimeout, stalled: stalled * blockSize }))
        // A holder that moved after this wait started may stall later.
        else stopTimer = runtime.startTimer(stallTimeout / 4, check)
      }
      let stopTimer = runtime.startTimer(stallTimeout, check)
      const waiter: Waiter = {
        holder,
        since: runtime.elapsed(),
        settle: (result) => {
          stopTimer()
          signal?.removeEventListener('abort', onAbort)
          waiters.delete(waiter)
          resolve(result)
          // Others may have been waiting behind this waiter.
          if (E.isLeft(result)) serve()
        }
      }
      waiters.add(waiter)
      signal?.addEventListener('abort', onAbort, { once: true })
    })

  const openReservation = (max: number): Reservation => {
    const holder: Holder = { held: 0, max, sealed: false, movedAt: 0 }
    const endUse = pool.open()
    const taken: Array<Uint8Array> = []
    let released = false
    return {
      size: () => holder.held * blockSize,
      take: (signal) => async () => {
        if (released || holder.sealed || holder.held === holder.max)
          throw new Error('more blocks taken than were reserved')
        if (signal?.aborted === true) return E.left({ _tag: 'Aborted', reason: signal.reason as unknown })
        if (!mayPass(holder) || !tryGrant(holder)) {
          const result = await wait(holder, signal)
          if (E.isLeft(result)) return result
        }
        const block = pool.take()
        taken.push(block)
        return E.right(block)
      },
      seal: () => {
        holder.sealed = true
        holder.max = holder.held
        serve()
      },
      release: () => {
        if (released) return
        released = true
        for (const waiter of waiters) {
          if (waiter.holder === holder)
            waiter.settle(E.left({ _tag: 'Aborted', reason: new Error('the reservation was released') }))
        }
        pool.put(taken.splice(0))
        endUse()
        holders.delete(holder)
        granted -= holder.held
        holder.held = 0
        serve()
      }
    }
  }

  const holdNow = (count: number): HeldBlocks => {
    const holder: Holder = { held: count, max: count, sealed: true, movedAt: runtime.elapsed() }
    const endUse = pool.open()
    const blocks = Array.from({ length: count }, () => pool.take())
    granted += count
    holders.add(holder)
    return {
      blocks,
      release: () => {
        if (!holders.delete(holder)) return
        pool.put(blocks)
        endUse()
        granted -= count
        serve()
      }
    }
  }

  // -- reading ahead --
  const openAhead = (blocks: number): AheadReservation => {
    let held = 0
    const resize = (count: number): void => {
      granted += count - held
      grantedAhead += count - held
      held = count
    }
    resize(blocks)
    const shrink = (bytes: number): void => {
      resize(Math.min(held, blocksIn(bytes)))
      serve()
    }
    return { size: () => held * blockSize, shrink, release: () => shrink(0) }
  }

  return {
    limit: limit * blockSize,
    largest: largest * blockSize,
    granted: () => granted * blockSize,
    reserve: (bytes) => {
      const blocks = blocksIn(bytes)
      return blocks > largest
        ? E.left({ _tag: 'TooLarge', bytes, largest: largest * blockSize })
        : E.right(openReservation(blocks))
    },
    reserveNow: (bytes) => {
      const blocks = blocksIn(bytes)
      // If another one waits, a block more for it is not safe, so none is here.
      const isGranted = blocks <= largest && isSafe(limit - granted - blocks, [...holders])
      return isGranted ? O.some(holdNow(blocks)) : O.none
    },
    reserveAhead: (bytes) => {
      const blocks = blocksIn(bytes)
      const isGranted =
        waiters.size === 0 &&
        grantedAhead + blocks <= limitAhead &&
        isSafe(limit - granted - blocks, [...holders])
      if (!isGranted) return O.none
      const ahead = openAhead(blocks)
      pool.trim(limit - granted)
      return O.some(ahead)
    }
  }
}
