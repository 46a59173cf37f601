/** One request from its head to its record. */
import { randomBytes } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import * as E from 'fp-ts/lib/Either.js'
import { type Answer, fromRefusal, type Origin } from './answer.js'
import { authenticate } from './authenticate.js'
import type { Call, House, RequestBody } from './call.js'
import type { Fault } from './fault.js'
import { handlers } from './handlers/index.js'
import type { RequestRecord } from './options.js'
import { type Refusal, refusal } from './refusal.js'
import { operationOf, readTarget, type Target } from './route.js'
import { cut, embedded, falseAnswer, Gone, send } from './send.js'

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
export interface Surroundings {
  readonly house: House
  /** How many requests of this operation there were, this one included. */
  readonly count: (operation: string) => number
  readonly record: (record: RequestRecord) => void
  readonly signal: AbortSignal
}

/** What an exchange has come to, for those who look at its connection from outside. */
export interface Progress {
  readonly origin: Origin
  /** The request's body is in. */
  complete: boolean
  bytesIn: number
  bytesOut: number
}

const reading = (
  request: IncomingMessage,
  response: ServerResponse,
  expects: boolean,
  progress: Progress
): RequestBody => {
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
      progress.complete = true
    }
  }
}

/** Reads at most so many bytes of a body, and throws them away. */
const swallow = async (body: RequestBody, most: number): Promise<void> => {
  let left = most
  if (left === 0) return
  for await (const chunk of body.read()) {
    left -= chunk.length
    if (left <= 0) return
  }
}

const answering = async (
  surroundings: Surroundings,
  call: Call,
  ignoreRange: boolean
): Promise<E.Either<Refusal, Answer>> => {
  const { house } = surroundings
  const known = authenticate(house.settings.credentials, call, call.now)
  if (E.isLeft(known)) return known
  // Left out only now: the signature covers it.
  const { range: _range, ...whole } = call.headers
  const headers = ignoreRange ? whole : call.headers
  return handlers[call.operation](house, { ...call, headers, anonymous: known.right.anonymous })()
}

/** The answer, as the handler gives it or as a fault has it. */
const decide = async (
  surroundings: Surroundings,
  call: Call,
  fault: Fault,
  origin: Origin
): Promise<Answer> => {
  const { answer: said, error, ignoreRange } = fault
  if (said !== undefined && said.when !== 'performed') {
    if (said.when !== 'early') await swallow(call.body, Infinity)
    return falseAnswer(said, origin)
  }
  const judged = await answering(surroundings, call, ignoreRange === true)
  const answer = E.isRight(judged) ? judged.right : fromRefusal(judged.left, origin)
  if (said !== undefined) {
    if (answer.body._tag === 'Stream') answer.body.close()
    return falseAnswer(said, origin)
  }
  return error === undefined ? answer : embedded(answer, error, origin)
}

const standing = (surroundings: Surroundings, fault: Fault, origin: Origin, answer: Answer): Answer => ({
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

const nowhere = (host: string, rawPath: string): Target => ({
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
 * @shape  never rejects: what goes wrong is an answer, or a record of a connection that ended
 */
export const exchange = async (
  surroundings: Surroundings,
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
  const target = E.isRight(read) ? read.right : nowhere(host, url.replace(/\?.*$/s, ''))
  const origin = { ...target, requestId: newId(now), traceId: newId(now) }
  const progress: Progress = { origin, complete: false, bytesIn: 0, bytesOut: 0 }
  begun(progress)
  const { requestId } = origin
  const operation = E.isRight(read) ? operationOf(method, target, headers) : 'Unknown'
  const body = reading(request, response, expects, progress)
  const call: Call = { ...target, operation, method, headers, body, now, requestId }
  const { bucket, key, query } = target
  const asked = { operation, method, bucket, key, query, headers, count: surroundings.count(operation) }
  const fault = house.settings.fault(asked) ?? {}
  let status = 0
  let code = ''
  try {
    if (fault.cut?.at === 'request') {
      await swallow(body, fault.cut.after)
      throw cut(response, fault.reset ?? false)
    }
    const decided = E.isLeft(read)
      ? fromRefusal(read.left, origin)
      : await decide(surroundings, call, fault, origin)
    const answer = standing(surroundings, fault, origin, decided)
    // A caller that waits for `100 Continue` and gets a verdict may send its body or not: nobody can tell which.
    if (expects && progress.bytesIn === 0 && !progress.complete) response.setHeader('connection', 'close')
    status = answer.status
    code = answer.code
    const sent = (bytes: number): void => {
      progress.bytesOut += bytes
    }
    await send(answer, { response, isHead: method === 'HEAD', fault, signal, sent })
  } catch (thrown) {
    if (!response.headersSent) status = 0
    if (!(thrown instanceof Gone) && !request.destroyed && !response.headersSent && !signal.aborted) {
      const { status: failed, code: word } = refusal('InternalError')
      status = failed
      code = word
      const words = thrown instanceof Error ? thrown.message : String(thrown)
      const answer = fromRefusal(refusal('InternalError', `The emulator failed: ${words}`), origin)
      await send(standing(surroundings, {}, origin, answer), {
        response,
        isHead: method === 'HEAD',
        fault: {},
        signal,
        sent: () => undefined
      }).catch(() => undefined)
    } else response.destroy()
  }
  const { bytesIn, bytesOut } = progress
  surroundings.record({
    ...{ operation, method, bucket, key, status, code, query: hide(query), headers: hide(headers) },
    ...{ bytesIn, bytesOut, requestId }
  })
}
