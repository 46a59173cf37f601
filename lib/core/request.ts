/** A request as a value: method, bucket, key, headers and body, independent of the host and the credentials. */
import { createHash } from 'node:crypto'
import { inspect } from 'node:util'
import { pipe } from 'fp-ts/lib/function.js'
import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import * as t from 'io-ts'
import { bytesBody, emptyBody, type Body } from './body.js'
import * as In from './input.js'
import { Key, withoutLeadingSlash } from './key.js'
import { failWith } from './problem.js'
import { setEntry } from './set-entry.js'
import { writeTerseXml, type Xml } from './xml.js'

// -- the request --
export type Method = 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE'

export interface Request {
  readonly method: Method
  readonly bucket: string
  /** Not percent-encoded: that is done once, when the request is sent. None: the request addresses the bucket. */
  readonly key: O.Option<string>
  /** Decoded. The sub-resource is first: COS routes by it. */
  readonly query: Readonly<Record<string, string>>
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: Body
  /** Reads the body once before sending and sends its `Content-MD5`. */
  readonly computeMd5: boolean
  /** Sends `Expect: 100-continue` and waits for the response before the body is sent. */
  readonly expectContinue: boolean
  /** COS may take minutes before it responds: `copyObject`, `uploadPartCopy`, `completeMultipartUpload`. */
  readonly slow: boolean
}

// -- references --
export interface BucketRef {
  /** The whole name, `{name}-{appid}`. */
  readonly bucket: string
  /** More headers, sent unchanged; `x-cos-*` ones are signed. They override headers that parameters set. */
  readonly headers?: Readonly<Record<string, string>>
  /** More query parameters, signed. They override those that parameters set. */
  readonly query?: Readonly<Record<string, string>>
}

export interface ObjectRef extends BucketRef {
  /** 1 to 850 bytes of UTF-8, taken literally: nothing in it is decoded. One leading slash is dropped. */
  readonly key: string
  /**
   * Allows a key such as `a/..` or `./`. A proxy could normalize it to an empty path and turn a request for the object
   * into one for its bucket. Default: false, such keys are rejected.
   */
  readonly allowPathLikeKey?: boolean
}

/** The fields that address the object. */
export const refNames = ['bucket', 'key', 'allowPathLikeKey'] as const

const pickRef = In.pick(...refNames)

/** The fields that address the object, for another call on the same object. */
export const refOf = (ref: ObjectRef): ObjectRef => pickRef(ref)

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

/** Strings by name, with a rule for each entry. The path of a problem has the name; the problem does not have the value. */
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

// Parameters that select the upload, and those of the signature: an empty `uploadId` would make an abort delete the
// object.
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
  body: emptyBody,
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

// The tables are copied with `Object.assign`: after a spread, V8 takes 2 us for the first property that is added, and 0.1
// after this (Node 20).

/** Adds the parameters that are not `undefined`; `{ uploads: '' }` becomes `?uploads=`. */
export const withQuery =
  (query: Values) =>
  (to: Request): Request => {
    let added: Record<string, string> | undefined
    for (const name of Object.keys(query)) {
      const value = query[name]
      if (value !== undefined) setEntry((added ??= Object.assign({}, to.query)), name, String(value))
    }
    return added === undefined ? to : { ...to, query: added }
  }

/**
 * Adds the headers that are not `undefined`, with names in lower case. White space around a value is trimmed and an
 * empty value is left out, as HTTP does in transit: the signed headers must equal the received ones.
 *
 * One table for each group of parameters: most of their thirty headers are absent, and joining the tables first took 5 %
 * of the CPU time of a small PUT.
 */
export const withHeaders =
  (...tables: ReadonlyArray<Values>) =>
  (to: Request): Request => {
    let added: Record<string, string> | undefined
    for (const headers of tables) {
      for (const name of Object.keys(headers)) {
        const value = headers[name]
        if (value === undefined) continue
        const text = String(value).trim()
        if (text !== '') setEntry((added ??= Object.assign({}, to.headers)), name.toLowerCase(), text)
      }
    }
    return added === undefined ? to : { ...to, headers: added }
  }

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

/** Marks a request to which COS may take minutes to respond. */
export const withSlowHeaders = (to: Request): Request => ({ ...to, slow: true })

/** Sets an XML body and its `Content-MD5`, which COS requires of every XML body. */
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
 * The same request, with a customer's key hidden when it is printed or serialised. It stays a plain value: the methods
 * that hide the key are not enumerable, so a copy of it hides nothing.
 */
export const redacted = (request: Request): Request => {
  if (!Object.keys(request.headers).some(isSecret)) return request
  const withoutSecrets = (): object => ({
    ...request,
    headers: Object.fromEntries(
      Object.entries(request.headers).map(([name, value]) => [name, isSecret(name) ? '(hidden)' : value])
    )
  })
  return Object.defineProperties(
    { ...request },
    { [inspect.custom]: { value: withoutSecrets }, toJSON: { value: withoutSecrets } }
  )
}

/** Adds the caller's extra headers and query parameters, which override all others. */
export const withExtras =
  (ref: BucketRef) =>
  (to: Request): Request =>
    ref.query === undefined && ref.headers === undefined
      ? to
      : pipe(to, withQuery(ref.query ?? {}), withHeaders(ref.headers ?? {}))
