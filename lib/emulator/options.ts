/** What an emulator can be told, and what it does when it is told nothing. */
import * as E from 'fp-ts/lib/Either.js'
import { pipe } from 'fp-ts/lib/function.js'
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

/** What everyone may use on an emulator that was given no credentials of its own. Plainly not a secret. */
export const exampleCredentials: Credentials = {
  secretId: 'AKIDEmulatorExampleNotARealSecretId00',
  secretKey: 'emulatorExampleNotARealSecretKey0000'
}

export const exampleBucket = 'examplebucket-1250000000'

export interface BucketOptions {
  /** `{name}-{appid}`. */
  readonly name: string
  /** Absent: never versioned, or as a `dir` remembers it. */
  readonly versioning?: 'Enabled' | 'Suspended'
  /** Who needs no signature, for what. By default nobody, for nothing. */
  readonly acl?: BucketAcl
  /** Hosts that stand for this bucket, as custom domains do. Without a port. */
  readonly domains?: ReadonlyArray<string>
}

/** An object that is there from the start. */
export interface SeedObject {
  readonly bucket: string
  readonly key: string
  /** Bytes, all zero; they take no room, however many. 0 by default. */
  readonly size?: number
  /** Milliseconds of Unix time; by default, when the emulator started. */
  readonly modified?: number
  /** `STANDARD` by default. */
  readonly storageClass?: string
}

/** What the emulator saw and said, once it is over. */
export interface RequestRecord {
  readonly operation: string
  readonly method: string
  readonly bucket: string
  /** Decoded; empty for a request about a bucket. */
  readonly key: string
  /** 0 where the connection ended before an answer began. */
  readonly status: number
  /** Empty where nothing went wrong. */
  readonly code: string
  readonly query: Readonly<Record<string, string>>
  /** Names in lower case; signatures and keys are not shown. */
  readonly headers: Readonly<Record<string, string>>
  /** Bytes of bodies. */
  readonly bytesIn: number
  readonly bytesOut: number
  readonly requestId: string
}

export interface EmulatorOptions {
  /** 0, the default, takes any that is free. */
  readonly port?: number
  /** `127.0.0.1` by default: the emulator is no server for a network. */
  readonly host?: string
  /** Where objects are kept. Absent: in memory, and gone with the process. */
  readonly dir?: string
  /** By default `examplebucket-1250000000` alone. */
  readonly buckets?: ReadonlyArray<string | BucketOptions>
  /** What the emulator calls its own region: `ap-guangzhou` by default. Requests for any region are answered. */
  readonly region?: string
  /** Who may sign; `exampleCredentials` by default. */
  readonly credentials?: ReadonlyArray<Credentials>
  /** The emulator's clock, in milliseconds of Unix time. */
  readonly now?: () => number
  /** In bytes; 1 MiB as COS has it. Smaller values are for specs. */
  readonly minPartSize?: number
  /** How long a restore takes, in milliseconds, in place of COS's hours. */
  readonly restoreTime?: number
  /** Objects to lay before the first request, without a trace in `dir`; keys that are there already stay. */
  readonly seed?: Iterable<SeedObject>
  /** Asked once for each request; `script` makes one from rules. */
  readonly fault?: (request: FaultInput) => Fault | undefined
  /** Told of each request when it is over. */
  readonly onRequest?: (request: RequestRecord) => void
  /** How many records `requests()` keeps, the newest; 10,000 by default. */
  readonly keepRequests?: number
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
  readonly onRequest: (request: RequestRecord) => void
  readonly keepRequests: number
}

export const isBucketName = (name: string): boolean =>
  name.length <= 60 && /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?-[0-9]+$/.test(name)

const whole = (value: number, least: number, most: number): boolean =>
  Number.isInteger(value) && value >= least && value <= most

type Check = readonly [field: string, expected: string, holds: boolean]

/** Options with nothing left open, or the first that makes no sense. */
export const readOptions = (options: EmulatorOptions): E.Either<InvalidOption, Settings> => {
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
    onRequest: options.onRequest ?? (() => undefined),
    keepRequests: options.keepRequests ?? 10_000
  }
  const names = buckets.map(({ name }) => name)
  const checks: ReadonlyArray<Check> = [
    ['port', 'a whole number from 0 to 65,535', whole(settings.port, 0, 65_535)],
    ['host', 'a host name or an address', settings.host !== ''],
    ['dir', 'the path of a folder', settings.dir !== ''],
    ['region', 'a region such as ap-guangzhou', /^[a-z0-9]+(?:[.-][a-z0-9]+)*$/.test(settings.region)],
    ['minPartSize', 'a whole number of bytes, at least 1', whole(settings.minPartSize, 1, 2 ** 40)],
    ['restoreTime', 'milliseconds', settings.restoreTime === undefined || settings.restoreTime >= 0],
    ['keepRequests', 'a whole number', whole(settings.keepRequests, 0, 2 ** 30)],
    ...names.map((name, at): Check => [
      `buckets.${String(at)}`,
      'a bucket name with its APPID, such as examplebucket-1250000000, each name once',
      isBucketName(name) && names.indexOf(name) === at
    ]),
    ...settings.credentials.map(({ secretId, secretKey }, at): Check => [
      `credentials.${String(at)}`,
      'a secretId and a secretKey, without white space or "&" in the id',
      /^[^\s&]+$/.test(secretId) && secretKey !== '' && secretKey.trim() === secretKey
    ])
  ]
  return pipe(
    checks.find(([, , holds]) => !holds),
    (broken) =>
      broken === undefined
        ? E.right(settings)
        : E.left({ _tag: 'InvalidOption', field: broken[0], expected: broken[1] })
  )
}
