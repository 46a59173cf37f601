/** The body of a response as a fault changes it. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { ResponseBody } from '../http/response.js'
import type { Fault } from '../fault.js'

type Chunks = AsyncIterable<Uint8Array>

async function* flipByte(at: number, chunks: Chunks): AsyncGenerator<Uint8Array, void, undefined> {
  let start = 0
  for await (const chunk of chunks) {
    const offset = at - start
    start += chunk.length
    if (offset < 0 || offset >= chunk.length) yield chunk
    else {
      // A copy, because the chunk may be a view of the store's memory.
      const copy = Buffer.from(chunk)
      copy.writeUInt8(copy.readUInt8(offset) ^ 0xff, offset)
      yield copy
    }
  }
}

async function* cutShort(size: number, chunks: Chunks): AsyncGenerator<Uint8Array, void, undefined> {
  let left = size
  if (left === 0) return
  for await (const chunk of chunks) {
    yield chunk.subarray(0, left)
    left -= chunk.length
    if (left <= 0) return
  }
}

async function* sendSlowly(
  { size, pause }: NonNullable<Fault['dribble']>,
  chunks: Chunks,
  signal: AbortSignal
): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const chunk of chunks)
    for (let at = 0; at < chunk.length; at += size) {
      yield chunk.subarray(at, at + size)
      await sleep(pause, undefined, { signal })
    }
}

async function* sendWithSpaces(
  { bytes, pause = 0 }: NonNullable<Fault['keepAlive']>,
  chunks: Chunks,
  signal: AbortSignal
): AsyncGenerator<Uint8Array, void, undefined> {
  for (let at = 0; at < bytes; at += 1) {
    yield Buffer.from(' \r\n'.charAt(at % 3))
    if (pause > 0) await sleep(pause, undefined, { signal })
  }
  yield* chunks
}

async function* stallAfter(
  { after, pause }: NonNullable<Fault['stall']>,
  chunks: Chunks,
  signal: AbortSignal
): AsyncGenerator<Uint8Array, void, undefined> {
  let left = after
  for await (const chunk of chunks) {
    if (left >= 0 && left <= chunk.length) {
      if (left > 0) yield chunk.subarray(0, left)
      await sleep(pause, undefined, { signal })
      if (left < chunk.length) yield chunk.subarray(left)
    } else yield chunk
    left -= chunk.length
    // A stall at the end of a chunk must not repeat at the start of the next.
    if (left === 0) left = -1
  }
}

/** Removes the rows of these parts from a List Parts document. */
async function* omitParts(
  numbers: ReadonlyArray<number>,
  chunks: Chunks
): AsyncGenerator<Uint8Array, void, undefined> {
  const all: Array<Uint8Array> = []
  for await (const chunk of chunks) all.push(chunk)
  const rows = new RegExp(`<Part><PartNumber>(?:${numbers.join('|')})</PartNumber>.*?</Part>`, 'gs')
  yield Buffer.from(Buffer.concat(all).toString().replace(rows, ''))
}

// In milliseconds between two chunks of a throttled body.
const throttleInterval = 20

/** Passes bytes at a rate. The first ones wait too, so that a short body takes its time. */
export async function* throttle<A extends Uint8Array>(
  bytesPerSecond: number,
  chunks: AsyncIterable<A>,
  signal: AbortSignal
): AsyncGenerator<Uint8Array, void, undefined> {
  const size = Math.max(1, Math.floor((bytesPerSecond * throttleInterval) / 1000))
  let due = performance.now()
  for await (const chunk of chunks)
    for (let at = 0; at < chunk.length; at += size) {
      const bytes = chunk.subarray(at, at + size)
      due = Math.max(due, performance.now() - throttleInterval) + (bytes.length * 1000) / bytesPerSecond
      const wait = due - performance.now()
      if (wait > 0) await sleep(wait, undefined, { signal })
      yield bytes
    }
}

interface FaultyBody {
  readonly size: number | undefined
  readonly chunks: () => Chunks
}

/** The body as the fault changes it, and its length before a `cut`. */
export const applyFault = (body: ResponseBody, fault: Fault, signal: AbortSignal): FaultyBody => {
  if (body._tag === 'None') return { size: 0, async *chunks() {} }
  const size = body._tag === 'Bytes' ? body.bytes.length : body.size
  const open = (): Chunks =>
    body._tag === 'Stream'
      ? body.open()
      : (async function* () {
          yield body.bytes
        })()
  const { flip, shorten, keepAlive, dribble, stall, loseParts, throttle: rates, cut: end } = fault
  return {
    size: size === undefined ? undefined : Math.min(size, shorten ?? size) + (keepAlive?.bytes ?? 0),
    chunks: () => {
      let chunks = open()
      if (loseParts !== undefined) chunks = omitParts(loseParts, chunks)
      if (flip !== undefined) chunks = flipByte(flip, chunks)
      if (shorten !== undefined) chunks = cutShort(shorten, chunks)
      if (dribble !== undefined) chunks = sendSlowly(dribble, chunks, signal)
      if (keepAlive !== undefined) chunks = sendWithSpaces(keepAlive, chunks, signal)
      if (rates?.down !== undefined) chunks = throttle(rates.down, chunks, signal)
      if (stall !== undefined) chunks = stallAfter(stall, chunks, signal)
      // Content-Length keeps the full length: the client must see a broken response, not a short one.
      if (end?.at === 'body') chunks = cutShort(end.after, chunks)
      return chunks
    }
  }
}
