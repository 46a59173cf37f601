/** Putting an answer on the wire, as it is or as a fault would have it. */
import type { ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { type EmulatorResponse, type ResponseBody, errorXml, type Origin } from '../http/response.js'
import type { InjectedResponse, Fault } from '../fault.js'

type Chunks = AsyncIterable<Uint8Array>

/** The connection is over, by the caller's will or by a fault's. */
export class ConnectionLost extends Error {}

// -- what a fault makes of an answer --
/** An answer made of thin air. */
export const injectedResponse = (said: InjectedResponse, origin: Origin): EmulatorResponse => {
  const body =
    said.body ?? (said.code === undefined ? '' : errorXml(said.code, said.message ?? said.code, origin))
  return {
    status: said.status,
    code: said.code ?? '',
    headers: { 'content-type': said.contentType ?? 'application/xml', ...said.headers },
    body: body.length === 0 ? { _tag: 'None' } : { _tag: 'Bytes', bytes: Buffer.from(body) }
  }
}

/** A success that turns out to be none: 200, and the error in the body. */
export const errorInsideSuccess = (
  answer: EmulatorResponse,
  error: NonNullable<Fault['error']>,
  origin: Origin
): EmulatorResponse => {
  if (answer.body._tag === 'Stream') answer.body.close()
  const text = errorXml(error.code, error.message ?? error.code, origin)
  return {
    status: 200,
    code: error.code,
    headers: { 'content-type': 'application/xml' },
    body: {
      _tag: 'Stream',
      close: () => undefined,
      async *open() {
        yield Buffer.from(text)
      }
    }
  }
}

async function* flipByte(at: number, chunks: Chunks): AsyncGenerator<Uint8Array, void, undefined> {
  let start = 0
  for await (const chunk of chunks) {
    const here = at - start
    start += chunk.length
    if (here < 0 || here >= chunk.length) yield chunk
    else {
      // A copy: the chunk may be the store's own memory.
      const copy = Buffer.from(chunk)
      copy.writeUInt8(copy.readUInt8(here) ^ 0xff, here)
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
    // Once: a stall that ended with its chunk is over.
    if (left === 0) left = -1
  }
}

interface Shaped {
  readonly size: number | undefined
  readonly chunks: () => Chunks
}

const shape = (body: ResponseBody, fault: Fault, signal: AbortSignal): Shaped => {
  if (body._tag === 'None') return { size: 0, async *chunks() {} }
  const size = body._tag === 'Bytes' ? body.bytes.length : body.size
  const open = (): Chunks =>
    body._tag === 'Stream'
      ? body.open()
      : (async function* () {
          yield body.bytes
        })()
  const { flip, shorten, keepAlive, dribble, stall, cut: end } = fault
  return {
    size: size === undefined ? undefined : Math.min(size, shorten ?? size) + (keepAlive?.bytes ?? 0),
    chunks: () => {
      let chunks = open()
      if (flip !== undefined) chunks = flipByte(flip, chunks)
      if (shorten !== undefined) chunks = cutShort(shorten, chunks)
      if (dribble !== undefined) chunks = sendSlowly(dribble, chunks, signal)
      if (keepAlive !== undefined) chunks = sendWithSpaces(keepAlive, chunks, signal)
      if (stall !== undefined) chunks = stallAfter(stall, chunks, signal)
      // The length in the head stays what it was: this one is no short answer, it is a broken one.
      if (end?.at === 'body') chunks = cutShort(end.after, chunks)
      return chunks
    }
  }
}

// -- the wire --
/** Ends the connection, in order or with a reset. */
export const cut = (response: ServerResponse, reset: boolean): ConnectionLost => {
  const { socket } = response
  if (reset) socket?.resetAndDestroy()
  else socket?.destroy()
  return new ConnectionLost('cut by a fault')
}

/** Writes a chunk; returns when there is room for another, or throws when there is no one to read it. */
const write = async (response: ServerResponse, chunk: Uint8Array): Promise<void> => {
  if (response.destroyed) throw new ConnectionLost('the caller left')
  if (response.write(chunk)) return
  await new Promise<void>((resolve) => {
    const done = (): void => {
      response.off('drain', done).off('close', done)
      resolve()
    }
    response.on('drain', done).on('close', done)
  })
}

/** Returns when all that was written has left this process. */
const flushed = (response: ServerResponse): Promise<void> =>
  new Promise((resolve) => {
    response.write('', () => {
      resolve()
    })
  })

const headersOf = (
  answer: EmulatorResponse,
  size: number | undefined,
  fault: Fault,
  isHead: boolean
): Record<string, string> => {
  // A HEAD tells the length that a GET would have; of an error it has none to tell.
  const bodyless = answer.status === 204 || answer.status === 304
  const length = isHead && answer.status >= 400 ? 0 : size
  return Object.fromEntries(
    Object.entries({
      ...answer.headers,
      'content-length': bodyless || length === undefined ? null : String(length),
      ...fault.headers
    }).flatMap(([name, value]) => (value === null ? [] : [[name, value]]))
  )
}

export interface WriteOptions {
  readonly response: ServerResponse
  readonly isHead: boolean
  readonly fault: Fault
  /** Ends all waiting: the emulator closes. */
  readonly signal: AbortSignal
  readonly sent: (bytes: number) => void
}

/**
 * Sends an answer, and closes what it holds, however it ends.
 *
 * @errors throws `Gone` where the connection was over before the answer was
 */
export const writeResponse = async (answer: EmulatorResponse, sending: WriteOptions): Promise<void> => {
  const { response, isHead, fault, signal, sent } = sending
  const reset = fault.reset ?? false
  try {
    if (fault.delay !== undefined) await sleep(fault.delay, undefined, { signal })
    if (fault.cut?.at === 'head') throw cut(response, reset)
    const { size, chunks } = shape(answer.body, fault, signal)
    response.writeHead(answer.status, headersOf(answer, size, fault, isHead))
    if (isHead || answer.body._tag === 'None') {
      response.end()
      return
    }
    // Whoever waits for the first byte should see the head meanwhile.
    response.flushHeaders()
    for await (const chunk of chunks()) {
      sent(chunk.length)
      await write(response, chunk)
    }
    if (fault.cut?.at === 'body') {
      await flushed(response)
      throw cut(response, reset)
    }
    response.end()
  } finally {
    if (answer.body._tag === 'Stream') answer.body.close()
  }
}
