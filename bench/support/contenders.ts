/** The contenders: undici alone as the baseline, cospipe, the official SDK, and the peers; all with the same server. */
import { createWriteStream } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import * as E from 'fp-ts/lib/Either.js'
import { Agent, type Dispatcher } from 'undici'
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
import { serverProcess, type Contender } from './measure.js'
import { bucket, inFlight, partSize, type Peer } from './peer.js'
import { peersAt } from './peers.js'

const region = 'ap-guangzhou'
const host = `${bucket}.cos.${region}.myqcloud.com`
/** Files of a directory at once. */
const fileConcurrency = 16

export const value = <A>(result: E.Either<CosError, A>): A => {
  if (E.isLeft(result)) throw new Error(formatError(result.left))
  return result.right
}

/** The contenders that have the call. `after` runs after each round, and is not measured. */
export const contendersOf = (
  peers: ReadonlyArray<Peer>,
  toRun: (peer: Peer) => (() => Promise<unknown>) | undefined,
  after?: () => Promise<void>
): ReadonlyArray<Contender> =>
  peers.flatMap((peer) => {
    const run = toRun(peer)
    return run === undefined ? [] : [{ name: peer.name, integrity: peer.integrity, run, after }]
  })

/** Runs numbered jobs, `n` at a time. */
export const workers = async (
  count: number,
  n: number,
  work: (at: number) => Promise<unknown>
): Promise<void> => {
  let next = 0
  await Promise.all(
    Array.from({ length: n }, async () => {
      while (next < count) {
        const at = next
        next += 1
        await work(at)
      }
    })
  )
}

// -- undici alone: the same requests, not signed, hashed or checked --
const bareUndici = (origin: string): Peer => {
  const agent = new Agent({ pipelining: 1 })
  const request = (
    method: Dispatcher.HttpMethod,
    path: string,
    body: Buffer | null = null
  ): Promise<Dispatcher.ResponseData> =>
    // By default undici closes the connection after each HEAD.
    agent.request({ origin, method, path, headers: { host }, body, reset: false })
  const ask = async (method: Dispatcher.HttpMethod, path: string, body?: Buffer): Promise<void> => {
    const { body: answer } = await request(method, path, body)
    await answer.dump()
  }
  return {
    name: 'undici alone: not signed, not checked',
    integrity: 'none',
    put: (key, body) => ask('PUT', `/${key}`, body),
    head: (key) => ask('HEAD', `/${key}`),
    upload: async (key, chunks) => {
      await ask('POST', `/${key}?uploads`)
      const sending = new Set<Promise<void>>()
      let number = 0
      const sendPart = async (part: Buffer): Promise<void> => {
        if (sending.size === inFlight) await Promise.race(sending)
        number += 1
        const sent = ask('PUT', `/${key}?partNumber=${String(number)}&uploadId=u`, part).finally(() => {
          sending.delete(sent)
        })
        sending.add(sent)
      }
      let part: Array<Uint8Array> = []
      let size = 0
      for await (const chunk of chunks()) {
        part.push(chunk)
        size += chunk.length
        if (size < partSize) continue
        await sendPart(Buffer.concat(part))
        part = []
        size = 0
      }
      if (size > 0) await sendPart(Buffer.concat(part))
      await Promise.all(sending)
      await ask('POST', `/${key}?uploadId=u`, Buffer.from('<CompleteMultipartUpload/>'))
    },
    download: async (key) => (await request('GET', `/${key}`)).body,
    downloadFile: async (key, path) => {
      await pipeline((await request('GET', `/${key}`)).body, createWriteStream(path))
    },
    list: async (prefix) => {
      let count = 0
      for (let marker: string | undefined = ''; marker !== undefined;) {
        const path = `/?prefix=${encodeURIComponent(prefix)}&marker=${encodeURIComponent(marker)}`
        const { body } = await request('GET', path)
        const text: string = await body.text()
        count += text.split('<Contents>').length - 1
        marker = /<NextMarker>(.*)<\/NextMarker>/.exec(text)?.[1]
      }
      return count
    },
    uploadDirectory: (directory, names) =>
      workers(names.length, fileConcurrency, async (at) => {
        const name = names[at] ?? ''
        await ask('PUT', `/${name}`, await readFile(join(directory, name)))
      }),
    downloadDirectory: (prefix, directory) =>
      workers(Number(/objects-(\d+)/.exec(prefix)?.[1]), fileConcurrency, async (at) => {
        const name = String(at + 1).padStart(8, '0')
        const { body } = await request('GET', `/${prefix}${name}`)
        await writeFile(join(directory, name), Buffer.from(await body.arrayBuffer()))
      }),
    close: () => agent.destroy()
  }
}

