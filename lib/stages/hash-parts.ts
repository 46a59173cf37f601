/** Between cutParts and sendParts: bytes -> cutParts -> Part -> hashParts -> HashedPart -> sendParts -> SentPart */
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
  /** The value of a `Content-MD5` header: base64 of 16 bytes. None without the option `md5`. */
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
 * @errors only those of its source, unchanged
 * @source https://cloud.tencent.com/document/product/436/7750
 */
export const hashParts = (options: HashPartsOptions = {}) =>
  async function* (parts: AsyncIterable<Part>): AsyncGenerator<HashedPart, void, undefined> {
    for await (const part of parts) {
      // One hasher for each part, not for the run: a run that is abandoned at a `yield` would never release its hasher.
      const crc64 = await crc64Hasher()
      // Node's MD5 hashes 630 MiB/s, hash-wasm's 470. Each part creates a new one, because it cannot be reset.
      const md5 = options.md5 === true ? createHash('md5') : undefined
      let sinceTurn = 0
      for (const bytes of sliceChunks(ioChunkSize)(part.chunks)) {
        crc64.update(bytes)
        md5?.update(bytes)
        sinceTurn += bytes.length
        if (sinceTurn >= ioChunkSize) {
          sinceTurn = 0
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
