/** Where a request goes: the host that is signed and sent, and the place that is connected to. */
import * as O from 'fp-ts/lib/Option.js'
import * as t from 'io-ts'
import * as In from './input.js'
import { encodeKey } from './key.js'
import { failWith } from './problem.js'
import type { Request } from './request.js'

/**
 * One of `region`, `endpoint` and `domain` says which host a bucket has; `domain` wins over `endpoint`, and `endpoint`
 * over `region`.
 */
export interface Endpoint {
  /** Such as `ap-guangzhou`: the host is `{bucket}.cos.{region}.myqcloud.com`. */
  readonly region?: string
  /**
   * Such as `cos.accelerate.myqcloud.com`, without the bucket: the host is `{bucket}.{endpoint}`. A port may follow. Like
   * `domain` and `address`, it may have underscores and a final dot.
   */
  readonly endpoint?: string
  /** A custom domain bound to the bucket: the host is this one, whatever the bucket. A port may follow. */
  readonly domain?: string
  /** Connect to this `host:port`, and still send and sign COS's own `Host`. */
  readonly address?: string
  /** `https` by default. */
  readonly scheme?: 'https' | 'http'
}

// Whatever names a host is untrusted: a slash, an @ or a colon in it would send signed requests elsewhere. A region is part
// of a name; of other hosts, each name that Node can resolve is accepted: with underscores, with a final dot (which keeps
// the resolver from trying its search domains), in any script.
const label = '[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?'
const region = new RegExp(`^${label}(?:\\.${label})*$`)
const name = '[\\p{L}\\p{M}\\p{N}_-]+'
const hostAndPort = new RegExp(`^${name}(?:\\.${name})*\\.?(?::\\d{1,5})?$`, 'u')
const ipv6AndPort = /^\[[0-9A-Fa-f:.]+\](?::\d{1,5})?$/

/** The URL parser refuses ports above 65,535, and names that end like an IPv4 address and are none. */
const isHost = (text: string): boolean => hostAndPort.test(text) && URL.canParse(`http://${text}`)

/** `{bucket}.cos.{region}.myqcloud.com`: the bucket would be put before it once more. */
const withBucket = /^[a-z0-9][a-z0-9-]*-\d+\.((?:cos|cos-[a-z]+|file)\..+)$/i

const endpointProblem = (text: string): string | undefined => {
  const [, rest] = withBucket.exec(text) ?? []
  if (rest !== undefined) return `must not contain the bucket, which is put before it: use ${rest}`
  return isHost(text) && URL.canParse(`http://bucket.${text}`)
    ? undefined
    : 'must be an endpoint such as cos.accelerate.myqcloud.com, without a scheme; not an IP address (use address)'
}

const EndpointHost = new t.Type<string, string, unknown>(
  'an endpoint',
  (u): u is string => typeof u === 'string' && endpointProblem(u) === undefined,
  (u, context) => {
    if (typeof u !== 'string') return In.text.validate(u, context)
    const message = endpointProblem(u)
    return message === undefined ? t.success(u) : failWith(u, context, { problem: 'invalid', message })
  },
  t.identity
)

/** Fields for a codec. */
export const toEndpoint: In.FieldsOf<Endpoint> = {
  region: In.optional(In.refined(In.text, 'a region such as ap-guangzhou', (text) => region.test(text))),
  endpoint: In.optional(EndpointHost),
  domain: In.optional(In.refined(In.text, 'a host name such as files.example.com, without a scheme', isHost)),
  address: In.optional(
    In.refined(
      In.text,
      'an address such as 127.0.0.1:9000, without a scheme',
      (text) => isHost(text) || (ipv6AndPort.test(text) && URL.canParse(`http://${text}`))
    )
  ),
  scheme: In.optional(In.oneOf('https', 'http'))
}

/** `region` of a place whose region already names its service, such as `cos.ap-beijing-1`, is used as it is. */
const regionHost = (region: string): string =>
  `${region.includes('cos.') ? region : `cos.${region}`}.myqcloud.com`

const nameOf = (where: Endpoint, bucket: string): string =>
  where.domain ?? `${bucket}.${where.endpoint ?? regionHost(where.region ?? '')}`

// The final dot is for the resolver. COS and certificates name a host without it.
const finalDot = /\.(?=(?::\d+)?$)/

/** The host as COS names it. */
export const hostOf = (where: Endpoint, bucket: string): string => nameOf(where, bucket).replace(finalDot, '')

export interface Target {
  /** What to connect to, such as `https://examplebucket-1250000000.cos.ap-guangzhou.myqcloud.com`. */
  readonly origin: string
  /** The host in `origin`, with a port that is not the default. */
  readonly peer: string
  /** The text of the `Host` header, which is also what is signed. */
  readonly host: string
  /** Percent-encoded, without the query. */
  readonly path: string
}

type Hosts = Omit<Target, 'path'>

const hostsOf = (where: Endpoint, bucket: string): Hosts => {
  const scheme = where.scheme ?? 'https'
  const { host, origin } = new URL(`${scheme}://${nameOf(where, bucket)}`)
  const connectTo = where.address === undefined ? origin : `${scheme}://${where.address}`
  return { origin: connectTo, peer: new URL(connectTo).host, host: host.replace(finalDot, '') }
}

// Of the last bucket of each endpoint: parsing two URLs for each request is a hundredth of its CPU time.
const lastHosts = new WeakMap<Endpoint, readonly [bucket: string, hosts: Hosts]>()

/** Where a request goes. The host is lower case, in ASCII and without a default port, as it will arrive. */
export const targetOf = (where: Endpoint, { bucket, key }: Pick<Request, 'bucket' | 'key'>): Target => {
  const last = lastHosts.get(where)
  const hosts = last?.[0] === bucket ? last[1] : hostsOf(where, bucket)
  if (hosts !== last?.[1]) lastHosts.set(where, [bucket, hosts])
  const { origin, peer, host } = hosts
  return { origin, peer, host, path: `/${O.isSome(key) ? encodeKey(key.value) : ''}` }
}

/** `name=value` pairs joined, each percent-encoded; a parameter without a value keeps its `=`. */
export const queryText = (
  query: Readonly<Record<string, string>>,
  encode: (text: string) => string
): string =>
  Object.entries(query)
    .map(([name, value]) => `${encode(name)}=${encode(value)}`)
    .join('&')