// -- cospipe --
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

const cospipe = (client: Client): Peer => ({
  name: 'cospipe',
  integrity: 'CRC64 up and down',
  put: async (key, body) => value(await send(putObject({ bucket, key, body }))(client)()),
  head: async (key) => value(await send(headObject({ bucket, key }))(client)()),
  upload: async (key, chunks) =>
    value(await uploadStream({ bucket, key, partSize, concurrency: inFlight })(chunks())(client)()),
  download: async (key) =>
    value(await downloadStream({ bucket, key, partSize, concurrency: inFlight })(client)()).body,
  downloadFile: async (key, file) =>
    value(await downloadFile({ bucket, key, file, partSize, concurrency: inFlight })(client)()),
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

// -- the official SDK --
type Call = (parameters: object) => Promise<unknown>

interface Sdk {
  readonly uploadFiles: Call
  readonly putObject: Call
  readonly headObject: Call
  readonly getObject: Call
  readonly getBucket: (
    parameters: object
  ) => Promise<{ readonly Contents: ReadonlyArray<unknown>; readonly NextMarker?: string }>
}

const officialSdk = (address: string): Peer => {
  const load: unknown = createRequire(import.meta.url)('cos-nodejs-sdk-v5')
  const Cos = load as new (options: object) => Sdk
  const sdk = new Cos({
    SecretId: 'AKIDbenchExampleNotARealSecretId0001',
    SecretKey: 'benchExampleNotARealSecretKey000001',
    Protocol: 'http:',
    Domain: address,
    UploadCheckContentMd5: false,
    FileParallelLimit: fileConcurrency
  })
  const at = (Key: string): object => ({ Bucket: bucket, Region: region, Key })
  return {
    name: 'cos-nodejs-sdk-v5',
    integrity: 'none',
    put: (key, Body) => sdk.putObject({ ...at(key), Body }),
    head: (key) => sdk.headObject(at(key)),
    // It has no upload of an unknown length.
    download: (key) => {
      const out = new PassThrough()
      sdk.getObject({ ...at(key), Output: out }).catch((error: unknown) => {
        out.destroy(error instanceof Error ? error : new Error('failed'))
      })
      return Promise.resolve(out)
    },
    downloadFile: (key, path) => sdk.getObject({ ...at(key), Output: createWriteStream(path) }),
    list: async (Prefix) => {
      let count = 0
      for (let Marker: string | undefined = ''; Marker !== undefined;) {
        const page: Awaited<ReturnType<Sdk['getBucket']>> = await sdk.getBucket({ ...at(''), Prefix, Marker })
        count += page.Contents.length
        Marker = page.NextMarker
      }
      return count
    },
    uploadDirectory: (directory, names) =>
      sdk.uploadFiles({
        SliceSize: 1024 * 1024,
        files: names.map((name) => ({ ...at(name), FilePath: join(directory, name) }))
      })
  }
}

export interface SetUp {
  readonly client: Client
  /** undici alone first: it is the baseline. */
  readonly contenders: ReadonlyArray<Peer>
  readonly stop: () => Promise<void>
}

export const setUp = async (): Promise<SetUp> => {
  const server = await serverProcess('null-cos')
  const origin = `http://${server.address}`
  const client = clientAt(server.address)
  const contenders = [bareUndici(origin), cospipe(client), officialSdk(server.address), ...peersAt(origin)]
  return {
    client,
    contenders,
    stop: async () => {
      for (const { close } of contenders) await close?.()
      server.stop()
    }
  }
}
