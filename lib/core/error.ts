/** Every error of a call, as data; and the exception that carries it where Node accepts only an `Error`. */
import * as O from 'fp-ts/lib/Option.js'
import { formatError } from './format-error.js'

/** One request of a call that failed. */
export interface AttemptRecord {
  /** When it was sent, by the clock of this machine. */
  readonly sentAt: Date
  /** Of the `Host` header. */
  readonly host: string
  /** Of the response; 0 if none came. */
  readonly status: number
  /** Of the response; empty if COS did not send one. */
  readonly requestId: string
  /** Why no response came: the code of a `TransportError`, or the tag of another error; empty if one came. */
  readonly cause: string
}

/** The call that failed. Part of every error. */
export interface Context {
  /** COS's name of the action, such as `HeadObject`; or the name of a transfer, such as `uploadStream`. */
  readonly operation: string
  readonly bucket: string
  /** None if the call addresses the bucket itself. */
  readonly key: O.Option<string>
  /** Requests sent for this call; 0 if it failed before the first. */
  readonly attempts: number
  /** The requests of a call that sent more than one, oldest first. */
  readonly history?: ReadonlyArray<AttemptRecord>
  /**
   * Why a transient error was not retried although the policy has attempts left: `budget`, the client has used up its
   * retries; `deadline`, the wait would pass the timeout of the call.
   */
  readonly retriesEndedBy?: 'budget' | 'deadline'
  /**
   * A multipart upload of this key that may still exist: it was kept, or its deletion failed, or the call was aborted and
   * settled before the response to the deletion. Resume or abort it: its parts are billed.
   */
  readonly uploadId?: string
  /**
   * Uploads of this key that COS may have created for a request whose response was lost. They have no parts. Another run
   * may have created them too, so they were not aborted; `abortIncompleteUploads` removes them.
   */
  readonly orphanedUploads?: ReadonlyArray<string>
  /**
   * Present if COS may have created an upload of this key whose id the call does not know: the call was aborted during the
   * creation, or the search for `orphanedUploads` failed. `abortIncompleteUploads` removes it.
   */
  readonly mayHaveUnknownUpload?: true
  /**
   * Of a stream of transfers that was aborted: the contexts of the transfers that were interrupted and have one of the
   * three fields above.
   */
  readonly interrupted?: ReadonlyArray<Context>
}

/** Why an input was rejected. */
export interface InputProblem {
  /** The path of the field from the input's root, such as `parts.3.etag`; empty for the input itself. */
  readonly field: string
  /**
   * `missing`: required and not given. `unknown`: no such field. `invalid`: a value that the field does not accept.
   * `conflict`: each field is valid, but not together with the other fields, or with the client.
   */
  readonly problem: 'missing' | 'unknown' | 'invalid' | 'conflict'
  /** The rest of a sentence that starts with the field, with units: `must be 1 MiB to 5 GiB, in bytes (...)`. */
  readonly message: string
  /** The received value in short, such as `null`, `"abc"` or `an array`; absent if it may be a secret. */
  readonly received?: string
  /** For an unknown field: the known field with the most similar name. */
  readonly suggestion?: string
}

/** The input is rejected; nothing was sent. */
export interface InvalidInput extends InputProblem {
  readonly _tag: 'InvalidInput'
  readonly context: Context
}

/** COS refused the request. Act on `status` and `code`, never on `message`; include `requestId` in support requests. */
export interface ServiceError {
  readonly _tag: 'ServiceError'
  readonly context: Context
  /** 200 if COS reports an error inside a response of success, as it may for copies and completions. */
  readonly status: number
  /** COS's code, such as `NoSuchKey`; derived from the status if the response had no body. */
  readonly code: string
  readonly message: string
  readonly resource: string
  readonly requestId: string
  readonly traceId: string
  /** The response's headers, names in lower case. */
  readonly headers: Readonly<Record<string, string>>
}

