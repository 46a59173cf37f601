/** Writes a response to the socket, as it is or as a fault changes it. */
import { STATUS_CODES, type ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { type EmulatorResponse, errorXml, type Origin, type ResponseBody } from '../http/response.js'
import type { InjectedResponse, Fault } from '../fault.js'
import { ConnectionLost, cut } from './connection.js'
import { applyFault } from './faulty-body.js'

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

// -- socket --
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

const spellings = new Map([
  ['etag', 'ETag'],
  ['content-md5', 'Content-MD5']
])

/** COS's spelling of a header name: programs index `ETag` and `Content-Length` by it. `x-cos-*` is in lower case. */
const spellHeader = (name: string): string => {
  if (name.startsWith('x-')) return name
  const known = spellings.get(name)
  if (known !== undefined) return known
  const spelled = name.replace(/(^|-)[a-z]/g, (match) => match.toUpperCase())
  // The names are those of the emulator and of a script's faults: a few dozen.
  spellings.set(name, spelled)
  return spelled
}

/** Names in lower case; `null` omits a header. */
type Headers = Readonly<Record<string, string | null>>

/** Names and values alternate, as Node sends them. */
type RawHeaders = Array<string>

/** The headers as they are sent. Those of a later layer replace those of an earlier one. */
const headersOf = (layers: ReadonlyArray<Headers>): RawHeaders => {
  const values = new Map<string, string | null>()
  for (const layer of layers) for (const name in layer) values.set(name, layer[name] ?? null)
  const raw: Array<string> = []
  for (const [name, value] of values) if (value !== null) raw.push(spellHeader(name), value)
  return raw
}

/** HEAD has the Content-Length that GET would have, and 0 for an error. */
const lengthHeader = (status: number, isHead: boolean, size: number | undefined): Headers => {
  const length = isHead && status >= 400 ? 0 : size
  return status === 204 || status === 304 || length === undefined ? {} : { 'content-length': String(length) }
}

/** The head as the socket has it. */
const headText = (status: number, headers: RawHeaders): string => {
  let text = `HTTP/1.1 ${String(status)} ${STATUS_CODES[status] ?? ''}\r\n`
  for (const [at, field] of headers.entries()) text += at % 2 === 0 ? `${field}: ` : `${field}\r\n`
  return `${text}\r\n`
}

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
 * @shape  `headers` in layers: those of a later one replace those of an earlier one
 * @errors throws `ConnectionLost` if the connection ended before the response did
 */
export const writeResponse = async (
  status: number,
  headers: ReadonlyArray<Headers>,
  body: ResponseBody,
  { response, isHead, fault, signal, onBytesSent }: WriteOptions
): Promise<void> => {
  try {
    if (fault.delay !== undefined) await sleep(fault.delay, undefined, { signal })
    const { size, chunks } = applyFault(body, fault, signal)
    const sent = headersOf([...headers, lengthHeader(status, isHead, size), fault.headers ?? {}])
    if (fault.cut?.at === 'head') {
      await writeRaw(response, headText(status, sent).slice(0, fault.cut.after ?? 0))
      throw cut(response, fault)
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
      throw cut(response, fault)
    }
    response.end()
  } finally {
    if (body._tag === 'Stream') body.close()
  }
}
