/** Makes a Node `Readable` from a generator of bytes, for the public API. */
import { Readable } from 'node:stream'
import { KiB } from '../core/limits.js'

// The size of the stream's buffer, in bytes: Node's own default for byte streams.
const highWaterMark = 64 * KiB

/**
 * Makes a `Readable` from a generator of bytes.
 *
 * When the stream is destroyed, `Readable.from` alone calls the generator's `return`, which waits for the pending read. If
 * the source stalls, its connection would stay open until the next byte. So `close` is called first.
 *
 * @shape  `close` is called once, when the stream ends, fails or is destroyed, also if the stream was never read
 * @units  reads about 64 KiB ahead
 * @errors those of the generator
 */
export const toReadable = (
  bytes: AsyncGenerator<Uint8Array, unknown, undefined>,
  close: () => void
): Readable => {
  const readable = Readable.from(bytes, { objectMode: false, highWaterMark })
  const destroy = readable._destroy.bind(readable)
  readable._destroy = (error, done) => {
    close()
    destroy(error, done)
  }
  return readable
}
