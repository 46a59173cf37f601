/** A service without a socket: an undici dispatcher that a function answers. */
import { constVoid } from 'fp-ts/lib/function.js'
import { Dispatcher } from 'undici'
import type { Runtime } from '../core/runtime.js'

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

const headersOf = ({ headers }: Dispatcher.DispatchOptions): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries(headers ?? {}).map(([name, value]) => [name.toLowerCase(), String(value)])
  )

const isIterable = (body: unknown): body is AsyncIterable<Uint8Array> =>
  typeof body === 'object' && body !== null && Symbol.asyncIterator in body

const readBody = async (body: unknown): Promise<Uint8Array> => {
  if (body instanceof Uint8Array) return body
  const chunks: Array<Uint8Array> = []
  if (isIterable(body)) for await (const chunk of body) chunks.push(chunk)
  return Buffer.concat(chunks)
}

/** undici's controller of one exchange, and the waits that an abort ends. */
const createController = (handler: Handler, startTimer: Runtime['startTimer']) => {
  let resumed: (() => void) | undefined
  let stopTimer = constVoid
  let reason: Error | null = null
  const state = { isOver: false, isPaused: false }
  const fail = (error: Error): void => {
    if (state.isOver) return
    state.isOver = true
    stopTimer()
    handler.onResponseError?.(controller, error)
  }
  const controller: Dispatcher.DispatchController = {
    get aborted() {
      return reason !== null
    },
    get paused() {
      return state.isPaused
    },
    get reason() {
      return reason
    },
    abort: (error) => {
      reason ??= error
      resumed?.()
      fail(error)
    },
    pause: () => {
      state.isPaused = true
    },
    resume: () => {
      state.isPaused = false
      resumed?.()
    }
  }
  return {
    controller,
    isOver: (): boolean => state.isOver,
    end: (): void => {
      state.isOver = true
    },
    fail,
    wait: (milliseconds: number): Promise<void> =>
      new Promise((resolve) => {
        stopTimer = startTimer(milliseconds, resolve)
      }),
    untilResumed: (): Promise<void> =>
      new Promise((resolve) => {
        if (!state.isPaused || state.isOver) resolve()
        else resumed = resolve
      })
  }
}

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
  const exchange = async (options: Dispatcher.DispatchOptions, handler: Handler): Promise<void> => {
    const { controller, isOver, end, fail, wait, untilResumed } = createController(handler, startTimer)
    try {
      handler.onRequestStart?.(controller, {})
      const body = await readBody(options.body)
      if (isOver()) return
      count += 1
      const { method, origin, path } = options
      const headers = headersOf(options)
      const response = await respond({ method, origin: String(origin), path, headers, body, count })
      const { delay = 0 } = response
      if (delay > 0) await wait(delay)
      if (isOver()) return
      if (!('status' in response)) {
        const { error } = response
        if (error !== undefined) fail(Object.assign(new Error(error), { code: error }))
        return
      }
      const bytes = Buffer.from(response.body ?? '')
      const withLength = { 'content-length': String(bytes.length), ...response.headers }
      handler.onResponseStart?.(controller, response.status, withLength, '')
      for (let at = 0; method !== 'HEAD' && at < bytes.length; at += chunkSize) {
        await untilResumed()
        if (isOver()) return
        handler.onResponseData?.(controller, bytes.subarray(at, at + chunkSize))
      }
      await untilResumed()
      if (isOver()) return
      end()
      handler.onResponseEnd?.(controller, {})
    } catch (thrown) {
      fail(thrown instanceof Error ? thrown : new Error(String(thrown)))
    }
  }
  return Object.assign(new Dispatcher(), {
    dispatch: (options: Dispatcher.DispatchOptions, handler: Handler): boolean => {
      exchange(options, handler).catch(constVoid)
      return true
    }
  })
}
