/** Repeatable bytes for specs. */

/** Pseudo-random bytes that depend on the seed only, so that a failure can be repeated. */
export const bytesOf = (size: number, seed = 1): Buffer => {
  const out = Buffer.allocUnsafe(size)
  let x = seed >>> 0
  for (let at = 0; at < size; at += 1) {
    x = (Math.imul(x, 1664525) + 1013904223) >>> 0
    out[at] = x >>> 24
  }
  return out
}

/** Yields the bytes in chunks of one size. */
export async function* splitBytes(
  bytes: Uint8Array,
  size: number
): AsyncGenerator<Uint8Array, void, undefined> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

/** All bytes of a source that may reuse the memory of its chunks. */
export const joinBytes = async (source: AsyncIterable<Uint8Array>): Promise<Buffer> => {
  const chunks: Array<Buffer> = []
  for await (const chunk of source) chunks.push(Buffer.from(chunk))
  return Buffer.concat(chunks)
}
