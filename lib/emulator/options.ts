/** The emulator's options, their defaults and their validation. */
import * as E from 'fp-ts/lib/Either.js'
import { pipe } from 'fp-ts/lib/function.js'
import { similarName } from '../core/similar-name.js'
import type { InvalidOption } from './error.js'
import type { Fault, FaultInput } from './fault.js'
import type { BucketAcl } from './store/model.js'
import { MiB } from '../core/limits.js'

export interface Credentials {
  readonly secretId: string
  readonly secretKey: string
  /** Temporary credentials: requests must carry this as `x-cos-security-token`. */
  readonly token?: string
  /** Milliseconds of Unix time; the token answers `ExpiredToken` from then on. */
  readonly expires?: number
}

/** The default credentials. They are public. */
export const exampleCredentials: Credentials = {
  secretId: 'AKIDEmulatorExampleNotARealSecretId00',
  secretKey: 'emulatorExampleNotARealSecretKey0000'
}

export const exampleBucket = 'examplebucket-1250000000'

export interface BucketOptions {
  /** `{name}-{appid}`. */
  readonly name: string
  /** Default: never versioned, or as stored in `dir`. */
  readonly versioning?: 'Enabled' | 'Suspended'
  /** Which anonymous requests are allowed. Default: `private`, none. */
  readonly acl?: BucketAcl
  /** Custom domains of this bucket, without a port. */
  readonly domains?: ReadonlyArray<string>
}

/** An object that exists when the emulator starts. */
export interface SeedObject {
  readonly bucket: string
  readonly key: string
  /** In bytes, all zero; they take no memory. Default: 0. */
  readonly size?: number
  /** Milliseconds of Unix time. Default: when the emulator started. */
  readonly modified?: number
  /** Default: `STANDARD`. */
  readonly storageClass?: string
}

/** A request and its response. */
export interface RequestRecord {
  readonly operation: string
  readonly method: string
  readonly bucket: string
  /** Decoded; empty for a request about a bucket. */
  readonly key: string
  /** 0 if the connection ended before the response started. */
  readonly status: number
  /** COS's error code; empty for a success. */
  readonly code: string
  readonly query: Readonly<Record<string, string>>
  /** Names in lower case; signatures and keys are redacted. */
  readonly headers: Readonly<Record<string, string>>
  /** Bytes of the request's body. */
  readonly bytesIn: number
  /** Bytes of the response's body. */
  readonly bytesOut: number
  readonly requestId: string
}

export interface EmulatorOptions {
  /** 0 is a free port. Default: 0. */
  readonly port?: number
  /** Default: `127.0.0.1`. The emulator is not meant for a network. */
  readonly host?: string
  /** The directory of the objects. Default: in memory, lost when the process ends. */
  readonly dir?: string
  /** Default: `examplebucket-1250000000`. */
  readonly buckets?: ReadonlyArray<string | BucketOptions>
  /**
   * The region that is reported for the buckets of `buckets`, which the hosts of every region reach. A bucket that PUT
   * Bucket creates is in the region of its host. Default: `ap-guangzhou`.
   */
  readonly region?: string
  /** The accepted credentials. Default: `exampleCredentials`. */
  readonly credentials?: ReadonlyArray<Credentials>
  /** The emulator's clock, in milliseconds of Unix time. Default: `Date.now`. */
  readonly now?: () => number
  /** In bytes. Default: 1 MiB, as on COS; smaller values are for specs. */
  readonly minPartSize?: number
  /** How long a restore takes, in milliseconds. Default: as on COS, minutes to hours. */
  readonly restoreTime?: number
  /** Objects that exist at the start. They are not written to `dir`; keys already stored there are kept. */
  readonly seed?: Iterable<SeedObject>
  /** Called once for each request; `script` builds one from rules. */
  readonly fault?: (request: FaultInput) => Fault | undefined
  /** Called when a request is over. An error that it throws is ignored. */
  readonly onRequest?: (request: RequestRecord) => void
  /** The number of newest records that `requests()` keeps. Default: 10,000. */
  readonly keepRequests?: number
  /**
   * Origins of web pages, such as `http://localhost:3000` or `*`: their requests to buckets without a CORS configuration
   * are allowed. Default: none, as on COS.
   */
  readonly cors?: ReadonlyArray<string>
  /** Serves HTTPS beside HTTP on the port, and CONNECT. The certificates are made at the start. Default: false. */
  readonly tls?: boolean
  /** With `tls`: writes the certificate of the authority to this file, for `NODE_EXTRA_CA_CERTS`. */
  readonly tlsCa?: string
}

export interface Settings {
  readonly port: number
  readonly host: string
  readonly dir: string | undefined
  readonly buckets: ReadonlyArray<BucketOptions>
  readonly region: string
  readonly credentials: readonly [Credentials, ...ReadonlyArray<Credentials>]
  readonly now: () => number
  readonly minPartSize: number
  readonly restoreTime: number | undefined
  readonly seed: Iterable<SeedObject>
  readonly fault: (request: FaultInput) => Fault | undefined
  readonly onRequest: ((request: RequestRecord) => void) | undefined
  readonly keepRequests: number
  readonly cors: ReadonlyArray<string>
  readonly tls: boolean
  readonly tlsCa: string | undefined
}

export const isBucketName = (name: string): boolean =>
  name.length <= 60 && /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?-[0-9]+$/.test(name)

const isInteger = (value: number, least: number, most: number): boolean =>
  Number.isInteger(value) && value >= least && value <= most

