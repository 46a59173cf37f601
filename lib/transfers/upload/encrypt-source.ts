/** The first stage of an encrypted upload: source -> encryptSource -> cutParts -> hashParts -> sendParts */
import { setImmediate } from 'node:timers/promises'
import { pipe } from 'fp-ts/lib/function.js'
import * as O from 'fp-ts/lib/Option.js'
import { ioChunkSize, KiB } from '../../core/limits.js'
import { cutBlocks } from '../../encryption/blocks.js'
import type { ObjectCipher } from '../../encryption/object-cipher.js'
import { startSourceCheck, type SourceExpectation } from '../../stages/check-source.js'
import { wholeObject } from './upload-encryption.js'

// Between 64 KiB and 1 MiB a call, AES costs the same. A chunk of this size is not copied.
const blockSize = 64 * KiB

async function* checkChunks(
  expected: SourceExpectation,
  source: AsyncIterable<Uint8Array>
): AsyncGenerator<Uint8Array, void, undefined> {
  const check = startSourceCheck(expected)
  for await (const chunk of source) {
    check.add(chunk)
    yield chunk
  }
  check.end()
}

/** Gives the event loop a turn after each 256 KiB: a source that never waits would keep all sockets waiting. */
async function* inTurns(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  let sinceTurn = 0
  for await (const chunk of bytes) {
    yield chunk
    sinceTurn += chunk.length
    if (sinceTurn < ioChunkSize) continue
    sinceTurn = 0
    await setImmediate()
  }
}

/**
 * Encrypts a source from its first byte to its last, before it is cut: a part in memory is ciphertext, with known checksums, and
 * a retry sends the same bytes. So no byte is encrypted twice, and the memory of a part never has plaintext.
 *
 * @shape  the ciphertext, in any chunks; without a cipher, the source itself
 * @units  `length` of the plaintext, in bytes; holds some 256 KiB
 * @errors those of its source, unchanged; `CosException` of a `SourceError` if a chunk is not bytes or the length differs
 */
export const encryptSource =
  (cipher: O.Option<ObjectCipher>, expected: SourceExpectation) =>
  (source: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> => {
    if (O.isNone(cipher)) return source
    return pipe(
      checkChunks(expected, source),
      cutBlocks(blockSize),
      cipher.value.encrypt(wholeObject),
      inTurns
    )
  }
