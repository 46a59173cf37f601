/** A client: the endpoint, the credentials, the timeouts. It has no methods; effects read it. */
import { pipe } from 'fp-ts/lib/function.js'
import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import type { Task } from 'fp-ts/lib/Task.js'
import type * as t from 'io-ts'
import type { Dispatcher } from 'undici'
import { toEndpoint, type Endpoint } from '../core/address.js'
import { contextWithoutObject, invalidInput, type InvalidInput } from '../core/error.js'
import * as In from '../core/input.js'
import { MiB } from '../core/limits.js'
import { validate } from '../core/operation.js'
import { missing } from '../core/problem.js'
import { systemRuntime, type Runtime } from '../core/runtime.js'
import { createMemoryBudget, type MemoryBudget } from '../stages/memory-budget.js'
import { BandwidthCodec, createRateLimiters, type Bandwidth, type RateLimiters } from './rate-limit.js'
import { createClock, type Clock } from './clock.js'
import { createConnector } from './connector.js'
import { CredentialsSourceCodec, signer, type CredentialsSource, type Signer } from './credentials.js'
import { createRequestPool, type Lane, type RequestPool } from './request-pool.js'
import { createRetryBudget } from './retry-budget.js'
import { defaultRetry, RetryPolicyCodec, type RetryPolicy } from './retry.js'
import { Agent } from './undici.js'
import { version } from './version.js'

/** Each in milliseconds. `Infinity` is no timeout; `connect` does not accept it. */
export interface Timeouts {
  /** To connect, TLS included. Default: 10 s. A dispatcher that you pass uses its own. */
  readonly connect: number
  /** From the last byte of the request to the head of the response. Default: 60 s; at least 20 minutes for `copyObject`, `uploadPartCopy` and `completeMultipartUpload`. */
  readonly headers: number
  /** Without a byte in either direction while the client is ready for one. Default: 60 s. */
  readonly idle: number
  /**
   * Without a read of a returned body by the caller, counted from the head of the response or from the last read. Then the
   * connection is closed, and the next read fails. A body that is never read would keep the process alive for ever.
   * Default: 5 minutes.
   */
  readonly unread: number
  /** For one operation with all its attempts, to its decoded response. Default: 1 hour. Does not include the streaming of a body. */
  readonly overall: number
}

export interface ClientConfig extends Endpoint {
  readonly credentials: CredentialsSource
  readonly timeouts?: Partial<Timeouts>
  /** Default: `defaultRetry`, 4 attempts, with a budget of 100 retries for all calls of the client. */
  readonly retry?: Partial<RetryPolicy>
  /**
   * Whether the last attempt of a call goes to the second domain of COS, `{bucket}.cos.{region}.tencentcos.cn`, if the
   * attempt before it had no response of COS; and each attempt after a redirect that COS did not send. For hosts of
   * `region` only, not for accelerate, internal and custom domains. Default: true.
   */
  readonly backupDomain?: boolean
  /**
   * Bytes that all transfers of the client may hold together, rounded down to blocks of 256 KiB. Downloads may use half of
   * them to read ahead. Default: each transfer has its own limit, the parts in flight and one more.
   *
   * An upload holds only the blocks that it has filled, so an upload whose source is silent delays others only by these. A
   * block is granted if afterwards all transfers can still finish in some order. If transfers that did not move for 60 s
   * hold so much that a part cannot fit, the wait fails: `Timeout` with phase `memory`.
   */
  readonly memoryLimit?: number
  /**
   * For all requests of the client together, in each second to 5 %. Uploads and downloads also ask COS to limit each request
   * to its share (`x-cos-traffic-limit`), if they have no `trafficLimit`. Default: no limit.
   */
  readonly bandwidth?: Bandwidth
  /**
   * Your own undici dispatcher: a proxy, a pool with limits. The client does not close it.
   *
   * Make it with undici 8.6 or later, on Node 22.19 or later. Older versions, including all of undici 7, throw an
   * AssertionError in a socket event if the server closes a connection while the reader of a body is paused. The error
   * ends the process (https://github.com/nodejs/undici/issues/5360). The client's own dispatcher is not affected.
   */
  readonly dispatcher?: Dispatcher
  /** Precedes cospipe's own name in `User-Agent`. */
  readonly userAgent?: string
  /** The clock, the timers and the randomness of all calls. Default: those of this machine. For tests in virtual time. */
  readonly runtime?: Runtime
}

