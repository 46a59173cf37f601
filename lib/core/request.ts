/** A request as a value: what will be asked, of which bucket, before anyone knows by which host or whose key. */
import { createHash } from 'node:crypto'
import { inspect } from 'node:util'
import { pipe } from 'fp-ts/lib/function.js'
import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import * as t from 'io-ts'
import * as In from './input.js'
import { Key, withoutLeadingSlash } from './key.js'
import { failWith } from './problem.js'
import { writeTerseXml, type Xml } from './xml.js'

// -- bodies --
/**
 * What goes up. Only bytes, files and what can be opened anew are ever sent twice; a stream that can be read once is
 * sent once, and its failure is final.
 */
export type Body =
  | { readonly _tag: 'Empty' }
  | {
      readonly _tag: 'Bytes'
      readonly chunks: ReadonlyArray<Uint8Array>
      readonly size: number
      /** Known already, so that no one hashes the bytes again. */
      readonly crc64: O.Option<bigint>
    }
  /** A file, or a stretch of one; measured and opened each time it is sent. */
  | { readonly _tag: 'File'; readonly path: string; readonly start: number; readonly size: O.Option<number> }
  | {
      readonly _tag: 'Replayable'
      /** A fresh stream of the same bytes at each call. */
      readonly open: () => AsyncIterable<Uint8Array>
      readonly size: number
    }
  | {
      readonly _tag: 'Once'
      readonly stream: AsyncIterable<Uint8Array>
      /** None: sent chunked, where COS takes that. */
      readonly size: O.Option<number>
    }

/** Bytes in several pieces, and their CRC64 where it is known, so that no one hashes them again. */
export interface Chunks {
  readonly chunks: ReadonlyArray<Uint8Array>
  readonly crc64?: bigint
}

/** What a caller may hand in as an object's bytes; `size` in bytes. */
export type BodyInput =
  | string
  | Uint8Array
  | { readonly file: string }
  | Chunks
  | { readonly open: () => AsyncIterable<Uint8Array>; readonly size: number }
  | AsyncIterable<Uint8Array>

const isObject = (u: unknown): u is object => typeof u === 'object' && u !== null
export const isStream = (u: unknown): u is AsyncIterable<Uint8Array> =>
  isObject(u) && Symbol.asyncIterator in u
const isFile = (u: unknown): u is { readonly file: string } =>
  isObject(u) && 'file' in u && typeof u.file === 'string' && u.file !== '' && !u.file.includes('\0')
const isChunks = (u: unknown): u is Chunks =>
  isObject(u) &&
  'chunks' in u &&
  Array.isArray(u.chunks) &&
  u.chunks.every((chunk) => chunk instanceof Uint8Array) &&
  (!('crc64' in u) || typeof u.crc64 === 'bigint')
const isReplayable = (
  u: unknown
): u is { readonly open: () => AsyncIterable<Uint8Array>; readonly size: number } =>
  isObject(u) && 'open' in u && typeof u.open === 'function' && 'size' in u && In.integer(0).is(u.size)

export const BodyInput: t.Type<BodyInput, BodyInput, unknown> = new t.Type(
  'a string, a Uint8Array, an async iterable of bytes, { file }, { open, size } or { chunks }',
  (u): u is BodyInput =>
    typeof u === 'string' ||
    u instanceof Uint8Array ||
    isStream(u) ||
    isFile(u) ||
    isChunks(u) ||
    isReplayable(u),
  (u, c) => (BodyInput.is(u) ? t.success(u) : t.failure(u, c)),
  t.identity
)

export const empty: Body = { _tag: 'Empty' }

export const bytesBody = (bytes: Uint8Array): Body =>
  bytes.length === 0 ? empty : { _tag: 'Bytes', chunks: [bytes], size: bytes.length, crc64: O.none }

const chunksBody = ({ chunks, crc64 }: Chunks): Body => {
  const size = chunks.reduce((sum, chunk) => sum + chunk.length, 0)
  return size === 0 ? empty : { _tag: 'Bytes', chunks, size, crc64: O.fromNullable(crc64) }
}

