/** Handles one request: head, fault, handler, response, record. */
import { randomBytes } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { TLSSocket } from 'node:tls'
import * as E from 'fp-ts/lib/Either.js'
import { type EmulatorResponse, fromServiceError, type Origin } from '../http/response.js'
import { authenticate } from '../http/authenticate.js'
import type { EmulatorRequest, EmulatorContext, RequestBody } from '../http/request.js'
import type { Fault } from '../fault.js'
import { corsResponseHeaders } from '../handlers/shared/cors.js'
import { handlerOf } from '../handlers/index.js'
import type { RequestRecord } from '../options.js'
import { type ServiceError, serviceError } from '../http/service-error.js'
import { operationOf, readTarget, type Target } from '../http/route.js'
import { throttle } from './faulty-body.js'
import { cut, errorInsideSuccess, injectedResponse, ConnectionLost, writeResponse } from './write-response.js'

const asBase64 = (text: string): string => Buffer.from(text).toString('base64').replaceAll('=', '')

// Of the process; a random number for each request would take 30 us of CPU (Node 20).
const run = randomBytes(4).toString('hex')
let ids = 0

/** In the form of COS's ids: Base64 of a time and 16 hex digits, here of the process and of a counter. */
const newId = (now: number): string => {
  ids = (ids + 1) % 0x1_0000_0000
  return asBase64(`${Math.floor(now / 1000).toString(16)}_${run}${ids.toString(16).padStart(8, '0')}`)
}

const flatten = (headers: IncomingMessage['headers']): Record<string, string> => {
  const flat: Record<string, string> = {}
  for (const name of Object.keys(headers)) {
    const value = headers[name]
    if (value !== undefined) flat[name] = typeof value === 'string' ? value : value.join(', ')
  }
  return flat
}

const secrets = new Set(['authorization', 'x-cos-security-token', 'q-signature', 'sign'])
const isSecret = (name: string): boolean => secrets.has(name) || name.endsWith('-customer-key')
const redacted = '(not shown)'
const hide = (values: Readonly<Record<string, string>>): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [name, isSecret(name) ? redacted : value]))

let lastDate = { second: NaN, text: '' }

/** The header `Date`, formatted once a second. */
const dateOf = (now: number): string => {
  const second = Math.floor(now / 1000)
  if (second !== lastDate.second) lastDate = { second, text: new Date(now).toUTCString() }
  return lastDate.text
}

/** The parts of the server that a request uses. */
export interface ServerContext {
  readonly emulator: EmulatorContext
  /** Counts a request of this operation; returns its number, from 1. */
  readonly count: (operation: string) => number
  /** The number of requests that are served now, without those that a fault refuses unperformed. */
  readonly serving: { current: number }
  /**
   * Adds a request to `requests()`. Called before the first byte of the response, so that a client that has the response
   * finds the record. The returned function freezes the record when the request is over.
   */
  readonly addRecord: (view: () => RequestRecord) => () => void
  /** Aborts when the emulator closes. */
  readonly signal: AbortSignal
}

/** The state of a request, for the server's `clientError` listener, which knows the connection only. */
export interface Progress {
  readonly origin: Origin
  readonly request: IncomingMessage
  readonly response: ServerResponse
  bytesIn: number
  bytesOut: number
  /** The error that the listener sent in place of the response. */
  connectionError: ServiceError | undefined
}

const createBody = (expectsContinue: boolean, progress: Progress): RequestBody => {
  const { request, response } = progress
  const declared = request.headers['content-length']
  return {
    declared: declared === undefined ? undefined : Number(declared),
    chunked: request.headers['transfer-encoding'] !== undefined,
    async *read() {
      if (expectsContinue && !response.headersSent) response.writeContinue()
      const chunks: AsyncIterable<Buffer> = request.iterator({ destroyOnReturn: false })
      for await (const chunk of chunks) {
        progress.bytesIn += chunk.length
        yield chunk
      }
    }
  }
}

/** The body as it arrives over a connection of `bytesPerSecond`. */
const throttleBody = (body: RequestBody, fault: Fault, signal: AbortSignal): RequestBody => {
  const rate = fault.throttle?.up
  return rate === undefined ? body : { ...body, read: () => throttle(rate, body.read(), signal) }
}

const isRefused = ({ response }: Fault): boolean => response !== undefined && response.when !== 'performed'

/** Reads and discards at most `limit` bytes of a body. */
const drain = async (body: RequestBody, limit: number): Promise<void> => {
  let left = limit
  if (left === 0) return
  for await (const chunk of body.read()) {
    left -= chunk.length
    if (left <= 0) return
  }
}

const withoutRange = ({ range: _range, ...others }: EmulatorRequest['headers']): EmulatorRequest['headers'] =>
  others

const runHandler = async (
  { emulator }: ServerContext,
  request: EmulatorRequest,
  ignoreRange: boolean
): Promise<E.Either<ServiceError, EmulatorResponse>> => {
  const sender = authenticate(emulator.settings.credentials, request, request.now)
  if (E.isLeft(sender)) return sender
  const { anonymous } = sender.right
  // Removed after the signature check, because the signature covers it.
  const headers = ignoreRange ? withoutRange(request.headers) : request.headers
  return handlerOf(request.operation)(emulator, { ...request, headers, anonymous })()
}

