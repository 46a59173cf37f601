/** The emulator as a double of COS at scale: start, keys put and listed, and the memory that they take. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import { exampleBucket, exampleCredentials } from '../../lib/emulator/index.js'
import { createClient, formatError, listObjects, putObject, run, send } from '../../lib/index.js'
import type { Table } from '../support/measure.js'
import { rawConnection, signedRequest } from '../support/raw-requests.js'
import { scale } from '../support/settings.js'

const keys = scale(100_000, 200)
const concurrency = 32

const right = <A>(result: E.Either<Parameters<typeof formatError>[0], A>): A => {
  if (E.isLeft(result)) throw new Error(formatError(result.left))
  return result.right
}

interface Child {
  /** `127.0.0.1:PORT` */
  readonly address: string
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
  return {
    address,
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

// -- clients --
/** The client that puts and lists all keys. */
interface Load {
  readonly putAll: () => Promise<void>
  readonly listAll: () => Promise<void>
  readonly close: () => Promise<unknown>
}

const keyOf = (n: number): string => `folder/${String(n).padStart(8, '0')}`

/** Calls `work` for each key, by `concurrency` workers. */
const forEachKey = async (work: (n: number, worker: number) => Promise<unknown>): Promise<void> => {
  let next = 0
  const run = async (_: unknown, worker: number): Promise<void> => {
    while (next < keys) await work(next++, worker)
  }
  await Promise.all(Array.from({ length: concurrency }, run))
}

/** Reads pages from the marker of each; `listPage` returns the number of keys and the next marker. */
const listPages = async (
  listPage: (marker: string) => Promise<readonly [number, string | undefined]>
): Promise<void> => {
  let marker: string | undefined = ''
  let count = 0
  while (marker !== undefined) {
    const [listed, next]: readonly [number, string | undefined] = await listPage(marker)
    count += listed
    marker = next
  }
  if (count !== keys) throw new Error(`${String(count)} keys were listed`)
}

const cospipeLoad = async (address: string): Promise<Load> => {
  const options = { region: 'ap-guangzhou', scheme: 'http', credentials: exampleCredentials } as const
  const client = right(createClient({ ...options, address }))
  return {
    putAll: () =>
      forEachKey(async (n) =>
        right(await run(client)(send(putObject({ bucket: exampleBucket, key: keyOf(n), body: 'hello' })))())
      ),
    listAll: () =>
      listPages(async (marker) => {
        const page = right(await run(client)(send(listObjects({ bucket: exampleBucket, marker })))())
        const { nextMarker } = page
        return [page.contents.length, page.isTruncated ? O.toUndefined(nextMarker) : undefined]
      }),
    close: () => client.close()
  }
}

const rawLoad = async (address: string): Promise<Load> => {
  const connections = await Promise.all(Array.from({ length: concurrency }, () => rawConnection(address)))
  const puts = Array.from({ length: keys }, (_, n) => signedRequest('PUT', `/${keyOf(n)}`, '', 'hello'))
  return {
    putAll: () => forEachKey(async (n, worker) => connections[worker]?.send(puts[n] ?? '')),
    listAll: () =>
      listPages(async (marker) => {
        const request = signedRequest('GET', '/', `marker=${encodeURIComponent(marker)}`)
        const text = (await connections[0]?.send(request)) ?? ''
        return [text.split('<Contents>').length - 1, /<NextMarker>([^<]*)</.exec(text)?.[1]]
      }),
    close: async () => {
      for (const { close } of connections) close()
    }
  }
}

// -- rows --
const measure = async (
  store: string,
  client: string,
  createLoad: (address: string) => Promise<Load>,
  ...args: ReadonlyArray<string>
): Promise<ReadonlyArray<string>> => {
  const child = await startChild(...args)
  const load = await createLoad(child.address)
  const measureCpu = async (work: () => Promise<void>): Promise<ReadonlyArray<string>> => {
    const [cpu, own, began] = [child.cpu(), process.cpuUsage(), performance.now()]
    await work()
    const seconds = (performance.now() - began) / 1000
    const { user, system } = process.cpuUsage(own)
    const perKey = [((child.cpu() - cpu) * 1e6) / keys, (user + system) / keys]
    return [(keys / seconds).toFixed(0), ...perKey.map((time) => time.toFixed(0))]
  }
  try {
    const before = child.rss()
    const put = await measureCpu(load.putAll)
    const perKey = (child.rss() - before) / keys
    const listed = await measureCpu(load.listAll)
    return [store, client, child.start.toFixed(2), ...put, ...listed, perKey.toFixed(0)]
  } finally {
    await load.close()
    await child.stop()
  }
}

export const emulator = async (): Promise<Table> => {
  const dirs = [1, 2].map(() => mkdtempSync(join(tmpdir(), 'cospipe-bench-')))
  const [first = '', second = ''] = dirs
  try {
    return {
      title: `The emulator: ${String(keys)} objects of 5 bytes, ${String(concurrency)} requests at the same time`,
      columns: [
        ...['store', 'client', 'start, s', 'puts a second', 'CPU a put, us', "the client's, us"],
        ...['keys listed a second', 'CPU a key, us', "the client's, us", 'resident memory a key, bytes']
      ],
      rows: [
        await measure('memory', 'raw requests', rawLoad),
        await measure('memory', 'cospipe', cospipeLoad),
        await measure('directory', 'raw requests', rawLoad, '--dir', first),
        await measure('directory', 'cospipe', cospipeLoad, '--dir', second)
      ]
    }
  } finally {
    for (const dir of dirs) rmSync(dir, { recursive: true, force: true })
  }
}