/** `contentLength` in bytes, for a stream whose length the caller knows; other bodies know their own. */
export const toBody = (input: BodyInput, contentLength?: number): Body => {
  if (typeof input === 'string') return bytesBody(Buffer.from(input))
  if (input instanceof Uint8Array) return bytesBody(input)
  if (isChunks(input)) return chunksBody(input)
  if (isFile(input)) return { _tag: 'File', path: input.file, start: 0, size: O.none }
  if (isReplayable(input)) return { _tag: 'Replayable', open: input.open, size: input.size }
  return { _tag: 'Once', stream: input, size: O.fromNullable(contentLength) }
}

/** In bytes; none where only sending will tell. */
export const sizeOf = (body: Body): O.Option<number> => {
  switch (body._tag) {
    case 'Empty':
      return O.some(0)
    case 'Bytes':
    case 'Replayable':
      return O.some(body.size)
    case 'File':
    case 'Once':
      return body.size
  }
}

export const isReplayableBody = (body: Body): boolean => body._tag !== 'Once'

// -- the request --
export type Method = 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE'

export interface Request {
  readonly method: Method
  readonly bucket: string
  /** Raw; percent-encoded when it is sent, once. None: the request is about the bucket. */
  readonly key: O.Option<string>
  /** Decoded. The sub-resource comes first: COS routes by it. */
  readonly query: Readonly<Record<string, string>>
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: Body
  /** Read the body once beforehand and send its `Content-MD5`. */
  readonly computeMd5: boolean
  /** Ask before the body is sent: `Expect: 100-continue`. */
  readonly expectContinue: boolean
  /** COS may be silent for minutes before it answers: a copy, a completion. */
  readonly slow: boolean
}

// -- what every input has --
export interface BucketRef {
  /** The whole name, `{name}-{appid}`. */
  readonly bucket: string
  /** More headers, sent as they are; `x-cos-*` ones are signed. They win over those that parameters make. */
  readonly headers?: Readonly<Record<string, string>>
  /** More query parameters, signed. They win over those that parameters make. */
  readonly query?: Readonly<Record<string, string>>
}

export interface ObjectRef extends BucketRef {
  /** 1 to 850 bytes of UTF-8, as it is: nothing in it is decoded. One leading slash is dropped. */
  readonly key: string
  /**
   * Lets through a key such as `a/..` or `./`, which software on the way could shorten to nothing, turning a request
   * for the object into one for its bucket. Such keys are refused otherwise.
   */
  readonly allowPathLikeKey?: boolean
}

/** The object alone, for another call about it. */
export const refOf = (ref: ObjectRef): ObjectRef => In.pick('bucket', 'key', 'allowPathLikeKey')(ref)

export const Bucket: t.Type<string, string, unknown> = In.refined(
  In.text,
  'a bucket name with its APPID, such as examplebucket-1250000000, of at most 60 characters',
  (name) => name.length <= 60 && /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?-[0-9]+$/.test(name)
)

const reservedHeaders = new Set([
  'authorization',
  'connection',
  'content-length',
  'expect',
  'host',
  'keep-alive',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'x-cos-security-token'
])

/** Strings by name, with a rule for each entry; the problem has the name in its path, and no value. */
const checkedEntries = (
  value: t.Type<string, string, unknown>,
  ruleOf: (name: string, value: string) => string | undefined
): t.Type<Readonly<Record<string, string>>, Readonly<Record<string, string>>, unknown> => {
  const entries = t.record(In.text, value, 'an object of strings')
  return In.secret(
    new t.Type<Readonly<Record<string, string>>, Readonly<Record<string, string>>, unknown>(
      entries.name,
      entries.is,
      (u, context) => {
        const validated = entries.validate(u, context)
        if (E.isLeft(validated)) return validated
        for (const [name, text] of Object.entries(validated.right)) {
          const message = ruleOf(name, text)
          if (message !== undefined) {
            return failWith(text, t.appendContext(context, name, value), { problem: 'invalid', message })
          }
        }
        return validated
      },
      t.identity
    )
  )
}

