/** Between cutParts and sendParts: bytes -> cutParts -> Part -> hashParts -> HashedPart -> sendParts -> SentPart */
import { createHash } from 'node:crypto'
import { setImmediate } from 'node:timers/promises'
import * as O from 'fp-ts/lib/Option.js'
import { ioChunkSize } from '../core/limits.js'
import type { Part } from './cut-parts.js'
import { sliceChunks } from './iterables.js'
import { crc64Hasher } from '../core/crc64.js'

export interface HashedPart extends Part {
  /** Of this part alone, unsigned. */
  readonly crc64: bigint
  /** The value of a `Content-MD5` header: base64 of 16 bytes. None without the option `md5`. */
  readonly md5: O.Option<string>
}

export interface HashPartsOptions {
  readonly md5?: boolean
}

/** Hashes the bytes with a turn of the event loop after each 256 KiB. */
const hashInTurns = async (
  chunks: ReadonlyArray<Uint8Array>,
  update: (bytes: Uint8Array) => void
): Promise<void> => {
  let sinceTurn = 0
  for (const bytes of sliceChunks(ioChunkSize)(chunks)) {
    update(bytes)
    sinceTurn += bytes.length
    if (sinceTurn >= ioChunkSize) {
      sinceTurn = 0
      await setImmediate()
    }
  }
}

const crc64Of = async ({ chunks, crc64 }: Part): Promise<bigint> => {
  if (crc64 !== undefined) return crc64
  // One hasher for each part, not for the run: a run that is abandoned at a `yield` would never release its hasher.
  const hasher = await crc64Hasher()
  try {
    await hashInTurns(chunks, hasher.update)
    return hasher.digest()
  } finally {
    hasher.release()
  }
}

const md5InTurns = async ({ chunks }: Part): Promise<string> => {
  // Node's MD5 hashes 630 MiB/s, hash-wasm's 470. Each part creates a new one, because it cannot be reset.
  const hash = createHash('md5')
  await hashInTurns(chunks, (bytes) => hash.update(bytes))
  return hash.digest('base64')
}

/**
 * Hashes each part as it passes. A CRC64 that `cutParts` computed is kept.
 *
 * @shape  one `HashedPart` for each `Part`, in the same order
 * @units  holds one part at a time; reads none ahead
 * @errors only those of its source, unchanged
 * @source https://cloud.tencent.com/document/product/436/7750
 */
export const hashParts = ({ md5 = false }: HashPartsOptions = {}) =>
  async function* (parts: AsyncIterable<Part>): AsyncGenerator<HashedPart, void, undefined> {
    for await (const part of parts) {
      const [crc64, digest] = await Promise.all([crc64Of(part), md5 ? md5InTurns(part).then(O.some) : O.none])
      yield { ...part, crc64, md5: digest }
    }
  }
