/** Small generators that several stages and transfers use. */

/** Makes an `AsyncIterable` of a synchronous iterable. */
export async function* fromIterable<A>(items: Iterable<A>): AsyncGenerator<A, void, undefined> {
  yield* items
}

/**
 * Slices chunks so that none is larger than `size`. The slices are views: no byte is copied.
 *
 * @shape  the same bytes in the same order, without empty chunks
 * @units  `size` in bytes
 */
export const sliceChunks = (size: number) =>
  function* (chunks: Iterable<Uint8Array>): Generator<Uint8Array, void, undefined> {
    for (const chunk of chunks) {
      for (let at = 0; at < chunk.length; at += size) yield chunk.subarray(at, at + size)
    }
  }