/** The environment that an effect reads. It holds no secret that can be printed. */
export interface Client {
  readonly endpoint: Endpoint
  readonly timeouts: Timeouts
  readonly retry: RetryPolicy
  readonly backupDomain: boolean
  readonly userAgent: string
  /** Any of them aborts the effect. */
  readonly signals: ReadonlyArray<AbortSignal>
  /** When the effect times out, on the clock of `runtime.elapsed`. A wait that would end later is not started. */
  readonly deadline: number
  readonly signer: Signer
  /** The clock, the timers and the randomness of all calls. */
  readonly runtime: Runtime
  /** `runtime.now`, corrected by COS's `Date` when COS refuses the time of a request. Shared by all effects and copies of the client. */
  readonly clock: Clock
  /**
   * Draws random bytes for keys and nonces: `runtime.randomBytes`. A field, so that a spec can encrypt with the keys of a
   * recorded object.
   */
  readonly random: (size: number) => Uint8Array
  readonly dispatcher: Dispatcher
  /** Whether the dispatcher was given by the caller. Then every request must use it. */
  readonly dispatcherIsGiven: boolean
  readonly rateLimiters: RateLimiters
  /** Limits the requests of all transfers with `concurrency: 'auto'` together. */
  readonly pool: RequestPool
  /** Of the transfer that the requests belong to. None: its requests do not wait for the pool. */
  readonly lane: O.Option<Lane>
  /** Shared by all transfers. None: each transfer has its own. */
  readonly memory: O.Option<MemoryBudget>
  /** Closes the client's own connections. Requests in flight fail. */
  readonly close: Task<void>
}

export const defaultTimeouts: Timeouts = {
  connect: 10_000,
  headers: 60_000,
  idle: 60_000,
  unread: 300_000,
  overall: 3_600_000
}

/** The timeout to the head of a response that COS may take minutes to start, if `headers` is shorter. */
export const slowHeadersTimeout = 20 * 60_000

const milliseconds = In.optional(
  In.guarded(
    'a number of milliseconds above 0',
    (u): u is number =>
      typeof u === 'number' && u > 0 && (u === Number.POSITIVE_INFINITY || In.integer(1).is(u))
  )
)

const TimeoutsCodec = In.struct<Partial<Timeouts>>(
  'timeouts, { connect, headers, idle, unread, overall } in milliseconds',
  {
    connect: In.optional(In.integer(1, 2 ** 31 - 1, 'milliseconds')),
    headers: milliseconds,
    idle: milliseconds,
    unread: milliseconds,
    overall: milliseconds
  }
)

const DispatcherCodec: t.Type<Dispatcher, Dispatcher, unknown> = In.guarded(
  'an undici Dispatcher',
  // Not `instanceof`: another copy of undici has another class, and works too.
  (u): u is Dispatcher =>
    typeof u === 'object' && u !== null && 'dispatch' in u && typeof u.dispatch === 'function'
)

const RuntimeCodec: t.Type<Runtime, Runtime, unknown> = In.guarded(
  'a Runtime, { now, elapsed, startTimer, random, randomBytes }',
  (u): u is Runtime =>
    typeof u === 'object' &&
    u !== null &&
    Object.keys(systemRuntime).every((name) => typeof Reflect.get(u, name) === 'function')
)