type Check = readonly [field: string, expected: string, isValid: boolean]

// As records, so that the compiler checks that no name is missing.
const optionNames: Readonly<Record<keyof EmulatorOptions, true>> = {
  ...{ port: true, host: true, dir: true, buckets: true, region: true, credentials: true, now: true },
  ...{ minPartSize: true, restoreTime: true, seed: true, fault: true, onRequest: true, keepRequests: true },
  ...{ cors: true, tls: true, tlsCa: true }
}
const bucketNames: Readonly<Record<keyof BucketOptions, true>> = {
  ...{ name: true, versioning: true, acl: true, domains: true }
}
const credentialNames: Readonly<Record<keyof Credentials, true>> = {
  ...{ secretId: true, secretKey: true, token: true, expires: true }
}

/** The first field of an object that is not in `known`. */
const findUnknown = (
  fields: object,
  known: Readonly<Record<string, true>>,
  path = ''
): InvalidOption | undefined => {
  const name = Object.keys(fields).find((field) => !Object.hasOwn(known, field))
  if (name === undefined) return undefined
  const suggestion = similarName(name, Object.keys(known))
  return {
    ...{ _tag: 'InvalidOption', field: `${path}${name}`, problem: 'unknown', message: 'is not an option' },
    ...(suggestion === undefined ? {} : { suggestion })
  }
}

const invalid = (field: string, message: string): InvalidOption => ({
  _tag: 'InvalidOption',
  field,
  problem: 'invalid',
  message
})

/** The first unknown field of the options, of a bucket or of credentials. */
const findUnknownOption = (options: EmulatorOptions): InvalidOption | undefined => {
  const unknown = findUnknown(options, optionNames)
  if (unknown !== undefined) return unknown
  for (const [field, known] of [
    ['buckets', bucketNames],
    ['credentials', credentialNames]
  ] as const) {
    const entries: unknown = options[field] ?? []
    if (!Array.isArray(entries)) return invalid(field, 'must be an array')
    const list: ReadonlyArray<unknown> = entries
    for (const [at, entry] of list.entries()) {
      const found =
        typeof entry === 'object' && entry !== null
          ? findUnknown(entry, known, `${field}.${String(at)}.`)
          : undefined
      if (found !== undefined) return found
    }
  }
  return undefined
}

/** The options with their defaults, or the first one that is not valid. */
export const readOptions = (options: EmulatorOptions): E.Either<InvalidOption, Settings> => {
  const unknown = findUnknownOption(options)
  if (unknown !== undefined) return E.left(unknown)
  const buckets = (options.buckets ?? [exampleBucket]).map((bucket) =>
    typeof bucket === 'string' ? { name: bucket } : bucket
  )
  const [first = exampleCredentials, ...others] = options.credentials ?? []
  const settings: Settings = {
    port: options.port ?? 0,
    host: options.host ?? '127.0.0.1',
    dir: options.dir,
    buckets,
    region: options.region ?? 'ap-guangzhou',
    credentials: [first, ...others],
    now: options.now ?? Date.now,
    minPartSize: options.minPartSize ?? MiB,
    restoreTime: options.restoreTime,
    seed: options.seed ?? [],
    fault: options.fault ?? (() => undefined),
    onRequest: options.onRequest,
    keepRequests: options.keepRequests ?? 10_000,
    cors: options.cors ?? [],
    tls: options.tls ?? false,
    tlsCa: options.tlsCa
  }
  const names = buckets.map(({ name }) => name)
  const checks: ReadonlyArray<Check> = [
    ['port', 'an integer from 0 to 65,535', isInteger(settings.port, 0, 65_535)],
    ['host', 'a host name or an address', settings.host !== ''],
    ['dir', 'the path of a directory', settings.dir !== ''],
    ['region', 'a region such as ap-guangzhou', /^[a-z0-9]+(?:[.-][a-z0-9]+)*$/.test(settings.region)],
    ['minPartSize', 'an integer of at least 1, in bytes', isInteger(settings.minPartSize, 1, 2 ** 40)],
    [
      'restoreTime',
      'at least 0, in milliseconds',
      settings.restoreTime === undefined || settings.restoreTime >= 0
    ],
    ['keepRequests', 'an integer of at least 0', isInteger(settings.keepRequests, 0, 2 ** 30)],
    [
      'tlsCa',
      'the path of a file, together with tls',
      settings.tlsCa === undefined || (settings.tls && settings.tlsCa !== '')
    ],
    ...settings.cors.map((origin, at): Check => [
      `cors.${String(at)}`,
      'the origin of a web page, such as http://localhost:3000, or *',
      origin === '*' || /^[a-z][a-z0-9+.-]*:\/\/[^/\s]+$/i.test(origin)
    ]),
    ...names.map((name, at): Check => [
      `buckets.${String(at)}`,
      'a bucket name with its APPID, such as examplebucket-1250000000, given once',
      isBucketName(name) && names.indexOf(name) === at
    ]),
    ...settings.credentials.map(({ secretId, secretKey }, at): Check => [
      `credentials.${String(at)}`,
      'a secretId and a secretKey, without white space or "&" in the id',
      /^[^\s&]+$/.test(secretId) && secretKey !== '' && secretKey.trim() === secretKey
    ])
  ]
  return pipe(
    checks.find(([, , isValid]) => !isValid),
    (failed) =>
      failed === undefined ? E.right(settings) : E.left(invalid(failed[0], `must be ${failed[1]}`))
  )
}
