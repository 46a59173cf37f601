/** Memory that a cipher uses again and again. */

/**
 * Memory of at least `size` bytes, with the bytes that it has. Memory that is too small becomes as large as needed at first,
 * and `largest` after that: a small object takes no more than it needs, and a large one is copied once.
 *
 * Memory for whole segments took a fifth of the CPU time of a small PUT, most of it in the garbage collector.
 *
 * @units bytes; new memory is not zeroed
 */
export const grow = (memory: Buffer, size: number, largest = size): Buffer => {
  if (memory.length >= size) return memory
  const larger = Buffer.allocUnsafeSlow(memory.length === 0 ? size : largest)
  larger.set(memory)
  return larger
}
