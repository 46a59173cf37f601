/** The client of MinIO. */
import { Readable } from 'node:stream'
import { bucket, partSize, type Peer } from '../support/peer.js'
import { loadPeer, s3Key, s3Region } from '../support/peers.js'

interface Minio {
  readonly putObject: (
    bucket: string,
    key: string,
    body: Buffer | Readable,
    size?: number
  ) => Promise<unknown>
  readonly statObject: (bucket: string, key: string) => Promise<unknown>
  readonly getObject: (bucket: string, key: string) => Promise<Readable>
  readonly fGetObject: (bucket: string, key: string, path: string) => Promise<unknown>
  readonly listObjectsV2: (bucket: string, prefix: string, recursive: boolean) => Readable
}

export const connect = (origin: string): Peer | undefined => {
  const minio = loadPeer('minio') as { readonly Client: new (options: object) => Minio } | undefined
  if (minio === undefined) return undefined
  const { hostname, port } = new URL(origin)
  const client = new minio.Client({
    endPoint: hostname,
    port: Number(port),
    useSSL: false,
    region: s3Region,
    pathStyle: true,
    partSize,
    accessKey: s3Key.id,
    secretKey: s3Key.secret
  })
  return {
    name: 'minio',
    integrity: 'MD5 of parts up, none down',
    put: (key, body) => client.putObject(bucket, key, body, body.length),
    head: (key) => client.statObject(bucket, key),
    upload: (key, chunks) => client.putObject(bucket, key, Readable.from(chunks(), { objectMode: false })),
    download: (key) => client.getObject(bucket, key),
    downloadFile: (key, path) => client.fGetObject(bucket, key, path),
    list: async (prefix) => {
      let count = 0
      for await (const _entry of client.listObjectsV2(bucket, prefix, true)) count += 1
      return count
    }
  }
}
