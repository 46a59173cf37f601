/** Every way a call can fail, as data; and the envelope it rides in where Node takes nothing but an Error. */
import * as O from 'fp-ts/lib/Option.js'

/** Which call it was. On every error. */
export interface Context {
  /** COS's name of the action, such as `HeadObject`; a transfer's own name, such as `uploadStream`, outside any. */
  readonly operation: string
  readonly bucket: string
  /** None where the call is about the bucket itself. */
  readonly key: O.Option<string>
  /** Requests that went out for this call; 0 when it failed before the first. */
  readonly attempts: number
  /** Of a multipart upload that the call left open, to be gone on with or aborted: its parts are billed. */
  readonly uploadId?: string
}

/** The input makes no sense; nothing was sent. */
export interface InvalidInput {
  readonly _tag: 'InvalidInput'
  readonly context: Context
  /** The path of the field from the input's root, such as `parts.3.etag`; empty for the input itself. */
  readonly field: string
  /** What would have been right. What was given is not repeated: it may be a secret. */
  readonly expected: string
}

/** COS answered, and the answer is no. Act on `status` and `code`, never on `message`; support asks for `requestId`. */
export interface ServiceError {
  readonly _tag: 'ServiceError'
  readonly context: Context
  /** 200 where COS began a success and ended it with an error, as copies and completions may. */
  readonly status: number
  /** COS's word, such as `NoSuchKey`; named after the status where the answer had no body. */
  readonly code: string
  readonly message: string
  readonly resource: string
  readonly requestId: string
  readonly traceId: string
  /** The answer's headers, names in lower case. */
  readonly headers: Readonly<Record<string, string>>
}

/** COS answered in words we cannot read. */
export interface DecodeError {
  readonly _tag: 'DecodeError'
  readonly context: Context
  readonly status: number
  readonly problems: ReadonlyArray<string>
  readonly requestId: string
}

/** No whole answer came. */
export interface TransportError {
  readonly _tag: 'TransportError'
  readonly context: Context
  /**
   * The system's or undici's code, such as `ECONNRESET`; empty when there is none. Or what was seen here of an answer in
   * good order: `ShortBody` has fewer bytes than it announced, `CutAnswer` ends before its end is told, `EarlyAnswer`
   * came before all of the request had gone.
   */
  readonly code: string
  readonly cause: unknown
}

/** A deadline passed. */
export interface Timeout {
  readonly _tag: 'Timeout'
  readonly context: Context
  /** `idle`: no byte moved in either direction while we were ready for one. */
  readonly phase: 'connect' | 'headers' | 'idle' | 'overall'
  /** The deadline, in milliseconds. */
  readonly after: number
}

/** The caller's signal fired. */
export interface Aborted {
  readonly _tag: 'Aborted'
  readonly context: Context
  readonly reason: unknown
}

/** The bytes are not the bytes. */
export interface IntegrityError {
  readonly _tag: 'IntegrityError'
  readonly context: Context
  /** Of a multipart transfer; none for the whole object. */
  readonly part: O.Option<number>
  /** `etag`: of a copy whose checksum COS does not know. */
  readonly check: 'crc64' | 'crc32' | 'size' | 'etag'
  /** As COS writes it: decimal text, and the CRC32 of a Select's messages in hex. */
  readonly expected: string
  readonly got: string
}

/** The object was replaced while we were reading it. */
export interface ObjectChanged {
  readonly _tag: 'ObjectChanged'
  readonly context: Context
  /** The ETag we began with, quotes included. */
  readonly expected: string
  readonly got: O.Option<string>
}

/** The caller's own stream failed, or gave something other than was promised. */
export interface SourceError {
  readonly _tag: 'SourceError'
  readonly context: Context
  readonly cause: unknown
}

/** The file system said no. */
export interface FileError {
  readonly _tag: 'FileError'
  readonly context: Context
  readonly path: string
  /** The system's code, such as `ENOSPC`. */
  readonly code: string
  readonly cause: unknown
}

/** No credentials could be had. */
export interface CredentialsError {
  readonly _tag: 'CredentialsError'
  readonly context: Context
  readonly problem: string
}

