/** Cuts bytes into blocks of one size. */
import * as O from 'fp-ts/lib/Option.js'

/** Throws a `TypeError` for text: a cipher would encode it, and the length of text is in characters. */
export const requireBytes = (chunk: unknown): void => {
  if (!(chunk instanceof Uint8Array)) throw new TypeError('a chunk is not bytes (encode text first)')
}

async function* blocksOf(
  size: number,
  mayShare: boolean,
  bytes: AsyncIterable<Uint8Array>
): AsyncGenerator<Uint8Array, void, undefined> {
  let open: O.Option<Buffer> = O.none
  let filled = 0
  for await (const chunk of bytes) {
    requireBytes(chunk)
    let at = 0
    while (at < chunk.length) {
      if (mayShare && filled === 0 && chunk.length - at >= size) {
        yield chunk.subarray(at, at + size)
        at += size
        continue
      }
      const block: Buffer = O.isSome(open) ? open.value : Buffer.allocUnsafeSlow(size)
      open = O.some(block)
      const count = Math.min(size - filled, chunk.length - at)
      block.set(chunk.subarray(at, at + count), filled)
      filled += count
      at += count
      if (filled === size) {
        // The reader may keep the block, so that the next one needs new memory.
        open = O.none
        filled = 0
        yield block
      }
    }
  }
  if (O.isSome(open) && filled > 0) yield open.value.subarray(0, filled)
}

/**
 * Cuts bytes into blocks of `size`; the last may be shorter, and an empty source has none. A block that lies within one
 * chunk is a view of it; others are copied.
 *
 * @units  holds one block and one chunk
 * @errors those of its source, unchanged; `TypeError` if a chunk is not bytes
 */
export const cutBlocks =
  (size: number) =>
  (bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> =>
    blocksOf(size, true, bytes)

/** `cutBlocks`, and each block is a copy: the reader may keep it, if the source reuses its memory. */
export const copyBlocks =
  (size: number) =>
  (bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> =>
    blocksOf(size, false, bytes)
