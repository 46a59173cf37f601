/** Blocks of memory that are used again. */

export interface BlockPool {
  /** A free block, or a new one. It still has the bytes of its last user. */
  readonly take: () => Uint8Array
  readonly put: (blocks: ReadonlyArray<Uint8Array>) => void
  /** Keeps so many free blocks at most. */
  readonly trim: (count: number) => void
  /** Counts a user of the pool; returns the function that ends the use. */
  readonly open: () => () => void
}

/**
 * Creates a pool.
 *
 * Free blocks are kept for the next user. While the pool has no user they are held weakly: the garbage collector may take
 * them. To drop them at once would make garbage faster than it is collected: 500 parts of 8 MiB, one after another, came
 * to 80 MiB at the peak that way, and to 8 MiB this way (Node 20).
 */
export const blockPool = (blockSize: number): BlockPool => {
  let free: Array<Uint8Array> | undefined
  let unused = new WeakRef<Array<Uint8Array>>([])
  let users = 0
  const blocks = (): Array<Uint8Array> => {
    if (free === undefined) {
      free = unused.deref() ?? []
      unused = new WeakRef(free)
    }
    return free
  }
  return {
    take: () => blocks().pop() ?? Buffer.allocUnsafeSlow(blockSize),
    put: (returned) => {
      blocks().push(...returned)
    },
    trim: (count) => {
      blocks().splice(count)
      if (users === 0) free = undefined
    },
    open: () => {
      users += 1
      return () => {
        users -= 1
        if (users === 0) free = undefined
      }
    }
  }
}
