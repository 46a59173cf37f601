/** Verifies COS's signature, in the Authorization header or in the URL. */
import { timingSafeEqual } from 'node:crypto'
import * as E from 'fp-ts/lib/Either.js'
import { urlEncode } from '../../core/key.js'
import { encodeHeaderBytes, sign, signKey as computeSignKey } from '../../core/signature.js'
import type { Credentials } from '../options.js'
import { type ServiceError, fail } from './service-error.js'
import type { Query } from './route.js'

export interface Sender {
  /** True if the request carries no signature. */
  readonly anonymous: boolean
}

/** The parts of a request that a signature covers. */
export interface Signable {
  readonly method: string
  readonly signedPaths: ReadonlyArray<string>
  readonly query: Query
  readonly headers: Readonly<Record<string, string>>
}

// Seconds that the clocks of COS and a client may differ by.
const clockTolerance = 15 * 60

const signatureFields = [
  'q-sign-algorithm',
  'q-ak',
  'q-sign-time',
  'q-key-time',
  'q-header-list',
  'q-url-param-list',
  'q-signature'
] as const

/** A Map, because the names are parts of the text: V8 looks each up in a table of all names before it is a property. */
const fieldsOf = (text: string): ReadonlyMap<string, string> => {
  const fields = new Map<string, string>()
  for (const pair of text.trim().split('&')) {
    const at = pair.indexOf('=')
    if (at < 0) fields.set(pair, '')
    else fields.set(pair.slice(0, at), pair.slice(at + 1))
  }
  return fields
}

interface PresentedSignature {
  readonly field: (name: (typeof signatureFields)[number]) => string | undefined
  /** In the URL, so that it may have been made long ago. */
  readonly presigned: boolean
}

const readSignature = ({ headers, query }: Signable): PresentedSignature | undefined => {
  const header = headers['authorization'] ?? ''
  if (header === '' && query['q-signature'] !== undefined)
    return { field: (name) => query[name], presigned: true }
  // The legacy form: the whole Authorization value in one parameter.
  const text = header === '' ? query['sign'] : header
  if (text === undefined) return undefined
  const fields = fieldsOf(text)
  return { field: (name) => fields.get(name), presigned: header === '' }
}

/** `a;b;c` -> the values of these names; undefined if the request lacks one of them. */
const pickSigned = (list: string, values: Query): Query | undefined => {
  if (list === '') return {}
  const named = new Map<string, string>()
  for (const name in values) named.set(urlEncode(name).toLowerCase(), name)
  const picked: Array<readonly [string, string]> = []
  for (const listed of list.split(';')) {
    if (listed === '') continue
    const name = named.get(listed.toLowerCase())
    const value = name === undefined ? undefined : values[name]
    if (name === undefined || value === undefined) return undefined
    picked.push([name, value])
  }
  return Object.fromEntries(picked)
}

export const isEqual = (ours: string, received: string): boolean => {
  const [a, b] = [Buffer.from(ours), Buffer.from(received)]
  return a.length === b.length && timingSafeEqual(a, b)
}

/**
 * COS has two errors for a wrong time. An expired signature, such as that of a presigned URL, is `AccessDenied` with the
 * message `Request has expired`. An Authorization header is made for one request: if its time is off by more than the
 * tolerance, the client's clock is wrong, and the error is `RequestTimeTooSkewed`.
 */
export const checkTime = (
  start: number,
  end: number,
  now: number,
  presigned: boolean
): E.Either<ServiceError, true> => {
  if (start > now + clockTolerance) return fail('RequestTimeTooSkewed')
  if (end + clockTolerance < now && !presigned) return fail('RequestTimeTooSkewed')
  return end < now ? fail('AccessDenied', 'Request has expired') : E.right(true)
}

export const checkToken = (
  credentials: Credentials,
  { headers, query }: Pick<Signable, 'headers' | 'query'>,
  now: number
): E.Either<ServiceError, true> => {
  const { token, expires = Infinity } = credentials
  const received = headers['x-cos-security-token'] ?? query['x-cos-security-token']
  // COS does not know a temporary secret id without its token.
  if (token !== undefined && received === undefined) return fail('InvalidAccessKeyId')
  if (token !== undefined && received !== token)
    return fail('AccessDenied', 'The security token does not belong to this secret id.')
  return now >= expires ? fail('ExpiredToken') : E.right(true)
}

