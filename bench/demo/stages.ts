/** The stages of the demo. A stage is a function from one AsyncIterable to another. */
import type { Hash } from 'node:crypto'
import { pipeline } from 'node:stream'
import { createGzip } from 'node:zlib'

type Bytes = AsyncIterable<Uint8Array>

export interface Counter {
  bytes: number
}

/** Counts bytes as they pass. */
export const countBytes = (counter: Counter) =>
  async function* (source: Bytes): AsyncGenerator<Uint8Array, void, undefined> {
    for await (const chunk of source) {
      counter.bytes += chunk.length
      yield chunk
    }
  }

/** Hashes bytes as they pass. */
export const hashBytes = (hash: Hash) =>
  async function* (source: Bytes): AsyncGenerator<Uint8Array, void, undefined> {
    for await (const chunk of source) {
      hash.update(chunk)
      yield chunk
    }
  }

/** Node's gzip. The length of its output is not known in advance. */
export const gzip = (source: Bytes): Bytes => pipeline(source, createGzip({ level: 1 }), () => undefined)

/** Reads to the end. */
export const drain = async (source: Bytes): Promise<void> => {
  for await (const _ of source);
}
