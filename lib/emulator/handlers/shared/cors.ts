/** CORS: the rules of a bucket, and the headers that they add to a response. */
import * as E from 'fp-ts/lib/Either.js'
import { pipe } from 'fp-ts/lib/function.js'
import type { Element } from '../../../core/element.js'
import { parseXml } from '../../http/read-body.js'
import { type ServiceError, fail } from '../../http/service-error.js'
import type { Bucket } from '../../store/state.js'

type Headers = Readonly<Record<string, string>>

export interface CorsRule {
  readonly origins: ReadonlyArray<string>
  readonly methods: ReadonlyArray<string>
  /** Names in lower case, or with one `*`. */
  readonly headers: ReadonlyArray<string>
  readonly exposed: ReadonlyArray<string>
  /** In seconds. */
  readonly maxAge: string | undefined
}

export interface CorsRules {
  readonly rules: ReadonlyArray<CorsRule>
  /** `ResponseVary`: all responses have `Vary: Origin`, those to requests without `Origin` included. */
  readonly vary: boolean
}

const methods = new Set(['GET', 'PUT', 'POST', 'DELETE', 'HEAD'])
const maxRules = 100

const readRule = ({ children }: Element): CorsRule => {
  const all = (wanted: string): ReadonlyArray<string> =>
    children.filter(({ name }) => name === wanted).map(({ text }) => text.trim())
  return {
    origins: all('AllowedOrigin'),
    methods: all('AllowedMethod').map((method) => method.toUpperCase()),
    headers: all('AllowedHeader').map((name) => name.toLowerCase()),
    exposed: all('ExposeHeader').filter((name) => name !== ''),
    maxAge: all('MaxAgeSeconds')[0]
  }
}

const problemOf = (rule: CorsRule): string | undefined => {
  if (rule.origins.length === 0) return 'a rule needs an AllowedOrigin'
  if (rule.methods.length === 0) return 'a rule needs an AllowedMethod'
  if (!rule.methods.every((method) => methods.has(method))) return 'an AllowedMethod is not valid'
  if (rule.origins.some((origin) => origin.split('*').length > 2)) return 'an AllowedOrigin may have one "*"'
  return rule.maxAge === undefined || /^\d{1,9}$/.test(rule.maxAge)
    ? undefined
    : 'MaxAgeSeconds must be an integer'
}

/** Reads the children of `CORSConfiguration`. */
export const readCorsRules = (rows: ReadonlyArray<Element>): E.Either<ServiceError, CorsRules> => {
  const rules = rows.filter(({ name }) => name === 'CORSRule').map(readRule)
  const vary = rows.find(({ name }) => name === 'ResponseVary')?.text.trim() === 'true'
  const problem = rules.map(problemOf).find((found) => found !== undefined)
  if (problem !== undefined)
    return fail('InvalidArgument', `The CORS configuration is not valid: ${problem}.`)
  return rules.length > 0 && rules.length <= maxRules ? E.right({ rules, vary }) : fail('MalformedXML')
}

/** The rules of the option `cors`, for buckets without a CORS configuration. */
const permissive = (origins: ReadonlyArray<string>): CorsRules => ({
  rules: [{ origins, methods: [...methods], headers: ['*'], exposed: ['*'], maxAge: '600' }],
  vary: false
})

// Parsed once for each change of a bucket's configurations.
const parsed = new WeakMap<Bucket['configurations'], CorsRules>()

const rulesOf = (bucket: Bucket | undefined, origins: ReadonlyArray<string>): CorsRules | undefined => {
  const document = bucket?.configurations.get('cors')
  if (bucket === undefined || document === undefined)
    return origins.length === 0 ? undefined : permissive(origins)
  const known = parsed.get(bucket.configurations)
  if (known !== undefined) return known
  const rules = pipe(parseXml(Buffer.from(document), 'CORSConfiguration'), E.chain(readCorsRules))
  if (E.isLeft(rules)) return undefined
  parsed.set(bucket.configurations, rules.right)
  return rules.right
}

/** `https://*.example.com` matches `https://a.example.com`. */
const matches = (pattern: string, text: string): boolean => {
  const star = pattern.indexOf('*')
  if (star < 0) return pattern === text
  const [before, after] = [pattern.slice(0, star), pattern.slice(star + 1)]
  return text.length >= before.length + after.length && text.startsWith(before) && text.endsWith(after)
}

const varyAll = 'Origin, Access-Control-Request-Headers, Access-Control-Request-Method'

export interface CorsRequest {
  readonly origin: string
  readonly method: string
  /** Of a preflight: the names of `Access-Control-Request-Headers`, in lower case. */
  readonly headers: ReadonlyArray<string>
}

const allowHeaders = (rule: CorsRule, { origin, headers }: CorsRequest): Headers => ({
  'access-control-allow-origin': rule.origins.includes('*') ? '*' : origin,
  'access-control-allow-methods': rule.methods.join(','),
  ...(headers.length === 0 ? {} : { 'access-control-allow-headers': headers.join(',') }),
  ...(rule.exposed.length === 0 ? {} : { 'access-control-expose-headers': rule.exposed.join(',') }),
  ...(rule.maxAge === undefined ? {} : { 'access-control-max-age': rule.maxAge }),
  vary: varyAll
})

/**
 * The headers that allow a request: those of the first rule that matches origin, method and headers.
 *
 * @shape  undefined if no rule matches
 * @source https://cloud.tencent.com/document/product/436/8288
 */
export const corsHeaders = (
  bucket: Bucket | undefined,
  origins: ReadonlyArray<string>,
  request: CorsRequest
): Headers | undefined => {
  const rule = rulesOf(bucket, origins)?.rules.find(
    (each) =>
      each.origins.some((origin) => matches(origin, request.origin)) &&
      each.methods.includes(request.method) &&
      request.headers.every((name) => each.headers.some((allowed) => matches(allowed, name)))
  )
  return rule === undefined ? undefined : allowHeaders(rule, request)
}

/** The CORS headers of a response that is not to a preflight. */
export const corsResponseHeaders = (
  bucket: Bucket | undefined,
  origins: ReadonlyArray<string>,
  method: string,
  origin: string | undefined
): Headers => {
  if (origin === undefined) return rulesOf(bucket, origins)?.vary === true ? { vary: varyAll } : {}
  return corsHeaders(bucket, origins, { origin, method, headers: [] }) ?? {}
}
