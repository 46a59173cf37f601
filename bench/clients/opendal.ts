/** OpenDAL, which is written in Rust. */
import { createWriteStream } from 'node:fs'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { bucket, inFlight, partSize, type Peer } from '../support/peer.js'
import { loadPeer, s3Key, s3Region } from '../support/peers.js'

interface Operator {
  readonly write: (path: string, bytes: Buffer) => Promise<unknown>
  readonly stat: (path: string) => Promise<unknown>
  readonly list: (path: string) => Promise<ReadonlyArray<unknown>>
  readonly writer: (
    path: string,
    options: object
  ) => Promise<{
    readonly write: (bytes: Uint8Array) => Promise<void>
    readonly close: () => Promise<void>
  }>
  readonly reader: (path: string, options?: object) => Promise<{ readonly createReadStream: () => Readable }>
}

export const connect = (origin: string): Peer | undefined => {
  const opendal = loadPeer('opendal') as
    { readonly Operator: new (scheme: string, options: object) => Operator } | undefined
  if (opendal === undefined) return undefined
  const operator = new opendal.Operator('s3', {
    root: '/',
    bucket,
    endpoint: origin,
    region: s3Region,
    access_key_id: s3Key.id,
    secret_access_key: s3Key.secret,
    disable_config_load: 'true',
    disable_ec2_metadata: 'true'
  })
  const get = async (key: string): Promise<Readable> =>
    (await operator.reader(key, { chunk: partSize, concurrent: inFlight })).createReadStream()
  return {
    name: 'opendal 0.49.2 (Rust)',
    integrity: 'none',
    put: (key, body) => operator.write(key, body),
    head: (key) => operator.stat(key),
    upload: async (key, chunks) => {
      const writer = await operator.writer(key, { chunk: BigInt(partSize), concurrent: inFlight })
      for await (const chunk of chunks()) await writer.write(chunk)
      await writer.close()
    },
    download: get,
    downloadFile: async (key, path) => pipeline(await get(key), createWriteStream(path)),
    list: async (prefix) => (await operator.list(prefix)).length
  }
}
