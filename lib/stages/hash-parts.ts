/** Between cutting and sending: bytes -> cutting -> Part -> hashing -> HashedPart -> sending -> SentPart */
import { createHash } from 'node:crypto'
import { setImmediate } from 'node:timers/promises'
import * as O from 'fp-ts/lib/Option.js'
import { crc64Hasher } from '../core/crc64.js'
import { ioChunkSize } from '../core/limits.js'
import type { Part } from './cut-parts.js'
import { sliceChunks } from './iterables.js'

export interface HashedPart extends Part {
  /** Of this part alone, unsigned. */
  readonly crc64: bigint
  /** Base64 of 16 bytes, ready to be a `Content-MD5` header; none unless asked for. */
  readonly md5: O.Option<string>
}

export interface HashPartsOptions {
  readonly md5?: boolean
}

/**
 * Hashes each part as it passes.
 *
 * @shape  one `HashedPart` for each `Part`, in the same order
 * @units  holds one part at a time; reads none ahead
 * @errors only those of its source, untouched
 * @source https://cloud.tencent.com/document/product/436/7750
 */
export const hashParts = (options: HashPartsOptions = {}) =>
  async function* (parts: AsyncIterable<Part>): AsyncGenerator<HashedPart, void, undefined> {
    for await (const part of parts) {
      // Lent for a part, not for a run: a run may be abandoned at a `yield` and never come back to return it.
      const crc64 = await crc64Hasher()
      // Node's MD5 does 630 MiB/s where hash-wasm does 470; each part creates a new one, because it has no reset.
      const md5 = options.md5 === true ? createHash('md5') : undefined
      let since = 0
      for (const bytes of sliceChunks(ioChunkSize)(part.chunks)) {
        crc64.update(bytes)
        md5?.update(bytes)
        since += bytes.length
        if (since >= ioChunkSize) {
          since = 0
          await setImmediate()
        }
      }
      const hashed: HashedPart = {
        ...part,
        crc64: crc64.digest(),
        md5: O.fromNullable(md5?.digest('base64'))
      }
      crc64.release()
      yield hashed
    }
  }