/** The response is not of the form that COS documents. */
export interface DecodeError {
  readonly _tag: 'DecodeError'
  readonly context: Context
  readonly status: number
  readonly problems: ReadonlyArray<string>
  readonly requestId: string
}

/** The body is larger than the limit that the caller of `toBuffer` or `toText` set. */
export interface SizeLimitExceeded {
  readonly _tag: 'SizeLimitExceeded'
  readonly context: Context
  /** In bytes. */
  readonly limit: number
}

/** No complete response arrived. */
export interface TransportError {
  readonly _tag: 'TransportError'
  readonly context: Context
  /** The host of the connection, with the port if it is not the default: `127.0.0.1:9000`. Empty without a connection. */
  readonly host: string
  /**
   * The code of the system or of undici, such as `ECONNRESET`; empty if there is none. Or a code of cospipe, for
   * responses that are complete to HTTP: `ShortBody` has fewer bytes than announced, `EmptyResponse` has no document,
   * `IncompleteResponse` ends before its document does, `EarlyResponse` came before all of the request was sent.
   */
  readonly code: string
  readonly cause: unknown
}

/** A timeout expired. */
export interface Timeout {
  readonly _tag: 'Timeout'
  readonly context: Context
  /** As in `TransportError`; empty for `overall` and `memory`. */
  readonly host: string
  /**
   * `idle`: no byte moved in either direction while the client was ready for one. `unread`: the caller did not read a body
   * that was returned. `overall`: also of `withTimeout`. `memory`: transfers that do not move hold the `memoryLimit`.
   */
  readonly phase: 'connect' | 'headers' | 'idle' | 'unread' | 'overall' | 'memory'
  /** The timeout, in milliseconds. */
  readonly after: number
}

/** The caller's signal fired. */
export interface Aborted {
  readonly _tag: 'Aborted'
  readonly context: Context
  readonly reason: unknown
}

/** A checksum or a size differs: discard the data. */
export interface IntegrityError {
  readonly _tag: 'IntegrityError'
  readonly context: Context
  /** The number of the part; none if the whole object was checked. */
  readonly part: O.Option<number>
  /** `etag`: for a copy whose checksum COS does not know. */
  readonly check: 'crc64' | 'crc32' | 'size' | 'etag'
  /** As COS writes it: decimal text; hex for the CRC32 of a Select's messages. */
  readonly expected: string
  readonly got: string
}

/** The object was replaced or deleted while it was read. */
export interface ObjectChanged {
  readonly _tag: 'ObjectChanged'
  readonly context: Context
  /** The ETag at the start, quotes included. */
  readonly expected: string
  readonly got: O.Option<string>
}

/** The source of an upload failed, changed while it was read, or differs from its announced length. */
export interface SourceError {
  readonly _tag: 'SourceError'
  readonly context: Context
  readonly cause: unknown
}

/** A file system call failed. */
export interface FileError {
  readonly _tag: 'FileError'
  readonly context: Context
  readonly path: string
  /** The system's code, such as `ENOSPC`. */
  readonly code: string
  readonly cause: unknown
}

/** No credentials are available. */
export interface CredentialsError {
  readonly _tag: 'CredentialsError'
  readonly context: Context
  readonly problem: string
}

/** An optional package is needed and not installed. */
export interface MissingPackage {
  readonly _tag: 'MissingPackage'
  readonly context: Context
  /** Its name on npm. */
  readonly name: string
  /** The purpose of the package, such as `read rows of CSV`. */
  readonly purpose: string
  readonly cause: unknown
}

