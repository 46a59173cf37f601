/** Writes a response to the socket, as it is or as a fault changes it. */
import { STATUS_CODES, type ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { type EmulatorResponse, type ResponseBody, errorXml, type Origin } from '../http/response.js'
import type { InjectedResponse, Fault } from '../fault.js'

type Chunks = AsyncIterable<Uint8Array>

/** The connection ended: the client closed it, or a fault did. */
export class ConnectionLost extends Error {}

// -- faults --
/** The response that a fault specifies. */
export const injectedResponse = (injected: InjectedResponse, origin: Origin): EmulatorResponse => {
  const { code, message } = injected
  const body = injected.body ?? (code === undefined ? '' : errorXml(code, message ?? code, origin))
  return {
    status: injected.status,
    code: code ?? '',
    headers: { 'content-type': injected.contentType ?? 'application/xml', ...injected.headers },
    body: body.length === 0 ? { _tag: 'None' } : { _tag: 'Bytes', bytes: Buffer.from(body) }
  }
}

/** Status 200 with an error document in the body, as COS may respond to a copy or a completion. */
export const errorInsideSuccess = (
  response: EmulatorResponse,
  error: NonNullable<Fault['error']>,
  origin: Origin
): EmulatorResponse => {
  if (response.body._tag === 'Stream') response.body.close()
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

interface FaultyBody {
  readonly size: number | undefined
  readonly chunks: () => Chunks
}

const applyFault = (body: ResponseBody, fault: Fault, signal: AbortSignal): FaultyBody => {
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
      // Content-Length keeps the full length: the client must see a broken response, not a short one.
      if (end?.at === 'body') chunks = cutShort(end.after, chunks)
      return chunks
    }
  }
}

// -- socket --
/** Ends the connection, with FIN or with a reset. */
export const cut = (response: ServerResponse, reset: boolean): ConnectionLost => {
  const { socket } = response
  if (reset) socket?.resetAndDestroy()
  else socket?.destroy()
  return new ConnectionLost('cut by a fault')
}

/** Writes a chunk; resolves when there is room for another, throws if the client closed the connection. */
const write = async (response: ServerResponse, chunk: Uint8Array): Promise<void> => {
  if (response.destroyed) throw new ConnectionLost('closed by the client')
  if (response.write(chunk)) return
  await new Promise<void>((resolve) => {
    const done = (): void => {
      response.off('drain', done).off('close', done)
      resolve()
    }
    response.on('drain', done).on('close', done)
  })
}

/** Resolves when all written bytes have left this process. */
const flush = (response: ServerResponse): Promise<void> =>
  new Promise((resolve) => {
    response.write('', () => {
      resolve()
    })
  })

const specialNames: Readonly<Record<string, string>> = { etag: 'ETag', 'content-md5': 'Content-MD5' }

/** COS's spelling of a header name: programs index `ETag` and `Content-Length` by it. `x-cos-*` is in lower case. */
const spellHeader = (name: string): string =>
  name.startsWith('x-')
    ? name
    : (specialNames[name] ?? name.replace(/(^|-)[a-z]/g, (match) => match.toUpperCase()))

const headersOf = (
  response: EmulatorResponse,
  size: number | undefined,
  fault: Fault,
  isHead: boolean
): Record<string, string> => {
  // HEAD has the Content-Length that GET would have, and 0 for an error.
  const hasNoLength = response.status === 204 || response.status === 304
  const length = isHead && response.status >= 400 ? 0 : size
  return Object.fromEntries(
    Object.entries({
      ...response.headers,
      'content-length': hasNoLength || length === undefined ? null : String(length),
      ...fault.headers
    }).flatMap(([name, value]) => (value === null ? [] : [[spellHeader(name), value]]))
  )
}

/** The head as the socket has it. */
const headText = (status: number, headers: Readonly<Record<string, string>>): string =>
  [
    `HTTP/1.1 ${String(status)} ${STATUS_CODES[status] ?? ''}`,
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    '\r\n'
  ].join('\r\n')

/** Writes to the connection itself; resolves when the bytes have left this process. */
const writeRaw = ({ socket }: ServerResponse, text: string): Promise<void> =>
  new Promise((resolve) => {
    if (socket === null || text === '') resolve()
    else
      socket.write(text, 'latin1', () => {
        resolve()
      })
  })

export interface WriteOptions {
  readonly response: ServerResponse
  readonly isHead: boolean
  readonly fault: Fault
  /** Aborts delays and stalls when the emulator closes. */
  readonly signal: AbortSignal
  readonly onBytesSent: (bytes: number) => void
}

/**
 * Sends a response, and closes its body whether it succeeds or not.
 *
 * @errors throws `ConnectionLost` if the connection ended before the response did
 */
export const writeResponse = async (
  { status, headers, code, body }: EmulatorResponse,
  options: WriteOptions
): Promise<void> => {
  const { response, isHead, fault, signal, onBytesSent } = options
  const reset = fault.reset ?? false
  try {
    if (fault.delay !== undefined) await sleep(fault.delay, undefined, { signal })
    const { size, chunks } = applyFault(body, fault, signal)
    const sent = headersOf({ status, headers, code, body }, size, fault, isHead)
    if (fault.cut?.at === 'head') {
      await writeRaw(response, headText(status, sent).slice(0, fault.cut.after ?? 0))
      throw cut(response, reset)
    }
    response.writeHead(status, sent)
    if (isHead || body._tag === 'None') {
      response.end()
      return
    }
    // The client sees the head even if the first byte of the body is delayed. An empty write sends it in Latin-1;
    // `flushHeaders` sends it in UTF-8 (Node 20.20), and would change bytes above 0x7F.
    response.write(new Uint8Array(0))
    for await (const chunk of chunks()) {
      onBytesSent(chunk.length)
      await write(response, chunk)
    }
    if (fault.cut?.at === 'body') {
      await flush(response)
      throw cut(response, reset)
    }
    response.end()
  } finally {
    if (body._tag === 'Stream') body.close()
  }
}
