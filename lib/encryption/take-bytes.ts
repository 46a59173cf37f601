/** Passes a span of bytes, and reads its source to the end. */

/**
 * Drops the first `skip` bytes, passes `size` bytes and drops the rest. The rest is read too: the length of the source is
 * checked at its end.
 *
 * @shape  views of the same chunks; empty ones are left out
 * @errors those of its source, unchanged
 */
export const takeBytes = (skip: number, size: number) =>
  async function* (bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
    let at = 0
    for await (const chunk of bytes) {
      const from = Math.max(0, skip - at)
      const to = Math.min(chunk.length, skip + size - at)
      at += chunk.length
      if (from < to) yield chunk.subarray(from, to)
    }
  }
