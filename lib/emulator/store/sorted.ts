/** A map sorted by key as COS sorts: by the bytes of UTF-8. */
import { compareUtf8 } from '../../core/key.js'

export interface SortedMap<V> {
  readonly size: () => number
  readonly get: (key: string) => V | undefined
  /** Puts in place of a key's value what `change` makes of it, and removes the key where that is nothing. */
  readonly update: (key: string, change: (value: V | undefined) => V | undefined) => void
  /**
   * The entries in order, from the first whose key satisfies `reached`; all greater keys must satisfy it too. The
   * map must not change while they are read.
   */
  readonly from: (reached: (key: string) => boolean) => Generator<readonly [string, V], void, undefined>
}

interface Leaf<V> {
  readonly keys: Array<string>
  readonly values: Array<V>
}

// A million keys make some 3,000 leaves: finding one takes 12 comparisons, its place 9 more, and an insertion moves
// at most 512 slots there and, one time in 256, 3,000 here.
const leafSize = 512

/** The least index for which `reached` is true, or `length`. */
const bisect = (length: number, reached: (at: number) => boolean): number => {
  let low = 0
  let high = length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (reached(middle)) high = middle
    else low = middle + 1
  }
  return low
}

/**
 * A sorted map in leaves of a few hundred keys.
 *
 * @shape `get` and `update` in O(log n), `from` in O(log n) and then one step an entry
 */
export const sortedMap = <V>(): SortedMap<V> => {
  const leaves: Array<Leaf<V>> = []
  let count = 0

  /** The place of the first key that satisfies `reached`: which leaf, and where in it. */
  const seek = (reached: (key: string) => boolean): readonly [number, number] => {
    const at = bisect(leaves.length, (n) => reached(leaves[n]?.keys.at(-1) ?? ''))
    const keys = leaves[at]?.keys ?? []
    return [at, bisect(keys.length, (n) => reached(keys[n] ?? ''))]
  }
  const find = (key: string): readonly [number, number] => {
    const last = leaves.at(-1)
    const greatest = last?.keys.at(-1)
    // Keys that come in order, as most do, are found to be new by one comparison, and fill each leaf to the brim.
    if (last === undefined || greatest === undefined || compareUtf8(key, greatest) > 0)
      return last === undefined || last.keys.length >= leafSize
        ? [leaves.length, 0]
        : [leaves.length - 1, last.keys.length]
    return seek((other) => compareUtf8(other, key) >= 0)
  }

  const insert = (at: number, slot: number, key: string, value: V): void => {
    const leaf = leaves[at]
    count += 1
    if (leaf === undefined) {
      leaves.push({ keys: [key], values: [value] })
      return
    }
    leaf.keys.splice(slot, 0, key)
    leaf.values.splice(slot, 0, value)
    if (leaf.keys.length <= leafSize) return
    const half = leafSize / 2
    leaves.splice(at + 1, 0, { keys: leaf.keys.splice(half), values: leaf.values.splice(half) })
  }
  const remove = (at: number, slot: number, leaf: Leaf<V>): void => {
    leaf.keys.splice(slot, 1)
    leaf.values.splice(slot, 1)
    count -= 1
    if (leaf.keys.length === 0) leaves.splice(at, 1)
  }

  return {
    size: () => count,
    get: (key) => {
      const [at, slot] = find(key)
      const leaf = leaves[at]
      return leaf?.keys[slot] === key ? leaf.values[slot] : undefined
    },
    update: (key, change) => {
      const [at, slot] = find(key)
      const leaf = leaves[at]
      const here = leaf !== undefined && leaf.keys[slot] === key
      const value = change(here ? leaf.values[slot] : undefined)
      if (here && value !== undefined) leaf.values[slot] = value
      else if (here) remove(at, slot, leaf)
      else if (value !== undefined) insert(at, slot, key, value)
    },
    *from(reached) {
      const [first, start] = seek(reached)
      for (let at = first, slot = start; at < leaves.length; at += 1, slot = 0) {
        const leaf = leaves[at]
        for (; leaf !== undefined && slot < leaf.keys.length; slot += 1) {
          const key = leaf.keys[slot]
          const value = leaf.values[slot]
          if (key !== undefined && value !== undefined) yield [key, value]
        }
      }
    }
  }
}
