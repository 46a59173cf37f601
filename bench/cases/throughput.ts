/** Bytes up and down, beside undici alone doing the same requests, and beside the official SDK. */
import { createRequire } from 'node:module'
import { createWriteStream } from 'node:fs'
import { mkdtemp, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { Writable } from 'node:stream'
import * as E from 'fp-ts/lib/Either.js'
import { Agent, type Dispatcher } from 'undici'
import {
  createClient,
  describe,
  downloadStream,
  getObject,
  send,
  uploadStream,
  type Client,
  type CosError
} from '../../lib/index.js'
import { compared, MiB, serverProcess, type Table } from '../support/measure.js'

const bucket = 'examplebucket-1250000000'
const host = `${bucket}.cos.ap-guangzhou.myqcloud.com`
const total = 512 * MiB
const partSize = 8 * MiB
const parts = total / partSize
const inFlight = 4

const value = <A>(result: E.Either<CosError, A>): A => {
  if (E.isLeft(result)) throw new Error(describe(result.left))
  return result.right
}

async function* chunks(): AsyncGenerator<Uint8Array, void, undefined> {
  const chunk = Buffer.alloc(64 * 1024, 'x')
  for (let sent = 0; sent < total; sent += chunk.length) yield chunk
}

const nowhere = (): Writable =>
  new Writable({
    write: (_chunk, _encoding, done) => {
      done()
    }
  })

/** n workers over numbered work. */
const workers = async (count: number, n: number, work: (at: number) => Promise<void>): Promise<void> => {
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

// -- undici alone: the same requests, with nothing counted, hashed, signed or checked --
const bareUpload = async (agent: Dispatcher, origin: string): Promise<void> => {
  const part = Buffer.alloc(partSize, 'x')
  const ask = async (method: 'POST' | 'PUT', path: string, body: Buffer | null): Promise<void> => {
    const answer = await agent.request({ origin, method, path, headers: { host }, body })
    await answer.body.dump()
  }
  await ask('POST', '/k?uploads', null)
  await workers(parts, inFlight, (at) => ask('PUT', `/k?partNumber=${String(at + 1)}&uploadId=u`, part))
  await ask('POST', '/k?uploadId=u', Buffer.from('<CompleteMultipartUpload/>'))
}

const bareDownload = async (agent: Dispatcher, origin: string): Promise<void> => {
  const answer = await agent.request({
    origin,
    method: 'GET',
    path: `/zeros-${String(total)}`,
    headers: { host }
  })
  await pipeline(answer.body, nowhere())
}

// -- the official SDK --
interface Sdk {
  readonly sliceUploadFile: (parameters: object) => Promise<unknown>
  readonly getObject: (parameters: object) => Promise<unknown>
}

const officialSdk = (address: string): Sdk => {
  const load: unknown = createRequire(import.meta.url)('cos-nodejs-sdk-v5')
  const Cos = load as new (options: object) => Sdk
  return new Cos({
    SecretId: 'AKIDbenchExampleNotARealSecretId0001',
    SecretKey: 'benchExampleNotARealSecretKey000001',
    Protocol: 'http:',
    Domain: address,
    UploadCheckContentMd5: false,
    ChunkParallelLimit: inFlight,
    FileParallelLimit: 1
  })
}

const aFile = async (): Promise<{ readonly path: string; readonly remove: () => Promise<void> }> => {
  const dir = await mkdtemp(join(tmpdir(), 'cospipe-bench-'))
  const path = join(dir, 'file')
  const handle = await open(path, 'w')
  const chunk = Buffer.alloc(MiB, 'x')
  for (let at = 0; at < total; at += MiB) await handle.write(chunk)
  await handle.close()
  return { path, remove: () => rm(dir, { recursive: true }) }
}

const setUp = async (): Promise<{
  readonly client: Client
  readonly agent: Agent
  readonly address: string
  readonly origin: string
  readonly stop: () => Promise<void>
}> => {
  const server = await serverProcess('null-cos')
  const client = E.getOrElse((): Client => {
    throw new Error('no client')
  })(
    createClient({
      region: 'ap-guangzhou',
      scheme: 'http',
      address: server.address,
      credentials: { secretId: 'AKIDbenchExampleNotARealSecretId0001', secretKey: 'benchExampleKey' }
    })
  )
  const agent = new Agent({ pipelining: 1 })
  return {
    client,
    agent,
    address: server.address,
    origin: `http://${server.address}`,
    stop: async () => {
      await client.close()
      await agent.destroy()
      server.stop()
    }
  }
}

export const uploading = async (): Promise<Table> => {
  const { client, agent, address, origin, stop } = await setUp()
  const sdk = officialSdk(address)
  const file = await aFile()
  const table = await compared('Upload of 512 MiB, 8 MiB parts, 4 in flight', total, [
    { name: 'undici alone: one buffer, sent 64 times', run: () => bareUpload(agent, origin) },
    {
      name: 'cospipe uploadStream: 64 KiB chunks, CRC64',
      run: async () => value(await uploadStream({ bucket, key: 'k', partSize })(chunks())(client)())
    },
    {
      name: 'cos-nodejs-sdk-v5 sliceUploadFile: from a file',
      run: () =>
        sdk.sliceUploadFile({
          Bucket: bucket,
          Region: 'ap-guangzhou',
          Key: 'k',
          FilePath: file.path,
          ChunkSize: partSize,
          AsyncLimit: inFlight
        })
    }
  ])
  await file.remove()
  await stop()
  return table
}

export const downloading = async (): Promise<Table> => {
  const { client, agent, address, origin, stop } = await setUp()
  const sdk = officialSdk(address)
  const key = `zeros-${String(total)}`
  const table = await compared('Download of 512 MiB to nowhere', total, [
    { name: 'undici alone: one GET', run: () => bareDownload(agent, origin) },
    {
      name: 'cospipe getObject: one GET, CRC64',
      run: async () => pipeline(value(await send(getObject({ bucket, key }))(client)()).body, nowhere())
    },
    {
      name: 'cospipe downloadStream: 4 x 8 MiB, CRC64',
      run: async () => pipeline(value(await downloadStream({ bucket, key })(client)()).body, nowhere())
    },
    {
      name: 'cos-nodejs-sdk-v5 getObject: to a stream',
      run: () =>
        sdk.getObject({
          Bucket: bucket,
          Region: 'ap-guangzhou',
          Key: key,
          Output: createWriteStream('/dev/null')
        })
    }
  ])
  await stop()
  return table
}
