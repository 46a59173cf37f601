/** One request from its head to its record. */
import { randomBytes } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import * as E from 'fp-ts/lib/Either.js'
import { type EmulatorResponse, fromServiceError, type Origin } from '../http/response.js'
import { authenticate } from '../http/authenticate.js'
import type { EmulatorRequest, EmulatorContext, RequestBody } from '../http/request.js'
import type { Fault } from '../fault.js'
import { handlers } from '../handlers/index.js'
import type { RequestRecord } from '../options.js'
import { type ServiceError, serviceError } from '../http/service-error.js'
import { operationOf, readTarget, type Target } from '../http/route.js'
import { cut, errorInsideSuccess, injectedResponse, ConnectionLost, writeResponse } from './write-response.js'

const asBase64 = (text: string): string => Buffer.from(text).toString('base64').replaceAll('=', '')

/** As COS's look: Base64 of a time, and of what makes it the only one. */
const newId = (now: number): string =>
  asBase64(`${Math.floor(now / 1000).toString(16)}_${randomBytes(8).toString('hex')}`)

const flatten = (headers: IncomingMessage['headers']): Record<string, string> =>
  Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, typeof value === 'string' ? value : value.join(', ')]]
    )
  )

const secret = /^(?:authorization|x-cos-security-token|.*-customer-key)$/
const redacted = '(not shown)'
const hide = (values: Readonly<Record<string, string>>): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries(values).map(([name, value]) => [
      name,
      secret.test(name) || name === 'q-signature' || name === 'sign' ? redacted : value
    ])
  )

/** What an exchange needs of the server it is part of. */
export interface ServerContext {
  readonly house: EmulatorContext
  /** How many requests of this operation there were, this one included. */
  readonly count: (operation: string) => number
  /**
   * Shows a request among those that were asked: from before its answer's first byte, so that whoever has the answer
   * finds it there. The function that comes back says that nothing will change any more.
   */
  readonly show: (view: () => RequestRecord) => () => void
  readonly signal: AbortSignal
}

/** What an exchange has come to, for those who look at its connection from outside. */
export interface Progress {
  readonly origin: Origin
  readonly request: IncomingMessage
  readonly response: ServerResponse
  bytesIn: number
  bytesOut: number
  /** What the caller was told from outside, where the exchange itself could say nothing any more. */
  outside: ServiceError | undefined
}

const readRequest = (expects: boolean, progress: Progress): RequestBody => {
  const { request, response } = progress
  const declared = request.headers['content-length']
  return {
    declared: declared === undefined ? undefined : Number(declared),
    chunked: request.headers['transfer-encoding'] !== undefined,
    async *read() {
      if (expects && !response.headersSent) response.writeContinue()
      const chunks: AsyncIterable<Buffer> = request.iterator({ destroyOnReturn: false })
      for await (const chunk of chunks) {
        progress.bytesIn += chunk.length
        yield chunk
      }
    }
  }
}

/** Reads at most so many bytes of a body, and throws them away. */
const drain = async (body: RequestBody, most: number): Promise<void> => {
  let left = most
  if (left === 0) return
  for await (const chunk of body.read()) {
    left -= chunk.length
    if (left <= 0) return
  }
}

const respond = async (
  surroundings: ServerContext,
  call: EmulatorRequest,
  ignoreRange: boolean
): Promise<E.Either<ServiceError, EmulatorResponse>> => {
  const { house } = surroundings
  const known = authenticate(house.settings.credentials, call, call.now)
  if (E.isLeft(known)) return known
  // Left out only now: the signature covers it.
  const { range: _range, ...whole } = call.headers
  const headers = ignoreRange ? whole : call.headers
  return handlers[call.operation](house, { ...call, headers, anonymous: known.right.anonymous })()
}

/** The answer, as the handler gives it or as a fault has it. */
const chooseResponse = async (
  surroundings: ServerContext,
  call: EmulatorRequest,
  fault: Fault,
  origin: Origin
): Promise<EmulatorResponse> => {
  const { answer: said, error, ignoreRange } = fault
  if (said !== undefined && said.when !== 'performed') {
    if (said.when !== 'early') await drain(call.body, Infinity)
    return injectedResponse(said, origin)
  }
  const judged = await respond(surroundings, call, ignoreRange === true)
  const answer = E.isRight(judged) ? judged.right : fromServiceError(judged.left, origin)
  if (said !== undefined) {
    if (answer.body._tag === 'Stream') answer.body.close()
    return injectedResponse(said, origin)
  }
  return error === undefined ? answer : errorInsideSuccess(answer, error, origin)
}