/** A package that is installed by those who need it, and is needed here. */
export interface MissingPackage {
  readonly _tag: 'MissingPackage'
  readonly context: Context
  /** As npm knows it. */
  readonly name: string
  /** What it is there for. */
  readonly purpose: string
  readonly cause: unknown
}

export type CosError =
  | InvalidInput
  | ServiceError
  | DecodeError
  | TransportError
  | Timeout
  | Aborted
  | IntegrityError
  | ObjectChanged
  | SourceError
  | FileError
  | CredentialsError
  | MissingPackage

/** The context of what belongs to no operation, such as a client's configuration. */
export const contextWithoutObject = (operation: string): Context => ({
  operation,
  bucket: '',
  key: O.none,
  attempts: 0
})

// A thrown thing may be anything, one that cannot even be turned into text among them.
const messageOf = (thrown: unknown): string =>
  thrown instanceof Error ? String(thrown) : typeof thrown === 'string' ? thrown : `a thrown ${typeof thrown}`

const details = (error: CosError): string => {
  switch (error._tag) {
    case 'InvalidInput':
      return `${error.field === '' ? 'the input' : error.field} should be ${error.expected}`
    case 'ServiceError':
      return `${String(error.status)} ${error.code}: ${error.message}${error.requestId === '' ? '' : ` (request ${error.requestId})`}`
    case 'DecodeError':
      return error.problems.join('; ')
    case 'TransportError':
      return error.code === '' ? messageOf(error.cause) : error.code
    case 'Timeout':
      return `${error.phase} deadline of ${String(error.after)} ms passed`
    case 'Aborted':
      return 'the signal fired'
    case 'IntegrityError':
      return `${error.check}${O.isSome(error.part) ? ` of part ${String(error.part.value)}` : ''} should be ${error.expected}, is ${error.got}`
    case 'ObjectChanged':
      return `ETag was ${error.expected}, is ${O.isSome(error.got) ? error.got.value : 'unknown'}`
    case 'SourceError':
      return messageOf(error.cause)
    case 'FileError':
      return `${error.code} ${error.path}`
    case 'CredentialsError':
      return error.problem
    case 'MissingPackage':
      return `${error.name} is not installed, and is needed to ${error.purpose}: npm install ${error.name}`
  }
}

// A key or a server's message must not be able to forge a line of its own.
// eslint-disable-next-line no-control-regex
const lineBreakers = /[\0-\x1f\x7f-\x9f\u2028\u2029]+/g

/**
 * One line for a log, always.
 *
 * @example describe(error) // 'ServiceError in HeadObject examplebucket-1250000000/a.txt: 404 NoSuchResource: ...'
 */
export const formatError = (error: CosError): string => {
  const { operation, bucket, key } = error.context
  const where = O.isSome(key) ? `${bucket}/${key.value}` : bucket
  return `${error._tag} in ${operation}${where === '' ? '' : ` ${where}`}: ${details(error)}`.replace(
    lineBreakers,
    ' '
  )
}

/** Carries a CosError where Node takes nothing but an Error: `destroy`, `pipeline`, a generator's `throw`. */
export class CosException extends Error {
  readonly error: CosError
  constructor(error: CosError) {
    super(formatError(error), { cause: error })
    this.name = 'CosException'
    this.error = error
  }
}

/** The system's or undici's code of a thrown thing; empty when it has none. */
export const codeOf = (thrown: unknown): string =>
  typeof thrown === 'object' && thrown !== null && 'code' in thrown && typeof thrown.code === 'string'
    ? thrown.code
    : ''

/** What the file system threw. */
export const fileError =
  (context: Context, path: string) =>
  (cause: unknown): FileError => ({ _tag: 'FileError', context, path, code: codeOf(cause), cause })

/** Opens the envelope. What is not ours broke on the way. */
export const fromUnknown =
  (context: Context) =>
  (thrown: unknown): CosError =>
    thrown instanceof CosException
      ? thrown.error
      : { _tag: 'TransportError', context, code: codeOf(thrown), cause: thrown }

/** Opens the envelope around a caller's stream. What is not ours is the stream's own failure. */
export const fromSource =
  (context: Context) =>
  (thrown: unknown): CosError =>
    thrown instanceof CosException ? thrown.error : { _tag: 'SourceError', context, cause: thrown }
