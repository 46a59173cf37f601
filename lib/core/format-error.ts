/** The text of an error: one line that names the call, the object and the cause, and never a secret. */
import * as O from 'fp-ts/lib/Option.js'
import type {
  Context,
  CosError,
  EncryptionError,
  FileError,
  InvalidInput,
  ServiceError,
  Timeout,
  TransportError
} from './error.js'
import { formatBytes } from './limits.js'

// A thrown value may be anything, even one that cannot be converted to text.
const messageOf = (thrown: unknown): string => {
  if (typeof thrown === 'string') return thrown
  if (!(thrown instanceof Error)) return `a thrown ${typeof thrown}`
  return thrown.name === 'Error' ? thrown.message : String(thrown)
}

const attemptsOf = ({ attempts }: Context): string =>
  attempts === 0 ? '' : ` (${String(attempts)} attempt${attempts === 1 ? '' : 's'})`

const requestOf = (requestId: string): string => (requestId === '' ? '' : ` (request ${requestId})`)

const duration = (milliseconds: number): string =>
  milliseconds < 1000 ? `${String(milliseconds)} ms` : `${String(milliseconds / 1000)} s`

const invalidInput = ({ field, problem, message, received, suggestion }: InvalidInput): string =>
  problem === 'unknown'
    ? `invalid input: unknown field "${field}"${suggestion === undefined ? '' : ` (did you mean "${suggestion}"?)`}`
    : `${field === '' ? 'input' : field}: ${message}${received === undefined ? '' : `, got ${received}`}`

const serviceError = ({ context, status, code, message, requestId }: ServiceError): string => {
  const words =
    message !== '' ? `: ${message}` : context.operation.startsWith('Head') ? ' (HEAD has no error body)' : ''
  const retried = context.attempts > 1 ? attemptsOf(context) : ''
  return `${String(status)} ${code}${words}${requestOf(requestId)}${retried}`
}

const notConnected = new Set([
  'EAI_AGAIN',
  'ECONNREFUSED',
  'EHOSTDOWN',
  'EHOSTUNREACH',
  'ENETDOWN',
  'ENETUNREACH',
  'ENOTFOUND'
])

const lost = new Set(['ECONNABORTED', 'ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET'])

// Codes of cospipe: the cause has the message.
const ownCodes = new Set(['ShortBody', 'EmptyResponse', 'IncompleteResponse', 'EarlyResponse'])

const transportError = ({ context, host, code, cause }: TransportError): string => {
  const from = host === '' ? '' : ` ${host}`
  const attempts = attemptsOf(context)
  if (notConnected.has(code)) return `connection failed: ${code}${from}${attempts}`
  if (ownCodes.has(code))
    return `incomplete response${host === '' ? '' : ` from ${host}`}: ${messageOf(cause)}${attempts}`
  const words = code === '' ? messageOf(cause) : code
  return `${lost.has(code) ? 'connection lost' : 'request failed'}: ${words}${from}${attempts}`
}

const timeout = ({ context, host, phase, after }: Timeout): string => {
  const name = host === '' ? 'the server' : host
  const words = {
    connect: `no connection to ${name}`,
    headers: `no response from ${name}`,
    idle: `no data to or from ${name}`,
    unread: `the body from ${name} was not read`,
    overall: 'not finished',
    memory: 'no memory for a part: transfers that do not move hold the memoryLimit,'
  }
  return `${phase} timeout: ${words[phase]} within ${duration(after)}${attemptsOf(context)}`
}

/** Node's message is `ENOSPC: no space left on device, write`, for some calls followed by the path in quotes. */
const systemMessage = (code: string, cause: unknown): string => {
  const message = messageOf(cause)
  return message.startsWith(`${code}: `) ? message.replace(/, [a-z]+(?: '.*)?$/s, '') : `${code}: ${message}`
}

const fileError = ({ path, code, cause }: FileError): string =>
  `${code === '' ? messageOf(cause) : systemMessage(code, cause)}: ${path}`

const encryptionError = ({ reason, problem, segment, keyId }: EncryptionError): string => {
  const place = O.isSome(segment) ? ` (segment ${String(segment.value)})` : ''
  const key = O.isSome(keyId) ? ` (key ${JSON.stringify(keyId.value)})` : ''
  return `encryption: ${reason}: ${problem}${place}${key}`
}

const details = (error: CosError): string => {
  switch (error._tag) {
    case 'InvalidInput':
      return invalidInput(error)
    case 'ServiceError':
      return serviceError(error)
    case 'DecodeError':
      return `cannot read the response (status ${String(error.status)}): ${error.problems.join('; ')}${requestOf(error.requestId)}`
    case 'SizeLimitExceeded':
      return `the body exceeds the limit of ${formatBytes(error.limit)}`
    case 'TransportError':
      return transportError(error)
    case 'Timeout':
      return timeout(error)
    case 'Aborted':
      return 'aborted by signal'
    case 'IntegrityError': {
      const part = O.isSome(error.part) ? ` of part ${String(error.part.value)}` : ''
      return `${error.check}${part} differs: expected ${error.expected}, got ${error.got}${attemptsOf(error.context)}`
    }
    case 'ObjectChanged': {
      const now = O.isSome(error.got) ? `, is ${error.got.value}` : ''
      return `the object was replaced or deleted meanwhile: ETag was ${error.expected}${now}`
    }
    case 'SourceError':
      return `source stream: ${messageOf(error.cause)}`
    case 'FileError':
      return fileError(error)
    case 'CredentialsError':
      return `no credentials: ${error.problem}`
    case 'MissingPackage':
      return `package ${error.name} is not installed; it is needed to ${error.purpose}: npm install ${error.name}`
    case 'EncryptionError':
      return encryptionError(error)
  }
}

const endReasons = {
  budget: '; not retried: the retry budget of the client is used up',
  deadline: '; not retried: the wait would pass the timeout of the call'
} as const

const endOf = ({ retriesEndedBy }: Context): string =>
  retriesEndedBy === undefined ? '' : endReasons[retriesEndedBy]

// A key or a server's message must not be able to forge a second line.
// eslint-disable-next-line no-control-regex
const lineBreakers = /[\0-\x1f\x7f-\x9f\u2028\u2029]+/g

/**
 * One line for a log: the action, the bucket and key, the cause.
 *
 * @example formatError(error) // 'HeadObject examplebucket-1250000000/a.txt: 404 NoSuchKey: ... (request NjYw...)'
 */
export const formatError = (error: CosError): string => {
  const { operation, bucket, key } = error.context
  const object = O.isSome(key) ? `${bucket}/${key.value}` : bucket
  return `${operation}${object === '' ? '' : ` ${object}`}: ${details(error)}${endOf(error.context)}`.replace(
    lineBreakers,
    ' '
  )
}
