/** Where a request goes: the host that is signed and sent, and the place that is connected to. */
import * as O from 'fp-ts/lib/Option.js'
import type * as t from 'io-ts'
import * as In from './input.js'
import { encodeKey } from './key.js'
import type { Request } from './request.js'

/**
 * One of `region`, `endpoint` and `domain` says which host a bucket has; `domain` wins over `endpoint`, and `endpoint`
 * over `region`.
 */
export interface Endpoint {
  /** Such as `ap-guangzhou`: the host is `{bucket}.cos.{region}.myqcloud.com`. */
  readonly region?: string
  /** Such as `cos.accelerate.myqcloud.com`: the host is `{bucket}.{endpoint}`. A port may follow. */
  readonly endpoint?: string
  /** A custom domain bound to the bucket: the host is this one, whatever the bucket. A port may follow. */
  readonly domain?: string
  /** Connect to this `host:port`, and still send and sign COS's own `Host`. */
  readonly address?: string
  /** `https` by default. */
  readonly scheme?: 'https' | 'http'
}

// Whatever names a host is untrusted: a slash, an @ or a colon in it would send signed requests elsewhere.
const label = '[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?'
const dotted = new RegExp(`^${label}(?:\\.${label})*$`)
const withPort = new RegExp(`^${label}(?:\\.${label})*(?::\\d{1,5})?$`)
const connectable = new RegExp(`^(?:${label}(?:\\.${label})*|\\[[0-9A-Fa-f:.]+\\])(?::\\d{1,5})?$`)

const matching = (expected: string, pattern: RegExp): t.Type<string, string, unknown> =>
  In.refined(In.text, expected, (text) => pattern.test(text))

/** Fields for a codec. */
export const toEndpoint: In.FieldsOf<Endpoint> = {
  region: In.optional(matching('a region such as ap-guangzhou', dotted)),
  endpoint: In.optional(
    matching('an endpoint such as cos.accelerate.myqcloud.com, without a scheme', withPort)
  ),
  domain: In.optional(matching('a host name such as files.example.com, without a scheme', withPort)),
  address: In.optional(matching('an address such as 127.0.0.1:9000, without a scheme', connectable)),
  scheme: In.optional(In.oneOf('https', 'http'))
}

/** `region` of a place whose region already names its service, such as `cos.ap-beijing-1`, is used as it is. */
export const regionHost = (region: string): string =>
  `${region.includes('cos.') ? region : `cos.${region}`}.myqcloud.com`

export const hostOf = (where: Endpoint, bucket: string): string =>
  where.domain ?? `${bucket}.${where.endpoint ?? regionHost(where.region ?? '')}`

export interface Target {
  /** What to connect to, such as `https://examplebucket-1250000000.cos.ap-guangzhou.myqcloud.com`. */
  readonly origin: string
  /** The text of the `Host` header, which is also what is signed. */
  readonly host: string
  /** Percent-encoded, without the query. */
  readonly path: string
}

const defaultPort = { https: ':443', http: ':80' }

/** Where a request goes. The host is lower case and without a default port, as it will arrive. */
export const targetOf = (where: Endpoint, request: Pick<Request, 'bucket' | 'key'>): Target => {
  const scheme = where.scheme ?? 'https'
  const named = hostOf(where, request.bucket).toLowerCase()
  const host = named.endsWith(defaultPort[scheme]) ? named.slice(0, -defaultPort[scheme].length) : named
  return {
    origin: `${scheme}://${where.address ?? host}`,
    host,
    path: `/${O.isSome(request.key) ? encodeKey(request.key.value) : ''}`
  }
}

/** `name=value` pairs joined, each percent-encoded; a parameter without a value keeps its `=`. */
export const queryText = (
  query: Readonly<Record<string, string>>,
  encode: (text: string) => string
): string =>
  Object.entries(query)
    .map(([name, value]) => `${encode(name)}=${encode(value)}`)
    .join('&')
