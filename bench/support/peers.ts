/**
 * Other clients of object storage. They are installed in `bench/peers`, so that the project itself does not depend on
 * them; a case runs without those that are missing.
 */
import { spawnSync } from 'node:child_process'
import { createWriteStream, existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { resolve } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { bucket, inFlight, partSize, type Peer } from './peer.js'
import { isShort } from './settings.js'

const directory = resolve(import.meta.dirname, '../../../bench/peers')

export const installPeers = (): void => {
  if (isShort || existsSync(resolve(directory, 'node_modules'))) return
  const args = ['install', '--no-save', '--no-audit', '--no-fund', '--loglevel=error']
  spawnSync('npm', args, { cwd: directory, stdio: 'inherit', shell: process.platform === 'win32' })
}

/** A package of bench/peers. None if it is not installed. Its types are not: each use names what it needs. */
const load = (name: string): unknown => {
  if (isShort || !existsSync(resolve(directory, 'node_modules', name))) return undefined
  return createRequire(resolve(directory, 'package.json'))(name)
}

const accessKey = {
  id: 'AKIDbenchExampleNotARealSecretId0001',
  secret: 'benchExampleNotARealSecretKey000001'
}
const region = 'us-east-1'

// -- @aws-sdk/client-s3 --
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

const awsPeer = (origin: string): Peer | undefined => {
  const aws = load('@aws-sdk/client-s3') as Aws | undefined
  if (aws === undefined) return undefined
  const { Upload } = load('@aws-sdk/lib-storage') as {
    readonly Upload: new (options: object) => { readonly done: () => Promise<unknown> }
  }
  const client = new aws.S3Client({
    endpoint: origin,
    region,
    forcePathStyle: true,
    credentials: { accessKeyId: accessKey.id, secretAccessKey: accessKey.secret }
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

// -- minio --
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

const minioPeer = (origin: string): Peer | undefined => {
  const minio = load('minio') as { readonly Client: new (options: object) => Minio } | undefined
  if (minio === undefined) return undefined
  const { hostname, port } = new URL(origin)
  const client = new minio.Client({
    endPoint: hostname,
    port: Number(port),
    useSSL: false,
    region,
    pathStyle: true,
    partSize,
    accessKey: accessKey.id,
    secretKey: accessKey.secret
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

// -- OpenDAL --
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

const opendalPeer = (origin: string): Peer | undefined => {
  const opendal = load('opendal') as
    { readonly Operator: new (scheme: string, options: object) => Operator } | undefined
  if (opendal === undefined) return undefined
  const operator = new opendal.Operator('s3', {
    root: '/',
    bucket,
    endpoint: origin,
    region,
    access_key_id: accessKey.id,
    secret_access_key: accessKey.secret,
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

/** The peers that are installed. */
export const peersAt = (origin: string): ReadonlyArray<Peer> =>
  [awsPeer, minioPeer, opendalPeer].flatMap((create) => create(origin) ?? [])