/** The problem of a client-side encryption, without the call. */
export interface EncryptionProblem {
  /**
   * `NotEncrypted`: the object has no encryption metadata. `NotAccepted`: its format is not among those that the caller
   * accepts. `BadEnvelope`: its encryption metadata are incomplete or contradict each other. `NoKey`: no key of the caller
   * can decrypt the object. `WrongKey`: a key does not unwrap the data key; all causes have this reason. `BadSegment`: the
   * ciphertext was changed. `Truncated`: the end of the ciphertext is missing. `OtherName`: the object was encrypted under
   * another name. `Unsupported`: the format does not have what was asked for. `Kms`: the key service failed. `KeyFile`: a
   * key file is not safe to use.
   */
  readonly reason:
    | 'NotEncrypted'
    | 'NotAccepted'
    | 'BadEnvelope'
    | 'NoKey'
    | 'WrongKey'
    | 'BadSegment'
    | 'Truncated'
    | 'OtherName'
    | 'Unsupported'
    | 'Kms'
    | 'KeyFile'
  /** A clause for a person: which part of the object is wrong, without any key or plaintext. */
  readonly problem: string
  /** The segment that failed, counted from 0; none if the format has no segments, or the object failed before them. */
  readonly segment: O.Option<number>
  /** The id of the master key that was tried, or that the object names. */
  readonly keyId: O.Option<string>
}

/** Client-side encryption or decryption failed. Bytes that failed are never returned as plaintext. */
export interface EncryptionError extends EncryptionProblem {
  readonly _tag: 'EncryptionError'
  readonly context: Context
}

export type CosError =
  | InvalidInput
  | ServiceError
  | DecodeError
  | SizeLimitExceeded
  | TransportError
  | Timeout
  | Aborted
  | IntegrityError
  | ObjectChanged
  | SourceError
  | FileError
  | CredentialsError
  | MissingPackage
  | EncryptionError

/** The context of a call that addresses no object, such as the creation of a client. */
export const contextWithoutObject = (operation: string): Context => ({
  operation,
  bucket: '',
  key: O.none,
  attempts: 0
})

export const invalidInput = (context: Context, problem: InputProblem): InvalidInput => ({
  _tag: 'InvalidInput',
  context,
  ...problem
})

export const encryptionError =
  (context: Context) =>
  (problem: EncryptionProblem): CosError => ({ _tag: 'EncryptionError', context, ...problem })

/** Whether an error is COS's response with this status. */
export const hasStatus =
  (status: number) =>
  (error: CosError): boolean =>
    error._tag === 'ServiceError' && error.status === status

/** The timeout of a call or a transfer as a whole; `after` in milliseconds. */
export const overallTimeout = (context: Context, after: number): Timeout => ({
  _tag: 'Timeout',
  context,
  host: '',
  phase: 'overall',
  after
})

/** Carries a `CosError` where Node accepts only an `Error`: `destroy`, `pipeline`, a generator's `throw`. */
export class CosException extends Error {
  readonly error: CosError
  constructor(error: CosError) {
    super(formatError(error), { cause: error })
    this.name = 'CosException'
    this.error = error
  }
}

/** The system's or undici's code of a thrown value; empty if it has none. */
export const codeOf = (thrown: unknown): string =>
  typeof thrown === 'object' && thrown !== null && 'code' in thrown && typeof thrown.code === 'string'
    ? thrown.code
    : ''

/** Makes a `FileError` of a value that the file system threw. */
export const fileError =
  (context: Context, path: string) =>
  (cause: unknown): FileError => ({ _tag: 'FileError', context, path, code: codeOf(cause), cause })

/** Unwraps a `CosException`. Any other thrown value is a transport error. */
export const fromUnknown =
  (context: Context, host = '') =>
  (thrown: unknown): CosError =>
    thrown instanceof CosException
      ? thrown.error
      : { _tag: 'TransportError', context, host, code: codeOf(thrown), cause: thrown }

/** Unwraps a `CosException`. Any other value was thrown by a stream of the caller: a `SourceError`. */
export const fromSource =
  (context: Context) =>
  (thrown: unknown): CosError =>
    thrown instanceof CosException ? thrown.error : { _tag: 'SourceError', context, cause: thrown }
