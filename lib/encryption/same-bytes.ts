/**
 * Requires that ciphertext which is sent again is the same.
 *
 * A retry sends a body again under the same data key. If the body changed meanwhile, because its file was edited or its
 * bytes are shared, two plaintexts would be encrypted with one key stream, and anyone who sees both ciphertexts has the
 * difference of the plaintexts. A check of the file's time is not enough: an edit between the check and the read passes.
 */
import { createCipheriv, randomBytes, timingSafeEqual } from 'node:crypto'
import { ioChunkSize } from '../core/limits.js'
import { CosException, type Context } from '../core/error.js'
import { cutBlocks } from './blocks.js'

/** The fingerprints of the blocks that were sent. */
export interface SentBlocks {
  /** Records a block, or compares it with the recorded one. */
  readonly isSame: (index: number, block: Uint8Array) => boolean
}

const noNonce = Buffer.alloc(12)

/**
 * Makes an empty record.
 *
 * The fingerprint is a GMAC with a key of this record and a fixed nonce: a universal hash, which is safe because no
 * fingerprint leaves this object. It runs at 2,700 MiB/s, beside 340 for SHA-256 without the instructions for it and
 * 2,260 for CTR (Node 20.20).
 *
 * @units 16 bytes for each 256 KiB
 */
export const recordBlocks = (): SentBlocks => {
  const key = randomBytes(32)
  const sent: Array<Buffer> = []
  const fingerprint = (block: Uint8Array): Buffer => {
    const mac = createCipheriv('aes-256-gcm', key, noNonce, { authTagLength: 16 })
    mac.setAAD(block)
    mac.final()
    return mac.getAuthTag()
  }
  return {
    isSame: (index, block) => {
      const found = fingerprint(block)
      const recorded = sent[index]
      if (recorded !== undefined) return timingSafeEqual(recorded, found)
      sent[index] = found
      return true
    }
  }
}

/**
 * Compares ciphertext with the record of its earlier attempts, block by block, before any byte of a block passes.
 *
 * @shape  the same bytes in blocks of 256 KiB
 * @units  holds one block
 * @errors those of its source; `CosException` of a `SourceError` if a block differs from the one that was sent before
 */
export const requireSameBytes = (sent: SentBlocks, context: Context) =>
  async function* (ciphertext: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
    let index = 0
    for await (const block of cutBlocks(ioChunkSize)(ciphertext)) {
      if (!sent.isSame(index, block))
        throw new CosException({
          _tag: 'SourceError',
          context,
          cause: new Error(
            'the body is not the one of an earlier attempt: it would be encrypted with a key stream that was used'
          )
        })
      index += 1
      yield block
    }
  }
