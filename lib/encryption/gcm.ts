/** AES-256-GCM over a whole object, with its tag at the end, as the Java SDK writes it. */
import { createDecipheriv } from 'node:crypto'
import { CosException, encryptionError, type Context } from '../core/error.js'
import type { DataKey } from './data-key.js'
import { encryptionProblem } from './problem.js'

/** In bytes, at the end of the object. */
export const tagSize = 16

/** The IV of CTR that decrypts a part of a GCM object: the counter of GCM starts at 1, and that block encrypts the tag. */
export const gcmCounter = ({ key, iv }: DataKey): DataKey => ({
  key,
  iv: Buffer.concat([iv, Buffer.of(0, 0, 0, 2)])
})

/**
 * Decrypts a whole object and checks its tag.
 *
 * The tag is at the end, so the plaintext before the last chunk is yielded before it is authenticated: nobody can hold
 * back 64 GiB. The last chunk is yielded after the check. A reader that does not act on bytes before the end is safe:
 * `toBuffer`, `toText` and `toFile` do not.
 *
 * @units  holds one chunk and 16 bytes
 * @errors those of its source; `EncryptionError` with reason `Truncated` for fewer than 16 bytes, `BadSegment` if the tag
 *         does not match: the ciphertext was changed, or its end is missing
 */
export const decryptGcm = ({ key, iv }: DataKey, context: Context) =>
  async function* (bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
    // Without authTagLength a tag of 4 bytes would be accepted too (Node 20).
    const decipher = createDecipheriv('aes-256-gcm', key, iv, { authTagLength: tagSize })
    let held: Buffer = Buffer.alloc(0)
    let pending: Buffer | undefined
    for await (const chunk of bytes) {
      const all = Buffer.concat([held, chunk])
      const end = Math.max(0, all.length - tagSize)
      held = all.subarray(end)
      if (end === 0) continue
      if (pending !== undefined) yield pending
      pending = decipher.update(all.subarray(0, end))
    }
    if (held.length < tagSize)
      throw new CosException(
        encryptionError(context)(encryptionProblem('Truncated', 'the object is shorter than its GCM tag'))
      )
    decipher.setAuthTag(held)
    try {
      decipher.final()
    } catch {
      throw new CosException(
        encryptionError(context)(
          encryptionProblem(
            'BadSegment',
            'the GCM tag does not match: the ciphertext was changed or cut short'
          )
        )
      )
    }
    if (pending !== undefined) yield pending
  }
