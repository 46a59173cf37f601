/** Memory that a cipher reuses for each segment, and that grows with its need. */

/**
 * Returns `memory` if it has `size` bytes, and otherwise larger memory that begins with the same bytes. The first memory has
 * `size` bytes, and all later memory `largest`: a small object takes no more than it needs, and a large one is copied once.
 *
 * Allocating a whole segment for each small PUT took a fifth of its CPU time, most of it in the garbage collector.
 *
 * @units bytes; new memory is not zeroed
 */
export const grow = (memory: Buffer, size: number, largest = size): Buffer => {
  if (memory.length >= size) return memory
  const larger = Buffer.allocUnsafeSlow(memory.length === 0 ? size : largest)
  larger.set(memory)
  return larger
}
