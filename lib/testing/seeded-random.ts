/** Random numbers that a seed determines. */

/**
 * Returns a function as `Math.random`, whose results depend on the seed alone.
 *
 * @source mulberry32, https://github.com/cprosche/mulberry32
 */
export const seededRandom = (seed: number): (() => number) => {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
