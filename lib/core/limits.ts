/** Units of bytes, and the chunk size of reads, hashes and writes. */

export const KiB = 1024
export const MiB = 1024 * KiB
export const GiB = 1024 * MiB

/**
 * Bytes that are read, hashed or written at once.
 *
 * Hashing 8 MiB at once stalls the event loop, and every transfer with it, for 7 ms, and for 20 ms with MD5. A turn of
 * the loop each 256 KiB is a thirtieth of that and costs no measurable throughput: 1.2 GiB/s with and without (Node 20).
 * Larger file reads are no faster. A thousand parts in flight hold 256 MiB of read buffers, and idle timeouts and rate
 * limits see bytes move in between.
 */
export const ioChunkSize = 256 * KiB

const units: ReadonlyArray<readonly [size: number, name: string]> = [
  [GiB, 'GiB'],
  [MiB, 'MiB'],
  [KiB, 'KiB']
]

/** A size with its unit if it is a whole number of one, such as `5 GiB`; bytes otherwise. */
export const inUnits = (bytes: number): string => {
  const unit = units.find(([size]) => bytes >= size && bytes % size === 0)
  return unit === undefined ? `${String(bytes)} bytes` : `${String(bytes / unit[0])} ${unit[1]}`
}

/** A size with its unit and in bytes, such as `1 MiB (1048576 bytes)`. */
export const formatBytes = (bytes: number): string =>
  bytes < KiB || bytes % KiB !== 0 ? `${String(bytes)} bytes` : `${inUnits(bytes)} (${String(bytes)} bytes)`
