/** The stage between cutParts and sendParts: parts get the bodies of their requests. */
import { setImmediate } from 'node:timers/promises'
import { pipe } from 'fp-ts/lib/function.js'
import * as O from 'fp-ts/lib/Option.js'
import type { BodyInput } from '../../core/request.js'
import type { ObjectCipher } from '../../encryption/object-cipher.js'
import type { Part } from '../../stages/cut-parts.js'
import { hashParts, type HashPartsOptions } from '../../stages/hash-parts.js'

/** A part with its body. `size` is that of the body, in bytes. */
export interface BodyPart extends Part {
  readonly body: BodyInput
  /** None if the body is hashed while it is sent. */
  readonly crc64: O.Option<bigint>
  /** Base64 of 16 bytes, if it was computed. */
  readonly md5: O.Option<string>
  /** Bytes of the source. */
  readonly sourceSize: number
}

async function* hashBodies(
  options: HashPartsOptions,
  parts: AsyncIterable<Part>
): AsyncGenerator<BodyPart, void, undefined> {
  for await (const { crc64, ...part } of hashParts(options)(parts))
    yield { ...part, crc64: O.some(crc64), sourceSize: part.size, body: { chunks: part.chunks, crc64 } }
}

/** The plaintext, with a turn of the event loop for each block: 8 MiB at once would stall it for 11 ms. */
async function* readInTurns({ chunks }: Part): AsyncGenerator<Uint8Array, void, undefined> {
  for (const chunk of chunks) {
    yield chunk
    await setImmediate()
  }
}

const encryptPart = (cipher: ObjectCipher, part: Part): BodyPart => {
  const extent = { offset: part.offset, last: part.last }
  const size = cipher.storedSize(extent, part.size)
  let isReleased = false
  // The memory of a released part has the bytes of another one, which must not leave as this part's ciphertext. A chunk that
  // is ready while the part holds its memory was encrypted from the part.
  async function* open(): AsyncGenerator<Uint8Array, void, undefined> {
    for await (const chunk of cipher.encrypt(extent)(readInTurns(part))) {
      if (isReleased) throw new Error('the part was released')
      yield chunk
    }
  }
  return {
    ...part,
    size,
    sourceSize: part.size,
    crc64: O.none,
    md5: O.none,
    body: { open, size },
    release: () => {
      isReleased = true
      part.release()
    }
  }
}

async function* encryptBodies(
  cipher: ObjectCipher,
  parts: AsyncIterable<Part>
): AsyncGenerator<BodyPart, void, undefined> {
  for await (const part of parts) yield encryptPart(cipher, part)
}

/**
 * Gives each part the body of its request: its bytes and their checksum; or its bytes, encrypted each time that the body is
 * read. The plaintext stays in the memory of the part, and an encrypted body is hashed while it is sent.
 *
 * @shape  one `BodyPart` for each `Part`, in the same order
 * @units  holds one part at a time; an encrypted body that is read holds 320 KiB more, 256 KiB in Python's format
 * @errors those of its source
 */
export const addBodies =
  (cipher: O.Option<ObjectCipher>, options: HashPartsOptions) =>
  (parts: AsyncIterable<Part>): AsyncGenerator<BodyPart, void, undefined> =>
    pipe(
      cipher,
      O.match(
        () => hashBodies(options, parts),
        (found) => encryptBodies(found, parts)
      )
    )
