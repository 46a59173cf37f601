/**
 * `bandwidth`, in real time: the bytes of each second, of 1 and 4 requests in flight. Uploads are counted by the server as
 * they arrive, downloads by their reader.
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import * as E from 'fp-ts/lib/Either.js'
import { exampleCredentials } from '../../lib/emulator/index.js'
import {
  createClient,
  formatError,
  getObject,
  putObject,
  send,
  withSignal,
  type Client
} from '../../lib/index.js'
import type { Arrival } from '../support/counting-server.js'
import type { Table } from '../support/measure.js'
import { isShort, scale } from '../support/settings.js'

const MiB = 1024 * 1024
const rates = isShort ? [20] : [1, 5, 20]
const inFlight = [1, 4]
// Seconds whose bytes are counted.
const seconds = scale(10, 2)
const bucket = 'examplebucket-1250000000'

/** Zeros of the length, in chunks of 64 KiB. */
function* zeros(length: number): Generator<Buffer> {
  const chunk = Buffer.alloc(64 * 1024)
  for (let left = length; left > 0; left -= chunk.length)
    yield chunk.subarray(0, Math.min(left, chunk.length))
}

const upload = async (client: Client, key: string, size: number, signal: AbortSignal): Promise<void> => {
  const body = Readable.from(zeros(size), { objectMode: false })
  const result = await withSignal(signal)(send(putObject({ bucket, key, body, contentLength: size })))(
    client
  )()
  if (E.isLeft(result) && !signal.aborted) throw new Error(formatError(result.left))
}

const download = async (
  client: Client,
  size: number,
  signal: AbortSignal,
  count: (bytes: number) => void
): Promise<void> => {
  const key = `zeros-${String(size)}`
  const result = await withSignal(signal)(send(getObject({ bucket, key })))(client)()
  if (E.isLeft(result)) throw new Error(formatError(result.left))
  try {
    for await (const chunk of result.right.body) count((chunk as Buffer).length)
  } catch (thrown) {
    if (!signal.aborted) throw thrown
  }
}

/** The bytes of windows of 1 s as parts of the rate, the first window from the first byte, each `step` ms after the one before. */
const windowsOf = (arrivals: ReadonlyArray<Arrival>, rate: number, step: number): ReadonlyArray<number> => {
  const start = arrivals[0]?.at ?? 0
  return Array.from({ length: Math.floor(((seconds - 1) * 1000) / step) + 1 }, (_, n) => {
    const from = start + n * step
    const within = arrivals.filter(({ at }) => at >= from && at < from + 1000)
    return within.reduce((sum, { bytes }) => sum + bytes, 0) / rate
  })
}

const extremes = (values: ReadonlyArray<number>): string =>
  `${Math.min(...values).toFixed(3)} to ${Math.max(...values).toFixed(3)}`

export const bandwidth = async (): Promise<Table> => {
  const child = fork(fileURLToPath(new URL('../support/counting-server.js', import.meta.url)), {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc']
  })
  const [port] = (await once(child, 'message')) as [number]
  const rows: Array<ReadonlyArray<string>> = []
  const measure = async (direction: 'up' | 'down', mebibytes: number, requests: number): Promise<void> => {
    const rate = mebibytes * MiB
    const client = createClient({
      ...{ region: 'ap-guangzhou', scheme: 'http', address: `127.0.0.1:${String(port)}` },
      ...{ credentials: exampleCredentials, bandwidth: { up: rate, down: rate } }
    })
    if (E.isLeft(client)) throw new Error(formatError(client.left))
    const size = Math.ceil((rate * (seconds + 5)) / requests)
    const signal = AbortSignal.timeout((seconds + 1) * 1000)
    const delay = monitorEventLoopDelay({ resolution: 5 })
    delay.enable()
    const read: Array<Arrival> = []
    const count = (bytes: number): void => void read.push({ at: performance.now(), bytes })
    await Promise.all(
      Array.from({ length: requests }, (_, n) =>
        direction === 'up'
          ? upload(client.right, `up-${String(n)}`, size, signal)
          : download(client.right, size, signal, count)
      )
    )
    delay.disable()
    await client.right.close()
    child.send('report')
    const [received] = (await once(child, 'message')) as [ReadonlyArray<Arrival>]
    const arrivals = direction === 'up' ? received : read
    rows.push([
      ...[direction, String(mebibytes), String(requests)],
      ...[1000, 50].map((step) => extremes(windowsOf(arrivals, rate, step))),
      (delay.max / 1e6).toFixed(0)
    ])
  }
  try {
    for (const direction of ['up', 'down'] as const)
      for (const mebibytes of rates)
        for (const requests of inFlight) await measure(direction, mebibytes, requests)
  } finally {
    child.kill()
  }
  return {
    title: `\`bandwidth\`: bytes of each second as parts of the limit, ${String(seconds)} s for each row`,
    columns: [
      ...['direction', 'limit, MiB/s', 'requests in flight'],
      ...['seconds from the first byte', 'windows of 1 s each 50 ms', 'longest delay of the event loop, ms']
    ],
    rows
  }
}
