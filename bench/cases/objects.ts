/** The cost of one request: small objects, directories and listings, 16 requests in flight. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  downloadDirectory,
  headObject,
  putObject,
  send,
  streamObjects,
  uploadDirectory
} from '../../lib/index.js'
import { bucket, host, officialSdk, setUp, value, workers } from '../support/contenders.js'
import { compareContenders, type Table } from '../support/measure.js'

const count = 2000
const inFlight = 16
const size = 4096
const amount = { count, unit: 'object' } as const
const body = Buffer.alloc(size)

const nameOf = (at: number): string => `${String(at).padStart(8, '0')}.txt`

export const putting = async (): Promise<Table> => {
  const { client, agent, address, origin, stop } = await setUp()
  const sdk = officialSdk(address, { FileParallelLimit: inFlight })
  const table = await compareContenders('2,000 puts of 4 KiB, 16 in flight', amount, [
    {
      name: 'undici alone: not signed, not checked',
      run: () =>
        workers(count, inFlight, async (at) => {
          const path = `/${nameOf(at)}`
          const answer = await agent.request({ origin, path, method: 'PUT', headers: { host }, body })
          await answer.body.dump()
        })
    },
    {
      name: 'cospipe putObject: signed, CRC64',
      run: () =>
        workers(count, inFlight, async (at) => {
          value(await send(putObject({ bucket, key: nameOf(at), body }))(client)())
        })
    },
    {
      name: 'cos-nodejs-sdk-v5 putObject: signed',
      run: () =>
        workers(count, inFlight, async (at) => {
          await sdk.putObject({ Bucket: bucket, Region: 'ap-guangzhou', Key: nameOf(at), Body: body })
        })
    }
  ])
  await stop()
  return table
}

export const heading = async (): Promise<Table> => {
  const { client, agent, address, origin, stop } = await setUp()
  const sdk = officialSdk(address, { FileParallelLimit: inFlight })
  const table = await compareContenders('2,000 heads, 16 in flight', amount, [
    {
      name: 'undici alone: not signed',
      run: () =>
        workers(count, inFlight, async () => {
          const path = `/zeros-${String(size)}`
          const answer = await agent.request({
            origin,
            path,
            method: 'HEAD',
            headers: { host },
            reset: false
          })
          await answer.body.dump()
        })
    },
    {
      name: 'cospipe headObject: signed, typed',
      run: () =>
        workers(count, inFlight, async () => {
          value(await send(headObject({ bucket, key: `zeros-${String(size)}` }))(client)())
        })
    },
    {
      name: 'cos-nodejs-sdk-v5 headObject: signed',
      run: () =>
        workers(count, inFlight, async () => {
          await sdk.headObject({ Bucket: bucket, Region: 'ap-guangzhou', Key: `zeros-${String(size)}` })
        })
    }
  ])
  await stop()
  return table
}

const drain = async (stream: AsyncIterable<{ readonly _tag: string }>, done: string): Promise<void> => {
  let seen = 0
  for await (const entry of stream) if (entry._tag === done) seen += 1
  if (seen !== count) throw new Error(`${String(seen)} of ${String(count)} were ${done}`)
}

export const folderUp = async (): Promise<Table> => {
  const { client, agent, address, origin, stop } = await setUp()
  const sdk = officialSdk(address, { FileParallelLimit: inFlight })
  const directory = await mkdtemp(join(tmpdir(), 'cospipe-bench-'))
  for (let at = 0; at < count; at += 1) await writeFile(join(directory, nameOf(at)), body)
  const table = await compareContenders('Upload of a directory: 2,000 files of 4 KiB, 16 in flight', amount, [
    {
      name: 'undici alone: read and PUT',
      run: () =>
        workers(count, inFlight, async (at) => {
          const bytes = await readFile(join(directory, nameOf(at)))
          const path = `/${nameOf(at)}`
          const answer = await agent.request({ origin, path, method: 'PUT', headers: { host }, body: bytes })
          await answer.body.dump()
        })
    },
    {
      name: 'cospipe uploadDirectory: no skipping',
      run: () =>
        drain(
          uploadDirectory({ bucket, directory, concurrency: inFlight, skip: 'never' })(client),
          'Uploaded'
        )
    },
    {
      name: 'cos-nodejs-sdk-v5 uploadFiles',
      run: () =>
        sdk.uploadFiles({
          SliceSize: 1024 * 1024,
          files: Array.from({ length: count }, (_, at) => ({
            Bucket: bucket,
            Region: 'ap-guangzhou',
            Key: nameOf(at),
            FilePath: join(directory, nameOf(at))
          }))
        })
    }
  ])
  await rm(directory, { recursive: true })
  await stop()
  return table
}

export const folderDown = async (): Promise<Table> => {
  const { client, agent, origin, stop } = await setUp()
  const root = await mkdtemp(join(tmpdir(), 'cospipe-bench-'))
  const prefix = `objects-${String(count)}/`
  let run = 0
  const fresh = async (): Promise<string> => {
    run += 1
    const directory = join(root, String(run))
    await mkdir(directory)
    return directory
  }
  const table = await compareContenders(
    'Download of a directory: 2,000 files of 4 KiB, 16 in flight',
    amount,
    [
      {
        name: 'undici alone: GET and written in place',
        run: async () => {
          const directory = await fresh()
          await workers(count, inFlight, async (at) => {
            const name = String(at + 1).padStart(8, '0')
            const answer = await agent.request({
              origin,
              path: `/${prefix}${name}`,
              method: 'GET',
              headers: { host }
            })
            await writeFile(join(directory, name), Buffer.from(await answer.body.arrayBuffer()))
          })
        }
      },
      {
        name: 'cospipe downloadDirectory: listed, verified, renamed into place',
        run: async () =>
          drain(
            downloadDirectory({ bucket, prefix, directory: await fresh(), concurrency: inFlight })(client),
            'Downloaded'
          )
      }
    ]
  )
  await rm(root, { recursive: true })
  await stop()
  return table
}

const keys = 100_000

const pages = async (next: (marker: string) => Promise<string | undefined>): Promise<void> => {
  for (let marker: string | undefined = ''; marker !== undefined;) marker = await next(marker)
}

export const listing = async (): Promise<Table> => {
  const { client, agent, address, origin, stop } = await setUp()
  const sdk = officialSdk(address, {})
  const prefix = `objects-${String(keys)}/`
  const table = await compareContenders('A listing of 100,000 keys', { count: keys, unit: 'key' }, [
    {
      name: 'undici alone: pages read as text',
      run: () =>
        pages(async (marker) => {
          const path = `/?prefix=${encodeURIComponent(prefix)}&marker=${encodeURIComponent(marker)}`
          const answer = await agent.request({ origin, path, method: 'GET', headers: { host } })
          return /<NextMarker>(.*)<\/NextMarker>/.exec(await answer.body.text())?.[1]
        })
    },
    {
      name: 'cospipe streamObjects: entry by entry',
      run: async () => {
        let seen = 0
        for await (const _entry of streamObjects({ bucket, prefix })(client)) seen += 1
        if (seen !== keys) throw new Error(`${String(seen)} keys`)
      }
    },
    {
      name: 'cos-nodejs-sdk-v5 getBucket: page by page',
      run: () =>
        pages(async (marker) => {
          const at = { Bucket: bucket, Region: 'ap-guangzhou', Prefix: prefix, Marker: marker }
          return (await sdk.getBucket(at)).NextMarker
        })
    }
  ])
  await stop()
  return table
}
