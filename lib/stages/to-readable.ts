/** A Node `Readable` from a generator of bytes, for the public API. */
import { Readable } from 'node:stream'
import { KiB } from '../core/limits.js'

// Of what waits in the stream for its reader, in bytes; Node's own default for byte streams.
const highWaterMark = 64 * KiB

/**
 * Makes a `Readable` of a generator of bytes.
 *
 * `Readable.from` alone asks the generator to return when the stream is destroyed, and a generator that is waiting for
 * a source that stalls can not hear it: the connection would stay until its next byte. So the source is closed by
 * hand, and first.
 *
 * @shape  `close` is called once, when the stream ends, fails or is destroyed; read from or not
 * @units  reads some 64 KiB ahead
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
