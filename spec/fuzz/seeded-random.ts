/** Chance that can be repeated: all that a case does follows from its seed. */

export interface Chance {
  /** A whole number from 0 up to, and without, `n`. */
  readonly below: (n: number) => number
  readonly often: (probability: number) => boolean
  readonly of: <A>(items: ReadonlyArray<A>) => A
}

/** Mulberry32 over a hash of the seed's text: few bits, but the same ones everywhere. */
export const chanceOf = (seed: string): Chance => {
  let state = 2166136261
  for (const byte of Buffer.from(seed)) state = Math.imul(state ^ byte, 16777619)
  const next = (): number => {
    state = (state + 0x6d2b79f5) | 0
    let x = Math.imul(state ^ (state >>> 15), 1 | state)
    x = (x + Math.imul(x ^ (x >>> 7), 61 | x)) ^ x
    return ((x ^ (x >>> 14)) >>> 0) / 2 ** 32
  }
  const below = (n: number): number => Math.floor(next() * n)
  return {
    below,
    often: (probability) => next() < probability,
    of: (items) => {
      const item = items[below(items.length)]
      if (item === undefined) throw new Error('nothing to choose from')
      return item
    }
  }
}
