/** Upload and download throughput of cospipe, of undici alone with the same requests, and of the official SDK. */
import { createWriteStream } from 'node:fs'
import { mkdtemp, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { Writable } from 'node:stream'
import type { Dispatcher } from 'undici'
import { downloadStream, getObject, send, uploadStream } from '../../lib/index.js'
import { bucket, host, officialSdk, setUp, value, workers } from '../support/contenders.js'
import { compareContenders, MiB, type Table } from '../support/measure.js'

const total = 512 * MiB
const amount = { count: total / MiB, unit: 'MiB' } as const
const partSize = 8 * MiB
const parts = total / partSize
const inFlight = 4

async function* chunks(): AsyncGenerator<Uint8Array, void, undefined> {
  const chunk = Buffer.alloc(64 * 1024, 'x')
  for (let sent = 0; sent < total; sent += chunk.length) yield chunk
}

const discard = (): Writable =>
  new Writable({
    write: (_chunk, _encoding, done) => {
      done()
    }
  })

// -- undici alone: the same requests, not counted, hashed, signed or checked --
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
  await pipeline(answer.body, discard())
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

export const uploading = async (): Promise<Table> => {
  const { client, agent, address, origin, stop } = await setUp()
  const sdk = officialSdk(address, { ChunkParallelLimit: inFlight, FileParallelLimit: 1 })
  const file = await aFile()
  const table = await compareContenders('Upload of 512 MiB, 8 MiB parts, 4 in flight', amount, [
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
  const sdk = officialSdk(address, { ChunkParallelLimit: inFlight, FileParallelLimit: 1 })
  const key = `zeros-${String(total)}`
  const table = await compareContenders('Download of 512 MiB, discarded', amount, [
    { name: 'undici alone: one GET', run: () => bareDownload(agent, origin) },
    {
      name: 'cospipe getObject: one GET, CRC64',
      run: async () => pipeline(value(await send(getObject({ bucket, key }))(client)()).body, discard())
    },
    {
      name: 'cospipe downloadStream: 4 x 8 MiB, CRC64',
      run: async () => pipeline(value(await downloadStream({ bucket, key })(client)()).body, discard())
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