const commonHeaders = (
  surroundings: ServerContext,
  fault: Fault,
  origin: Origin,
  answer: EmulatorResponse
): EmulatorResponse => ({
  ...answer,
  headers: {
    ...answer.headers,
    date: new Date(surroundings.house.settings.now()).toUTCString(),
    server: 'tencent-cos',
    ...(fault.answer?.requestId === false
      ? {}
      : {
          'x-cos-request-id': origin.requestId,
          ...(answer.status >= 300 || answer.code !== '' ? { 'x-cos-trace-id': origin.traceId } : {})
        })
  }
})

const failure = (thrown: unknown): ServiceError =>
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
 * Answers a request.
 *
 * @shape  what goes wrong is an answer, or a record of a connection that ended; only an observer's own throw rejects
 */
export const handleRequest = async (
  surroundings: ServerContext,
  request: IncomingMessage,
  response: ServerResponse,
  expects: boolean,
  begun: (progress: Progress) => void
): Promise<void> => {
  const { house, signal } = surroundings
  const now = house.settings.now()
  const headers = flatten(request.headers)
  const method = request.method ?? 'GET'
  const host = headers['host'] ?? ''
  const url = request.url ?? '/'
  const read = readTarget(house.hosts, url, host)
  const target = E.isRight(read) ? read.right : unknownTarget(host, url.replace(/\?.*$/s, ''))
  const origin = { ...target, requestId: newId(now), traceId: newId(now) }
  const progress: Progress = { origin, request, response, bytesIn: 0, bytesOut: 0, outside: undefined }
  begun(progress)
  const { requestId } = origin
  const operation = E.isRight(read) ? operationOf(method, target, headers) : 'Unknown'
  const body = readRequest(expects, progress)
  const call: EmulatorRequest = { ...target, operation, method, headers, body, now, requestId }
  const { bucket, key, query } = target
  const asked = { operation, method, bucket, key, query, headers, count: surroundings.count(operation) }
  const isHead = method === 'HEAD'
  const sent = (bytes: number): void => {
    progress.bytesOut += bytes
  }
  const nothing = { status: 0, code: '' }
  let said: Pick<EmulatorResponse, 'status' | 'code'> = nothing
  const view = (): RequestRecord => {
    const { status, code } = response.headersSent ? said : (progress.outside ?? nothing)
    const { bytesIn, bytesOut } = progress
    return {
      ...{ operation, method, bucket, key, status, code, query: hide(query), headers: hide(headers) },
      ...{ bytesIn, bytesOut, requestId }
    }
  }
  let over: (() => void) | undefined
  const say = async (decided: EmulatorResponse, shaped: Fault): Promise<void> => {
    const answer = commonHeaders(surroundings, shaped, origin, decided)
    // A caller that waits for `100 Continue` and gets a verdict may send its body or not: nobody can tell which.
    if (expects && progress.bytesIn === 0 && !request.complete) response.setHeader('connection', 'close')
    said = answer
    over ??= surroundings.show(view)
    await writeResponse(answer, { response, isHead, fault: shaped, signal, sent })
  }
  try {
    const fault = house.settings.fault(asked) ?? {}
    if (fault.cut?.at === 'request') {
      await drain(body, fault.cut.after)
      over ??= surroundings.show(view)
      throw cut(response, fault.reset ?? false)
    }
    await say(
      E.isLeft(read)
        ? fromServiceError(read.left, origin)
        : await chooseResponse(surroundings, call, fault, origin),
      fault
    )
  } catch (thrown) {
    const lost = thrown instanceof ConnectionLost || response.headersSent || signal.aborted
    if (lost || response.socket?.destroyed !== false) response.destroy()
    else await say(fromServiceError(failure(thrown), origin), {}).catch(() => response.destroy())
  }
  // What is left of a body that nobody wants is in the way of the next request.
  if (!request.complete) request.resume()
  over ??= surroundings.show(view)
  over()
}
