/** Whether memory can be granted without a deadlock: the banker's algorithm for one resource. */

/** A holder of blocks. */
export interface BlockHolder {
  readonly held: number
  /** Blocks that it may hold in all. */
  readonly max: number
}

const needOf = ({ held, max }: BlockHolder): number => max - held

/**
 * Whether there is an order in which each holder gets all blocks that it needs, from the free blocks and those that the
 * holders before it returned. If there is, no deadlock is possible.
 *
 * @units  `free` in blocks
 * @source E. W. Dijkstra, Cooperating sequential processes (EWD123), 1965, section 6
 */
export const isSafe = (free: number, holdings: ReadonlyArray<BlockHolder>): boolean => {
  if (free < 0) return false
  // Usually every holder can finish first, and no order is needed.
  if (holdings.every((holding) => needOf(holding) <= free)) return true
  let available = free
  for (const holding of [...holdings].sort((a, b) => needOf(a) - needOf(b))) {
    if (needOf(holding) > available) return false
    available += holding.held
  }
  return true
}
