/** The SDK of AWS, with the multipart upload of lib-storage. */
import { createWriteStream } from 'node:fs'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { bucket, inFlight, partSize, type Peer } from '../support/peer.js'
import { loadPeer, s3Key, s3Region } from '../support/peers.js'

interface AwsOutput {
  readonly Body?: Readable
  readonly Contents?: ReadonlyArray<unknown>
  readonly NextContinuationToken?: string
}

interface Aws {
  readonly S3Client: new (options: object) => {
    readonly send: (command: object) => Promise<AwsOutput>
    readonly destroy: () => void
  }
  readonly PutObjectCommand: new (input: object) => object
  readonly HeadObjectCommand: new (input: object) => object
  readonly GetObjectCommand: new (input: object) => object
  readonly ListObjectsV2Command: new (input: object) => object
}

export const connect = (origin: string): Peer | undefined => {
  const aws = loadPeer('@aws-sdk/client-s3') as Aws | undefined
  if (aws === undefined) return undefined
  const { Upload } = loadPeer('@aws-sdk/lib-storage') as {
    readonly Upload: new (options: object) => { readonly done: () => Promise<unknown> }
  }
  const client = new aws.S3Client({
    endpoint: origin,
    region: s3Region,
    forcePathStyle: true,
    credentials: { accessKeyId: s3Key.id, secretAccessKey: s3Key.secret }
  })
  const get = async (Key: string): Promise<Readable> => {
    const { Body } = await client.send(new aws.GetObjectCommand({ Bucket: bucket, Key }))
    if (Body === undefined) throw new Error('no body')
    return Body
  }
  return {
    name: '@aws-sdk/client-s3, lib-storage',
    integrity: 'CRC32 up, none down',
    put: (Key, Body) => client.send(new aws.PutObjectCommand({ Bucket: bucket, Key, Body })),
    head: (Key) => client.send(new aws.HeadObjectCommand({ Bucket: bucket, Key })),
    upload: (Key, chunks) =>
      new Upload({
        client,
        partSize,
        queueSize: inFlight,
        params: { Bucket: bucket, Key, Body: Readable.from(chunks(), { objectMode: false }) }
      }).done(),
    download: get,
    downloadFile: async (key, path) => pipeline(await get(key), createWriteStream(path)),
    list: async (Prefix) => {
      let count = 0
      let ContinuationToken: string | undefined
      do {
        const page: AwsOutput = await client.send(
          new aws.ListObjectsV2Command({ Bucket: bucket, Prefix, ContinuationToken })
        )
        count += page.Contents?.length ?? 0
        ContinuationToken = page.NextContinuationToken
      } while (ContinuationToken !== undefined)
      return count
    },
    close: () => {
      client.destroy()
    }
  }
}
