/** A service without a socket: an undici dispatcher that a function answers. */
import { constVoid } from 'fp-ts/lib/function.js'
import type { Dispatcher } from 'undici'
// As in client/undici.ts.
import UndiciDispatcher from 'undici/lib/dispatcher/dispatcher.js'
import type { Runtime } from '../core/runtime.js'
import { setEntry } from '../core/set-entry.js'

export interface FakeRequest {
  readonly method: string
  /** `https://examplebucket-1250000000.cos.ap-guangzhou.myqcloud.com` */
  readonly origin: string
  /** Path and query as in the request line. */
  readonly path: string
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array
  /** 1 for the first request of the service. */
  readonly count: number
}

export interface FakeResponse {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  /** Default: empty. `content-length` is set, if `headers` has none. */
  readonly body?: Uint8Array | string
  /** Milliseconds before the head of the response. Default: 0. */
  readonly delay?: number
}

/** A request without a response. */
export interface FakeFailure {
  /** Node's code of a connection that fails, such as `ECONNRESET`. None: the response never comes. */
  readonly error?: string
  /** Milliseconds before the failure. Default: 0. */
  readonly delay?: number
}

type Respond = (request: FakeRequest) => FakeResponse | FakeFailure | Promise<FakeResponse | FakeFailure>

type Handler = Dispatcher.DispatchHandler

const headersOf = ({ headers }: Dispatcher.DispatchOptions): Readonly<Record<string, string>> => {
  const lowered: Record<string, string> = {}
  for (const [name, value] of Object.entries(headers ?? {}))
    setEntry(lowered, name.toLowerCase(), String(value))
  return lowered
}

const isIterable = (body: unknown): body is AsyncIterable<Uint8Array> =>
  typeof body === 'object' && body !== null && Symbol.asyncIterator in body

const noBytes = Buffer.alloc(0)

const readBody = async (body: AsyncIterable<Uint8Array>): Promise<Uint8Array> => {
  const chunks: Array<Uint8Array> = []
  for await (const chunk of body) chunks.push(chunk)
  return Buffer.concat(chunks)
}

/** undici's controller of one exchange, and its state: one object, since a test makes many. */
interface Exchange extends Dispatcher.DispatchController {
  aborted: boolean
  paused: boolean
  reason: Error | null
  isOver: boolean
  stopTimer: () => void
  /** Ends the wait for a reader that has paused. */
  onResume: () => void
  readonly fail: (error: Error) => void
}

const hasEnded = ({ isOver }: Exchange): boolean => isOver

const createExchange = (handler: Handler): Exchange => {
  const exchange: Exchange = {
    aborted: false,
    paused: false,
    reason: null,
    isOver: false,
    stopTimer: constVoid,
    onResume: constVoid,
    fail: (error) => {
      if (exchange.isOver) return
      exchange.isOver = true
      exchange.stopTimer()
      handler.onResponseError?.(exchange, error)
    },
    abort: (error) => {
      exchange.aborted = true
      exchange.reason ??= error
      exchange.onResume()
      exchange.fail(error)
    },
    pause: () => {
      exchange.paused = true
    },
    resume: () => {
      exchange.paused = false
      exchange.onResume()
    }
  }
  return exchange
}

/** Waits on the timers of the test. If the exchange fails before, the wait does not end. */
const wait = (exchange: Exchange, startTimer: Runtime['startTimer'], milliseconds: number): Promise<void> =>
  new Promise((resolve) => {
    exchange.stopTimer = startTimer(milliseconds, resolve)
  })

const untilResumed = (exchange: Exchange): Promise<void> =>
  new Promise((resolve) => {
    exchange.onResume = resolve
  })

// In bytes, of a body's chunks.
const chunkSize = 64 * 1024

/**
 * Creates a dispatcher whose requests `respond` answers, without a connection. A request's body is read whole first.
 *
 * @shape  for `createClient({ dispatcher })`; `delay` passes on the timers of `runtime`
 * @errors an error that `respond` throws fails the request
 * @example createFakeService(time.runtime, ({ count }) => ({ status: count < 3 ? 503 : 200, delay: 40 }))
 */
export const createFakeService = (
  { startTimer }: Pick<Runtime, 'startTimer'>,
  respond: Respond
): Dispatcher => {
  let count = 0
  const run = async (options: Dispatcher.DispatchOptions, handler: Handler): Promise<void> => {
    const exchange = createExchange(handler)
    try {
      handler.onRequestStart?.(exchange, {})
      const sent: unknown = options.body
      const body = sent instanceof Uint8Array ? sent : isIterable(sent) ? await readBody(sent) : noBytes
      if (hasEnded(exchange)) return
      count += 1
      const { method, path } = options
      const [origin, headers] = [String(options.origin), headersOf(options)]
      const response = await respond({ method, origin, path, headers, body, count })
      if (response.delay !== undefined && response.delay > 0) await wait(exchange, startTimer, response.delay)
      if (hasEnded(exchange)) return
      if (!('status' in response)) {
        const { error } = response
        if (error !== undefined) exchange.fail(Object.assign(new Error(error), { code: error }))
        return
      }
      const bytes = response.body === undefined ? noBytes : Buffer.from(response.body)
      const withLength = Object.assign({ 'content-length': String(bytes.length) }, response.headers)
      handler.onResponseStart?.(exchange, response.status, withLength, '')
      for (let at = 0; method !== 'HEAD' && at < bytes.length; at += chunkSize) {
        if (exchange.paused) await untilResumed(exchange)
        if (hasEnded(exchange)) return
        handler.onResponseData?.(exchange, bytes.subarray(at, at + chunkSize))
      }
      if (exchange.paused) await untilResumed(exchange)
      if (hasEnded(exchange)) return
      exchange.isOver = true
      handler.onResponseEnd?.(exchange, {})
    } catch (thrown) {
      exchange.fail(thrown instanceof Error ? thrown : new Error(String(thrown)))
    }
  }
  return Object.assign(new UndiciDispatcher(), {
    dispatch: (options: Dispatcher.DispatchOptions, handler: Handler): boolean => {
      run(options, handler).catch(constVoid)
      return true
    }
  })
}
