/** AES-256-CBC with PKCS#7 padding over a whole object, as old versions of the Java SDK write it. */
import { createDecipheriv } from 'node:crypto'
import { CosException, encryptionError, type Context } from '../core/error.js'
import type { DataKey } from './data-key.js'
import { encryptionProblem } from './problem.js'

/**
 * Decrypts a whole object. It authenticates nothing but the padding of the last block.
 *
 * @shape  the last chunk is yielded after its padding was checked
 * @errors those of its source; `EncryptionError` with reason `BadSegment` if the padding is wrong or the length is not a
 *         multiple of 16. A wrong key has a valid padding in one of 256 cases, and is then not noticed
 */
export const decryptCbc = ({ key, iv }: DataKey, context: Context) =>
  async function* (bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
    const decipher = createDecipheriv('aes-256-cbc', key, iv)
    for await (const chunk of bytes) {
      // The decipher holds back the last block.
      const plain = decipher.update(chunk)
      if (plain.length > 0) yield plain
    }
    let last: Buffer
    try {
      last = decipher.final()
    } catch {
      throw new CosException(
        encryptionError(context)(
          encryptionProblem('BadSegment', 'the padding is wrong: the ciphertext was changed or cut short')
        )
      )
    }
    if (last.length > 0) yield last
  }
