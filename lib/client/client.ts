/** A client: where requests go, whose key signs them, and how long they may take. It has no methods; effects read it. */
import { pipe } from 'fp-ts/lib/function.js'
import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import type { Task } from 'fp-ts/lib/Task.js'
import type * as t from 'io-ts'
import { Agent, type Dispatcher } from 'undici'
import { toEndpoint, type Endpoint } from '../core/address.js'
import type { InvalidInput } from '../core/error.js'
import { contextWithoutObject } from '../core/error.js'
import * as In from '../core/input.js'
import { MiB } from '../core/limits.js'
import { validate } from '../core/operation.js'
import { createMemoryBudget, type MemoryBudget } from '../stages/memory-budget.js'
import { BandwidthCodec, rateLimiter, type Bandwidth, type RateLimiters } from './rate-limit.js'
import { CredentialsSourceCodec, signer, type CredentialsSource, type Signer } from './credentials.js'
import { defaultRetry, RetryPolicyCodec, type RetryPolicy } from './retry.js'

/** In milliseconds, each. */
export interface Timeouts {
  /** To a connection, TLS included; 10 s. A dispatcher of your own has its own. */
  readonly connect: number
  /** From the request's last byte to the answer's first; 60 s, and 20 minutes for copies and completions. */
  readonly headers: number
  /** Without a byte in either direction while we are ready for one; 60 s. */
  readonly idle: number
  /** Of one operation with all its attempts, to its decoded answer; 1 hour. Does not bound a body's streaming. */
  readonly overall: number
}

export interface ClientConfig extends Endpoint {
  readonly credentials: CredentialsSource
  readonly timeouts?: Partial<Timeouts>
  /** Four attempts by default. */
  readonly retry?: Partial<RetryPolicy>
  /**
   * Bytes that all transfers of the client may hold together. Without it each transfer has its own ceiling: parts in
   * flight and one more, at the part's size.
   */
  readonly memoryLimit?: number
  /** Over all requests of the client; `trafficLimit` is COS's own, of one request. */
  readonly bandwidth?: Bandwidth
  /** Your own undici dispatcher: a proxy, a pool with limits. It stays yours to close. */
  readonly dispatcher?: Dispatcher
  /** Before cospipe's own name in `User-Agent`. */
  readonly userAgent?: string
}

/** What an effect reads. It holds no secret that can be printed. */
export interface Client {
  readonly place: Endpoint
  readonly timeouts: Timeouts
  readonly retry: RetryPolicy
  readonly userAgent: string
  /** Any of them ends what is under way. */
  readonly signals: ReadonlyArray<AbortSignal>
  readonly signer: Signer
  /** Learned from COS's `Date` when it says that our clock is off; shared by all that is made of this client. */
  readonly clock: Clock
  readonly dispatcher: Dispatcher
  /** Whether the dispatcher is the caller's, and requests may not go around it. */
  readonly dispatcherIsGiven: boolean
  readonly paces: RateLimiters
  /** What all transfers share; none: each has its own. */
  readonly memory: O.Option<MemoryBudget>
  /** Closes the connections that are the client's own. Requests under way are ended. */
  readonly close: Task<void>
}

export interface Clock {
  /** Milliseconds of Unix time, corrected. */
  readonly now: () => number
  /** Sets it by another's time. */
  readonly set: (time: number) => void
}

export const defaultTimeouts: Timeouts = {
  connect: 10_000,
  headers: 60_000,
  idle: 60_000,
  overall: 3_600_000
}

/** The deadline to an answer's head for what COS may think about for minutes, unless `headers` is longer. */
export const slowHeadersTimeout = 20 * 60_000

const maxTimeout = 2 ** 31 - 1
const milliseconds = In.optional(In.integer(1, maxTimeout))

const TimeoutsCodec = In.struct<Partial<Timeouts>>('timeouts in milliseconds', {
  connect: milliseconds,
  headers: milliseconds,
  idle: milliseconds,
  overall: milliseconds
})

const DispatcherCodec: t.Type<Dispatcher, Dispatcher, unknown> = In.guarded(
  'an undici Dispatcher',
  // Another copy of undici makes dispatchers of another class, which serve as well.
  (u): u is Dispatcher => typeof u === 'object' && u !== null && 'dispatch' in u && 'request' in u
)

const Config: t.Type<ClientConfig, ClientConfig, unknown> = In.struct<ClientConfig>('a client', {
  ...toEndpoint,
  credentials: CredentialsSourceCodec,
  timeouts: In.optional(TimeoutsCodec),
  retry: In.optional(RetryPolicyCodec),
  memoryLimit: In.optional(In.integer(2 * MiB)),
  bandwidth: In.optional(BandwidthCodec),
  dispatcher: In.optional(DispatcherCodec),
  userAgent: In.optional(In.headerValue)
})

const somewhere = (config: ClientConfig): E.Either<InvalidInput, ClientConfig> =>
  config.region === undefined && config.endpoint === undefined && config.domain === undefined
    ? E.left({
        _tag: 'InvalidInput',
        context: contextWithoutObject('createClient'),
        field: 'region',
        expected: 'given, or else endpoint or domain'
      })
    : E.right(config)

const clock = (): Clock => {
  let offset = 0
  return {
    now: () => Date.now() + offset,
    set: (time) => {
      offset = time - Date.now()
    }
  }
}

/** Ours: no pipelining (a stalled answer would stall others), and the deadlines are our own. */
const agent = (connect: number): Agent =>
  new Agent({ connect: { timeout: connect }, pipelining: 1, headersTimeout: 0, bodyTimeout: 0 })

const version = '0.1.0'

/**
 * Makes a client. Nothing is connected until something is sent.
 *
 * @shape  `ClientConfig -> Either<InvalidInput, Client>`
 * @units  timeouts in milliseconds
 * @errors `InvalidInput` naming the field
 * @example
 * const client = createClient({ region: 'ap-guangzhou', credentials: { secretId: '...', secretKey: '...' } })
 */
export const createClient = (config: ClientConfig): E.Either<InvalidInput, Client> =>
  pipe(
    validate('createClient', Config)(config),
    E.chain(somewhere),
    E.map(({ credentials, timeouts, retry, dispatcher, memoryLimit, bandwidth, userAgent, ...where }) => {
      const deadlines = { ...defaultTimeouts, ...timeouts }
      const time = clock()
      const through = dispatcher ?? agent(deadlines.connect)
      return {
        place: where,
        timeouts: deadlines,
        retry: { ...defaultRetry, ...retry },
        userAgent: `${userAgent === undefined ? '' : `${userAgent} `}cospipe/${version}`,
        signals: [],
        signer: signer(credentials, time.now),
        clock: time,
        dispatcher: through,
        dispatcherIsGiven: dispatcher !== undefined,
        paces: {
          up: rateLimiter(bandwidth?.up, () => performance.now()),
          down: rateLimiter(bandwidth?.down, () => performance.now())
        },
        memory: pipe(
          O.fromNullable(memoryLimit),
          O.map((limit) => createMemoryBudget({ limit, ahead: Math.floor(limit / 2) }))
        ),
        close: async () => {
          if (through !== dispatcher) await through.destroy()
        }
      }
    })
  )
