/** Repeatable random numbers: a case depends on its seed only. */

export interface Random {
  /** An integer from 0 to `n - 1`. */
  readonly below: (n: number) => number
  readonly often: (probability: number) => boolean
  readonly of: <A>(items: ReadonlyArray<A>) => A
}

/** Mulberry32 over a hash of the seed: few bits, but the same on every machine. */
export const randomFrom = (seed: string): Random => {
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
