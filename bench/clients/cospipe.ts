/** cospipe: signed, hashed and verified. */
import * as E from 'fp-ts/lib/Either.js'
import {
  createClient,
  downloadDirectory,
  downloadFile,
  downloadStream,
  formatError,
  headObject,
  putObject,
  send,
  streamObjects,
  uploadDirectory,
  uploadStream,
  type Client,
  type CosError
} from '../../lib/index.js'
import { bucket, fileConcurrency, inFlight, partSize, region, type Peer } from '../support/peer.js'

export const value = <A>(result: E.Either<CosError, A>): A => {
  if (E.isLeft(result)) throw new Error(formatError(result.left))
  return result.right
}

const drain = async (
  stream: AsyncIterable<{ readonly _tag: string }>,
  tag: 'Uploaded' | 'Downloaded'
): Promise<void> => {
  for await (const entry of stream) if (entry._tag !== tag) throw new Error(`an entry is ${entry._tag}`)
}

export const clientAt = (address: string): Client => {
  const client = createClient({
    region,
    scheme: 'http',
    address,
    credentials: { secretId: 'AKIDbenchExampleNotARealSecretId0001', secretKey: 'benchExampleKey' }
  })
  if (E.isLeft(client)) throw new Error(formatError(client.left))
  return client.right
}

/** With `durable`, as by default, it waits until the disk has the bytes. The other clients do not. */
export const downloadTo = async (
  client: Client,
  key: string,
  file: string,
  durable: boolean
): Promise<void> => {
  value(await downloadFile({ bucket, key, file, partSize, concurrency: inFlight, durable })(client)())
}

const peerOf = (client: Client): Peer => ({
  name: 'cospipe',
  integrity: 'CRC64 up and down',
  put: async (key, body) => value(await send(putObject({ bucket, key, body }))(client)()),
  head: async (key) => value(await send(headObject({ bucket, key }))(client)()),
  upload: async (key, chunks) =>
    value(await uploadStream({ bucket, key, partSize, concurrency: inFlight })(chunks())(client)()),
  download: async (key) =>
    value(await downloadStream({ bucket, key, partSize, concurrency: inFlight })(client)()).body,
  downloadFile: async (key, file) => {
    await downloadTo(client, key, file, true)
  },
  list: async (prefix) => {
    let count = 0
    for await (const _entry of streamObjects({ bucket, prefix })(client)) count += 1
    return count
  },
  uploadDirectory: (directory) =>
    drain(
      uploadDirectory({ bucket, directory, concurrency: fileConcurrency, skip: 'never' })(client),
      'Uploaded'
    ),
  downloadDirectory: (prefix, directory) =>
    drain(
      downloadDirectory({ bucket, prefix, directory, concurrency: fileConcurrency })(client),
      'Downloaded'
    ),
  close: () => client.close()
})

export const connect = (origin: string): Peer => peerOf(clientAt(new URL(origin).host))