const ExtraHeaders = checkedEntries(In.headerValue, (name) => {
  if (!/^[\w!#$%&'*+.^`|~-]+$/.test(name)) return 'must have a name that HTTP allows for a header'
  return reservedHeaders.has(name.toLowerCase())
    ? 'must not be given: the connection or the signature sets this header'
    : undefined
})

// What says which upload it is, and the signature's own: an empty `uploadId` would make an abort delete the object.
const reservedQuery = /^(?:uploads|uploadid|partnumber|delete|sign|q-.*|x-cos-security-token)$/i

const ExtraQuery = checkedEntries(In.text, (name, value) => {
  if (name === '') return 'must have a name'
  if (reservedQuery.test(name))
    return 'must not be given: a parameter of the operation or the signature sets it'
  return /\p{Surrogate}/u.test(name + value) ? 'must not contain lone surrogates' : undefined
})

/** Fields for an input's codec. */
export const bucketRef: In.FieldsOf<BucketRef> = {
  bucket: Bucket,
  headers: In.optional(ExtraHeaders),
  query: In.optional(ExtraQuery)
}

/** Fields for an input's codec. */
export const objectRef: In.FieldsOf<ObjectRef> = {
  ...bucketRef,
  key: Key,
  allowPathLikeKey: In.optional(In.boolean)
}

// -- building --
const request = (method: Method, ref: BucketRef, key: O.Option<string>): Request => ({
  method,
  bucket: ref.bucket,
  key,
  query: {},
  headers: {},
  body: empty,
  computeMd5: false,
  expectContinue: false,
  slow: false
})

const onObject =
  (method: Method) =>
  (ref: ObjectRef): Request =>
    request(method, ref, O.some(withoutLeadingSlash(ref.key)))

export const get = onObject('GET')
export const head = onObject('HEAD')
export const put = onObject('PUT')
export const post = onObject('POST')
export const del = onObject('DELETE')
export const onBucket =
  (method: Method) =>
  (ref: BucketRef): Request =>
    request(method, ref, O.none)

type Values = Readonly<Record<string, string | number | boolean | undefined>>

const present = (values: Values): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries(values).flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)]]))
  )

/** Adds parameters that have a value; `''` is one, and makes `?uploads=` of `{ uploads: '' }`. */
export const withQuery =
  (query: Values) =>
  (to: Request): Request => ({ ...to, query: { ...to.query, ...present(query) } })

/**
 * Adds headers that have a value, their names in lower case. White space around a value is trimmed and an empty one
 * left out, for that is what arrives of them: what is signed must be what is sent.
 */
export const withHeaders =
  (headers: Values) =>
  (to: Request): Request => ({
    ...to,
    headers: {
      ...to.headers,
      ...Object.fromEntries(
        Object.entries(present(headers)).flatMap(([name, value]) =>
          value.trim() === '' ? [] : [[name.toLowerCase(), value.trim()]]
        )
      )
    }
  })

export const withBody =
  (body: Body) =>
  (to: Request): Request => ({ ...to, body })

export const withComputedMd5 =
  (compute: boolean | undefined) =>
  (to: Request): Request => ({
    ...to,
    computeMd5: compute === true && to.headers['content-md5'] === undefined
  })

export const withExpectContinue =
  (expect: boolean | undefined) =>
  (to: Request): Request => ({ ...to, expectContinue: expect === true })

/** Marks a request whose answer COS may take minutes to begin. */
export const withSlowHeaders = (to: Request): Request => ({ ...to, slow: true })

/** An XML body with its `Content-MD5`, which COS demands of all of them. */
export const withXml =
  (xml: Xml) =>
  (to: Request): Request => {
    const bytes = Buffer.from(writeTerseXml(xml))
    return pipe(
      to,
      withHeaders({
        'content-type': 'application/xml',
        'content-md5': createHash('md5').update(bytes).digest('base64')
      }),
      withBody(bytesBody(bytes))
    )
  }

const isSecret = (name: string): boolean => name.endsWith('-customer-key')

/**
 * The same request, which does not print or serialise a customer's key. It stays a plain value: what hides is not
 * enumerable, and a copy made of it hides nothing.
 */
export const redacted = (request: Request): Request => {
  const shown = (): object => ({
    ...request,
    headers: Object.fromEntries(
      Object.entries(request.headers).map(([name, value]) => [name, isSecret(name) ? '(hidden)' : value])
    )
  })
  return Object.defineProperties(
    { ...request },
    { [inspect.custom]: { value: shown }, toJSON: { value: shown } }
  )
}

/** The caller's own headers and parameters, over all others. */
export const withExtras =
  (ref: BucketRef) =>
  (to: Request): Request =>
    pipe(to, withQuery(ref.query ?? {}), withHeaders(ref.headers ?? {}))
