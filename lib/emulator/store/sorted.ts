/** A map sorted by key in COS's order: by UTF-8 bytes. */
import { compareUtf8 } from '../../core/key.js'

export interface SortedMap<V> {
  readonly size: () => number
  readonly get: (key: string) => V | undefined
  /** Replaces a key's value by the result of `change`; removes the key if the result is undefined. */
  readonly update: (key: string, change: (value: V | undefined) => V | undefined) => void
  /**
   * Yields the entries in order, from the first key that satisfies `reached`; all greater keys must satisfy it too. The
   * map must not change during the iteration.
   */
  readonly from: (reached: (key: string) => boolean) => Generator<readonly [string, V], void, undefined>
}

interface Leaf<V> {
  readonly keys: Array<string>
  readonly values: Array<V>
}

// A million keys make about 3,000 leaves. Finding a leaf takes 12 comparisons, and a key in it 9 more. An insertion moves
// at most 512 slots in the leaf and, once in 256 insertions, 3,000 in the list of leaves.
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
 * @shape `get` and `update` take O(log n); `from` takes O(log n), then O(1) for each entry
 */
export const sortedMap = <V>(): SortedMap<V> => {
  const leaves: Array<Leaf<V>> = []
  let count = 0

  /** The position of the first key that satisfies `reached`: leaf and slot. */
  const seek = (reached: (key: string) => boolean): readonly [number, number] => {
    const at = bisect(leaves.length, (n) => reached(leaves[n]?.keys.at(-1) ?? ''))
    const keys = leaves[at]?.keys ?? []
    return [at, bisect(keys.length, (n) => reached(keys[n] ?? ''))]
  }
  const find = (key: string): readonly [number, number] => {
    const last = leaves.at(-1)
    const greatest = last?.keys.at(-1)
    // One comparison suffices for keys that arrive in order, as most do; they also fill each leaf completely.
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
      const isPresent = leaf !== undefined && leaf.keys[slot] === key
      const value = change(isPresent ? leaf.values[slot] : undefined)
      if (isPresent && value !== undefined) leaf.values[slot] = value
      else if (isPresent) remove(at, slot, leaf)
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