/** The response of the handler, or the one that the fault injects. */
const chooseResponse = async (
  server: ServerContext,
  request: EmulatorRequest,
  fault: Fault,
  origin: Origin
): Promise<EmulatorResponse> => {
  const { response: injected, error, ignoreRange } = fault
  if (injected !== undefined && injected.when !== 'performed') {
    if (injected.when !== 'early') await drain(request.body, Infinity)
    return injectedResponse(injected, origin)
  }
  const handled = await runHandler(server, request, ignoreRange === true)
  const response = E.isRight(handled) ? handled.right : fromServiceError(handled.left, origin)
  if (injected !== undefined) {
    if (response.body._tag === 'Stream') response.body.close()
    return injectedResponse(injected, origin)
  }
  return error === undefined ? response : errorInsideSuccess(response, error, origin)
}

const addCommonHeaders = (
  { emulator }: ServerContext,
  fault: Fault,
  origin: Origin,
  cors: Readonly<Record<string, string>>,
  response: EmulatorResponse
): EmulatorResponse => ({
  ...response,
  headers: {
    ...cors,
    ...response.headers,
    date: dateOf(emulator.settings.now()),
    server: 'tencent-cos',
    ...(fault.response?.requestId === false
      ? {}
      : {
          'x-cos-request-id': origin.requestId,
          ...(response.status >= 300 || response.code !== '' ? { 'x-cos-trace-id': origin.traceId } : {})
        })
  }
})

const internalError = (thrown: unknown): ServiceError =>
  serviceError(
    'InternalError',
    `The emulator failed: ${thrown instanceof Error ? thrown.message : String(thrown)}`
  )

const unknownTarget = (host: string, rawPath: string): Target => ({
  host,
  rawPath,
  bucket: '',
  key: '',
  query: {},
  signedPaths: []
})

/**
 * Handles a request.
 *
 * @shape  every failure is a response, or a record with status 0; rejects only if `now` of the caller's throws
 */
export const handleRequest = async (
  server: ServerContext,
  request: IncomingMessage,
  response: ServerResponse,
  expectsContinue: boolean,
  onStart: (progress: Progress) => void
): Promise<void> => {
  const { emulator, signal } = server
  const now = emulator.settings.now()
  const headers = flatten(request.headers)
  const method = request.method ?? 'GET'
  const host = headers['host'] ?? ''
  const url = request.url ?? '/'
  const parsed = readTarget(emulator.hosts, url, host)
  const target = E.isRight(parsed) ? parsed.right : unknownTarget(host, url.replace(/\?.*$/s, ''))
  const origin: Origin = {
    host: target.host,
    rawPath: target.rawPath,
    requestId: newId(now),
    traceId: newId(now)
  }
  const progress: Progress = {
    origin,
    request,
    response,
    bytesIn: 0,
    bytesOut: 0,
    connectionError: undefined
  }
  onStart(progress)
  const { requestId } = origin
  const operation = E.isRight(parsed) ? operationOf(method, target, headers) : 'Unknown'
  const body = createBody(expectsContinue, progress)
  const { bucket, key, query } = target
  const faultInput = { operation, method, bucket, key, query, headers, count: server.count(operation) }
  const { serving } = server
  let isServed = false
  const isHead = method === 'HEAD'
  const onBytesSent = (bytes: number): void => {
    progress.bytesOut += bytes
  }
  const noResponse = { status: 0, code: '' }
  let sent: Pick<EmulatorResponse, 'status' | 'code'> = noResponse
  const view = (): RequestRecord => {
    const { status, code } = response.headersSent ? sent : (progress.connectionError ?? noResponse)
    const { bytesIn, bytesOut } = progress
    return {
      ...{ operation, method, bucket, key, status, code, query: hide(query), headers: hide(headers) },
      ...{ bytesIn, bytesOut, requestId }
    }
  }
  let freezeRecord: (() => void) | undefined
  const respond = async (chosen: EmulatorResponse, fault: Fault): Promise<void> => {
    const { store, settings } = emulator
    // Errors have the headers too: without them a browser hides the response from the page.
    const cors = corsResponseHeaders(store.bucket(bucket), settings.cors, method, headers['origin'])
    const complete = addCommonHeaders(server, fault, origin, cors, chosen)
    // A client that waits for `100 Continue` and gets a final response may or may not send its body: the next bytes on
    // the connection could be either.
    if (expectsContinue && progress.bytesIn === 0 && !request.complete)
      response.setHeader('connection', 'close')
    sent = complete
    freezeRecord ??= server.addRecord(view)
    await writeResponse(complete, { response, isHead, fault, signal, onBytesSent })
  }
  try {
    const fault = emulator.settings.fault({ ...faultInput, serving: serving.current }) ?? {}
    isServed = !isRefused(fault)
    if (isServed) serving.current += 1
    const sentBody = throttleBody(body, fault, signal)
    if (fault.cut?.at === 'request') {
      await drain(sentBody, fault.cut.after)
      freezeRecord ??= server.addRecord(view)
      throw cut(response, fault)
    }
    const scheme = request.socket instanceof TLSSocket ? 'https' : 'http'
    const emulatorRequest = {
      ...target,
      operation,
      method,
      headers,
      now,
      requestId,
      scheme,
      body: sentBody
    } as const
    await respond(
      E.isLeft(parsed)
        ? fromServiceError(parsed.left, origin)
        : await chooseResponse(server, emulatorRequest, fault, origin),
      fault
    )
  } catch (thrown) {
    const isLost = thrown instanceof ConnectionLost || response.headersSent || signal.aborted
    if (thrown instanceof ConnectionLost && thrown.isHalfClosed) request.resume()
    else if (isLost || response.socket?.destroyed !== false) response.destroy()
    else await respond(fromServiceError(internalError(thrown), origin), {}).catch(() => response.destroy())
  } finally {
    if (isServed) serving.current -= 1
  }
  // An unread rest of the body would block the next request on the connection.
  if (!request.complete) request.resume()
  freezeRecord ??= server.addRecord(view)
  freezeRecord()
}
