/** The emulator as a double of COS at scale: start, keys put and listed, and the memory that they take. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import * as E from 'fp-ts/lib/Either.js'
import { exampleBucket, exampleCredentials } from '../../lib/emulator/index.js'
import { createClient, formatError, listObjects, putObject, run, send, type Client } from '../../lib/index.js'
import type { Table } from '../support/measure.js'
import { scaled } from '../support/settings.js'

const keys = scaled(100_000, 200)
const concurrency = 32

const right = <A>(result: E.Either<Parameters<typeof formatError>[0], A>): A => {
  if (E.isLeft(result)) throw new Error(formatError(result.left))
  return result.right
}

interface Child {
  readonly client: Client
  /** Seconds to the ready line. */
  readonly start: number
  /** CPU seconds so far, user and system. Linux only. */
  readonly cpu: () => number
  /** Resident memory in bytes. */
  readonly rss: () => number
  readonly stop: () => Promise<unknown>
}

const ticksPerSecond = 100

const startChild = async (...args: ReadonlyArray<string>): Promise<Child> => {
  const began = performance.now()
  const cli = fileURLToPath(new URL('../../lib/emulator/cli.js', import.meta.url))
  const child = spawn(process.execPath, [cli, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  const [line] = (await once(child.stdout, 'data')) as [Buffer]
  const start = (performance.now() - began) / 1000
  const address = /127\.0\.0\.1:\d+/.exec(String(line))?.[0] ?? ''
  const read = (file: string): string => readFileSync(`/proc/${String(child.pid)}/${file}`, 'utf8')
  const options = {
    region: 'ap-guangzhou',
    scheme: 'http',
    address,
    credentials: exampleCredentials
  } as const
  return {
    client: right(createClient(options)),
    start,
    cpu: () => {
      const fields = read('stat')
        .replace(/^.*\) /, '')
        .split(' ')
      return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond
    },
    rss: () => Number(/VmRSS:\s+(\d+)/.exec(read('status'))?.[1] ?? 0) * 1024,
    stop: () => {
      const closed = once(child, 'close')
      child.kill()
      return closed
    }
  }
}

const putAll = async (client: Client): Promise<void> => {
  let next = 0
  const work = async (): Promise<void> => {
    while (next < keys) {
      const key = `folder/${String(next++).padStart(8, '0')}`
      right(await run(client)(send(putObject({ bucket: exampleBucket, key, body: 'hello' })))())
    }
  }
  await Promise.all(Array.from({ length: concurrency }, work))
}

const listAll = async (client: Client): Promise<void> => {
  let marker: string | undefined = ''
  let count = 0
  while (marker !== undefined) {
    const operation = listObjects({ bucket: exampleBucket, marker })
    const page = right(await run(client)(send(operation))())
    count += page.contents.length
    marker = page.isTruncated && page.nextMarker._tag === 'Some' ? page.nextMarker.value : undefined
  }
  if (count !== keys) throw new Error(`${String(count)} keys were listed`)
}

const measure = async (name: string, ...args: ReadonlyArray<string>): Promise<ReadonlyArray<string>> => {
  const child = await startChild(...args)
  const timed = async (work: (client: Client) => Promise<void>): Promise<readonly [string, string]> => {
    const [cpu, began] = [child.cpu(), performance.now()]
    await work(child.client)
    const seconds = (performance.now() - began) / 1000
    return [(keys / seconds).toFixed(0), (((child.cpu() - cpu) / keys) * 1e6).toFixed(0)]
  }
  try {
    const before = child.rss()
    const put = await timed(putAll)
    const perKey = (child.rss() - before) / keys
    const listed = await timed(listAll)
    return [name, child.start.toFixed(2), ...put, ...listed, perKey.toFixed(0)]
  } finally {
    await child.client.close()
    await child.stop()
  }
}

export const emulator = async (): Promise<Table> => {
  const dir = mkdtempSync(join(tmpdir(), 'cospipe-bench-'))
  try {
    return {
      title: `The emulator: ${String(keys)} objects of 5 bytes, ${String(concurrency)} requests at the same time`,
      columns: [
        ...['store', 'start, s', 'puts a second', 'its CPU a put, us'],
        ...['keys listed a second', 'its CPU a key, us', 'resident memory a key, bytes']
      ],
      rows: [await measure('memory'), await measure('directory', '--dir', dir)]
    }
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
}
