/** Handles one request: head, fault, handler, response, record. */
import { randomBytes } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { TLSSocket } from 'node:tls'
import * as E from 'fp-ts/lib/Either.js'
import { type EmulatorResponse, fromServiceError, type Origin, traceIdOf } from '../http/response.js'
import { authenticate } from '../http/authenticate.js'
import type { EmulatorContext, RoutedRequest } from '../http/request.js'
import type { Fault } from '../fault.js'
import { corsResponseHeaders } from '../handlers/shared/cors.js'
import { handlerOf } from '../handlers/index.js'
import type { RequestRecord } from '../options.js'
import { type ServiceError, serviceError } from '../http/service-error.js'
import { operationOf, readTarget, type Target } from '../http/route.js'
import { ConnectionLost, cut } from './connection.js'
import { drain, requestBody, throttleBody } from './request-body.js'
import { errorInsideSuccess, injectedResponse, writeResponse } from './write-response.js'

// Of the process; a random number for each request would take 30 us of CPU (Node 20).
const run = randomBytes(4).toString('hex')
let ids = 0

/** In the form of COS's ids: Base64 of a time and 16 hex digits, here of the process and of a counter. */
const newId = (now: number): string => {
  ids = (ids + 1) % 0x1_0000_0000
  const text = `${Math.floor(now / 1000).toString(16)}_${run}${ids.toString(16).padStart(8, '0')}`
  // Base64 without padding: these bytes contain neither `+` nor `/`.
  return Buffer.from(text, 'latin1').toString('base64url')
}

type Headers = RoutedRequest['headers']

const flatten = (headers: IncomingMessage['headers']): Headers => {
  const flat: Record<string, string> = {}
  for (const name in headers) {
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

const isRefused = ({ response }: Fault): boolean => response !== undefined && response.when !== 'performed'

/** A request's head, and its body unread. */
type ReceivedRequest = Omit<RoutedRequest, keyof Target | 'anonymous'> & { readonly target: Target }

const withoutRange = ({ range: _range, ...others }: Headers): Headers => others

const runHandler = async (
  { emulator }: ServerContext,
  { target, operation, method, scheme, headers, body, now, requestId }: ReceivedRequest,
  ignoreRange: boolean
): Promise<E.Either<ServiceError, EmulatorResponse>> => {
  const { host, rawPath, bucket, key, query, signedPaths } = target
  const sender = authenticate(emulator.settings.credentials, { method, signedPaths, query, headers }, now)
  if (E.isLeft(sender)) return sender
  // A literal: properties behind a spread take V8 several times as long.
  return handlerOf(operation)(emulator, {
    host,
    rawPath,
    bucket,
    key,
    query,
    signedPaths,
    operation,
    method,
    scheme,
    // Removed after the signature check, because the signature covers it.
    headers: ignoreRange ? withoutRange(headers) : headers,
    body,
    now,
    requestId,
    anonymous: sender.right.anonymous
  })()
}

/** The response of the handler, or the one that the fault injects. */
const chooseResponse = async (
  server: ServerContext,
  request: ReceivedRequest,
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

/** The headers of every response. A fault may omit the ids. */
const commonHeaders = (
  { emulator }: ServerContext,
  fault: Fault,
  origin: Origin,
  { status, code }: Pick<EmulatorResponse, 'status' | 'code'>
): Headers => {
  const date = dateOf(emulator.settings.now())
  const server = 'tencent-cos'
  if (fault.response?.requestId === false) return { date, server }
  const ids = { date, server, 'x-cos-request-id': origin.requestId }
  return status >= 300 || code !== '' ? { ...ids, 'x-cos-trace-id': traceIdOf(origin) } : ids
}

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
  const hostHeader = headers['host'] ?? ''
  const url = request.url ?? '/'
  const parsed = readTarget(emulator.hosts, url, hostHeader)
  const target = E.isRight(parsed) ? parsed.right : unknownTarget(hostHeader, url.replace(/\?.*$/s, ''))
  const { host, rawPath, bucket, key, query } = target
  const requestId = newId(now)
  const origin: Origin = { host, rawPath, requestId }
  const progress: Progress = {
    origin,
    request,
    response,
    bytesIn: 0,
    bytesOut: 0,
    connectionError: undefined
  }
  onStart(progress)
  const operation = E.isRight(parsed) ? operationOf(method, target, headers) : 'Unknown'
  const count = server.count(operation)
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
    // A client that waits for `100 Continue` and gets a final response may or may not send its body: the next bytes on
    // the connection could be either.
    const isOutOfStep = expectsContinue && progress.bytesIn === 0 && !request.complete
    const connection = isOutOfStep ? { connection: 'close' } : {}
    sent = chosen
    freezeRecord ??= server.addRecord(view)
    const layers = [connection, cors, chosen.headers, commonHeaders(server, fault, origin, chosen)]
    await writeResponse(chosen.status, layers, chosen.body, { response, isHead, fault, signal, onBytesSent })
  }
  try {
    const input = { operation, method, bucket, key, query, headers, count, serving: serving.current }
    const fault = emulator.settings.fault(input) ?? {}
    isServed = !isRefused(fault)
    if (isServed) serving.current += 1
    const received = requestBody(request, response, expectsContinue, (bytes) => {
      progress.bytesIn += bytes
    })
    const body = throttleBody(received, fault, signal)
    if (fault.cut?.at === 'request') {
      await drain(body, fault.cut.after)
      freezeRecord ??= server.addRecord(view)
      throw cut(response, fault)
    }
    const scheme = request.socket instanceof TLSSocket ? 'https' : 'http'
    const head = { target, operation, method, scheme, headers, body, now, requestId } as const
    await respond(
      E.isLeft(parsed)
        ? fromServiceError(parsed.left, origin)
        : await chooseResponse(server, head, fault, origin),
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
  if (!request.readableEnded) request.resume()
  freezeRecord ??= server.addRecord(view)
  freezeRecord()
}