// A client signs many requests with one key time.
const lastSignKeys = new WeakMap<Credentials, { readonly keyTime: string; readonly key: string }>()

const signKeyOf = (credentials: Credentials, keyTime: string): string => {
  const last = lastSignKeys.get(credentials)
  if (last?.keyTime === keyTime) return last.key
  const key = computeSignKey(credentials.secretKey, keyTime)
  lastSignKeys.set(credentials, { keyTime, key })
  return key
}

const checkSignature = (
  credentials: Credentials,
  { method, signedPaths, query, headers }: Signable,
  { field }: PresentedSignature
): E.Either<ServiceError, true> => {
  const signedQuery = pickSigned(field('q-url-param-list') ?? '', query)
  const signedHeaders = pickSigned(field('q-header-list') ?? '', headers)
  if (signedQuery === undefined || signedHeaders === undefined)
    return fail(
      'SignatureDoesNotMatch',
      'A header or parameter that the signature names is not in the request.'
    )
  const received = field('q-signature') ?? ''
  const keyTime = field('q-key-time') ?? ''
  const { secretId, secretKey } = credentials
  const signKey = signKeyOf(credentials, keyTime)
  const isValid = signedPaths.some((path) => {
    const { signature } = sign(
      { secretId, secretKey, signKey, keyTime, method, path, query: signedQuery, headers: signedHeaders },
      encodeHeaderBytes
    )
    return isEqual(signature, received)
  })
  return isValid ? E.right(true) : fail('SignatureDoesNotMatch')
}

/** Signatures of S3, in the Authorization header (versions 4 and 2) or in the URL. */
const isSignedForS3 = ({ headers, query }: Signable): boolean =>
  /^AWS/.test(headers['authorization'] ?? '') ||
  Object.keys(query).some((name) => /^(?:x-amz-signature|awsaccesskeyid)$/i.test(name))

const malformed = (problem: string): E.Either<ServiceError, never> =>
  fail('AccessDenied', `The signature is malformed: ${problem}.`)

/**
 * Verifies a request's signature.
 *
 * @shape  `anonymous: true` if there is no signature; the handler decides whether that is allowed
 * @units  `now` in milliseconds
 * @errors `SignatureDoesNotMatch`, `InvalidAccessKeyId`, `RequestTimeTooSkewed`, `ExpiredToken`, `AccessDenied`
 * @source https://cloud.tencent.com/document/product/436/7778
 */
export const authenticate = (
  known: ReadonlyArray<Credentials>,
  request: Signable,
  now: number
): E.Either<ServiceError, Sender> => {
  // A browser sends a preflight without a signature; the URL may be presigned, for another method.
  if (request.method === 'OPTIONS') return E.right({ anonymous: true })
  if (isSignedForS3(request))
    return fail(
      'AccessDenied',
      "The request has an S3 signature. The emulator implements COS's own API: use a COS SDK, or sign with q-sign-algorithm=sha1."
    )
  const found = readSignature(request)
  if (found === undefined) return E.right({ anonymous: true })
  const { field, presigned } = found
  const missing = signatureFields.find((name) => field(name) === undefined)
  if (missing !== undefined) return malformed(`${missing} is missing`)
  if (field('q-sign-algorithm') !== 'sha1') return malformed('q-sign-algorithm is not sha1')
  const signTime = field('q-sign-time') ?? ''
  const [, start, end] = /^(\d{1,15});(\d{1,15})$/.exec(signTime) ?? []
  if (start === undefined || end === undefined || field('q-key-time') !== signTime)
    return malformed('q-sign-time and q-key-time are not the same start;end')
  const credentials = known.find(({ secretId }) => secretId === field('q-ak'))
  if (credentials === undefined) return fail('InvalidAccessKeyId')

  const time = checkTime(Number(start), Number(end), Math.floor(now / 1000), presigned)
  if (E.isLeft(time)) return time
  const token = checkToken(credentials, request, now)
  if (E.isLeft(token)) return token
  const signature = checkSignature(credentials, request, found)
  return E.isLeft(signature) ? signature : E.right({ anonymous: false })
}