const Config: t.Type<ClientConfig, ClientConfig, unknown> = In.struct<ClientConfig>('a client', {
  ...toEndpoint,
  credentials: CredentialsSourceCodec,
  timeouts: In.optional(TimeoutsCodec),
  retry: In.optional(RetryPolicyCodec),
  backupDomain: In.optional(In.boolean),
  memoryLimit: In.optional(In.bytes(2 * MiB)),
  bandwidth: In.optional(BandwidthCodec),
  dispatcher: In.optional(DispatcherCodec),
  userAgent: In.optional(In.headerValue),
  runtime: In.optional(RuntimeCodec)
})

const checkEndpoint = (config: ClientConfig): E.Either<InvalidInput, ClientConfig> =>
  config.region === undefined && config.endpoint === undefined && config.domain === undefined
    ? E.left(
        invalidInput(
          contextWithoutObject('createClient'),
          missing('region', 'is required (or endpoint, or domain)')
        )
      )
    : E.right(config)

/** No pipelining: a stalled response would stall others. Of the timeouts, only that to connect; `timeouts.ts` has the others. */
const agent = (connect: number): Dispatcher =>
  new Agent({ connect: createConnector(connect), pipelining: 1, headersTimeout: 0, bodyTimeout: 0 })

const toClient = (
  {
    credentials,
    timeouts,
    retry,
    backupDomain = true,
    dispatcher,
    memoryLimit,
    bandwidth,
    userAgent,
    runtime = systemRuntime,
    ...endpoint
  }: ClientConfig,
  used: Dispatcher
): Client => {
  const clock = createClock(runtime)
  return {
    endpoint,
    timeouts: { ...defaultTimeouts, ...timeouts },
    retry: { ...defaultRetry, random: runtime.random, budget: createRetryBudget(), ...retry },
    backupDomain,
    userAgent: `${userAgent === undefined ? '' : `${userAgent} `}cospipe/${version}`,
    signals: [],
    deadline: Number.POSITIVE_INFINITY,
    signer: signer(credentials, clock.now),
    runtime,
    clock,
    random: runtime.randomBytes,
    dispatcher: used,
    dispatcherIsGiven: dispatcher !== undefined,
    rateLimiters: createRateLimiters(bandwidth, runtime.elapsed),
    pool: createRequestPool(runtime),
    lane: O.none,
    memory: pipe(
      O.fromNullable(memoryLimit),
      O.map((limit) => createMemoryBudget({ limit, ahead: Math.floor(limit / 2), runtime }))
    ),
    close: async () => {
      if (used !== dispatcher) await used.destroy()
    }
  }
}

/** Bun replaces the package undici by a shim whose dispatchers have no methods, and keeps the modules in the package. */
const checkRuntime = (
  versions: NodeJS.ProcessVersions,
  dispatcher: Dispatcher | undefined
): E.Either<InvalidInput, unknown> =>
  versions['bun'] === undefined || dispatcher !== undefined
    ? E.right(undefined)
    : E.left(
        invalidInput(
          contextWithoutObject('createClient'),
          missing('dispatcher', 'is required on Bun, with which the connections are not tested; use Node')
        )
      )

/** `createClient` on a runtime with these versions. */
export const createClientOn =
  (versions: NodeJS.ProcessVersions) =>
  (config: ClientConfig): E.Either<InvalidInput, Client> =>
    pipe(
      validate('createClient', Config)(config),
      E.chain(checkEndpoint),
      E.chainFirst(({ dispatcher }) => checkRuntime(versions, dispatcher)),
      E.map((valid) =>
        toClient(valid, valid.dispatcher ?? agent(valid.timeouts?.connect ?? defaultTimeouts.connect))
      )
    )

/**
 * Makes a client. It connects when the first request is sent.
 *
 * @shape  `ClientConfig -> Either<InvalidInput, Client>`
 * @units  timeouts in milliseconds
 * @errors `InvalidInput` naming the field; `dispatcher` if there is none on Bun
 * @example
 * const client = createClient({ region: 'ap-guangzhou', credentials: { secretId: '...', secretKey: '...' } })
 */
export const createClient: (config: ClientConfig) => E.Either<InvalidInput, Client> = createClientOn(
  process.versions
)
