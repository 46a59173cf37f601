/** The emulator without sockets: a dispatcher over its handlers, with a network whose delays and faults a seed chooses. */
import { constVoid } from 'fp-ts/lib/function.js'
import * as E from 'fp-ts/lib/Either.js'
import { Dispatcher } from 'undici'
import type { Runtime } from '../../lib/core/runtime.js'
import { handlerOf } from '../../lib/emulator/handlers/index.js'
import { authenticate } from '../../lib/emulator/http/authenticate.js'
import type { EmulatorContext } from '../../lib/emulator/http/request.js'
import { fromServiceError, type EmulatorResponse } from '../../lib/emulator/http/response.js'
import { operationOf, readTarget } from '../../lib/emulator/http/route.js'
import { readOptions } from '../../lib/emulator/options.js'
import { injectedResponse } from '../../lib/emulator/server/write-response.js'
import { memoryStore } from '../../lib/emulator/store/store.js'
import { seedObjects } from '../../lib/emulator/seed.js'

type Handler = Dispatcher.DispatchHandler

const kinds = ['refused', 'lost', 'busy', 'failed', 'cut', 'stalled', 'silent', 'flipped'] as const
type Kind = (typeof kinds)[number]

export interface Network {
  readonly dispatcher: Dispatcher
  /** The probability of a fault of a request. A request is not faulted more than twice, however often it is repeated. */
  faults: number
  /** Whether bytes of objects may change. */
  flips: boolean
  /** Another process: it does not know the waits that the one before was asked for. */
  readonly restart: () => void
  readonly inFlight: () => number
  readonly mostInFlight: () => number
  /** The waits that a 503 asked for and did not get, in milliseconds. */
  readonly impatient: ReadonlyArray<number>
  /** The requests, and the kind of the fault of each. */
  readonly log: ReadonlyArray<string>
}

const readBody = async (body: unknown): Promise<Uint8Array> => {
  if (body instanceof Uint8Array) return body
  const chunks: Array<Uint8Array> = []
  if (typeof body === 'object' && body !== null && Symbol.asyncIterator in body)
    for await (const chunk of body as AsyncIterable<Uint8Array>) chunks.push(chunk)
  return Buffer.concat(chunks)
}

const bytesOf = async ({ body }: EmulatorResponse): Promise<Buffer> => {
  if (body._tag === 'None') return Buffer.alloc(0)
  if (body._tag === 'Bytes') return Buffer.from(body.bytes)
  const chunks: Array<Uint8Array> = []
  for await (const chunk of body.open()) chunks.push(chunk)
  body.close()
  return Buffer.concat(chunks)
}

const flipBit = (bytes: Uint8Array, random: () => number): Buffer => {
  const copy = Buffer.from(bytes)
  const place = Math.floor(random() * copy.length)
  if (copy.length > 0) copy[place] = copy.readUInt8(place) ^ (1 << Math.floor(random() * 8))
  return copy
}

export const createNetwork = async (
  runtime: Runtime,
  random: () => number,
  skew: number
): Promise<Network> => {
  const settings = readOptions({ now: () => runtime.now() + skew })
  if (E.isLeft(settings)) throw new Error('the options are not valid')
  const store = memoryStore()
  await seedObjects(store, settings.right)
  const hosts = {
    isBucket: (name: string) => store.bucket(name) !== undefined,
    domains: new Map<string, string>()
  }
  const emulator: EmulatorContext = { store, settings: settings.right, hosts }
  const faulted = new Map<string, number>()
  const allowedAt = new Map<string, number>()
  const impatient: Array<number> = []
  const log: Array<string> = []
  let inFlight = 0
  let most = 0
  let count = 0

  const sleep = (milliseconds: number): Promise<void> =>
    new Promise((resolve) => void runtime.startTimer(milliseconds, resolve, { keepsAlive: false }))
  const handle = async (
    options: Dispatcher.DispatchOptions,
    headers: Readonly<Record<string, string>>,
    bytes: Uint8Array
  ): Promise<EmulatorResponse> => {
    const now = settings.right.now()
    const parsed = readTarget(hosts, options.path, headers['host'] ?? '')
    const requestId = `r${String(count)}`
    if (E.isLeft(parsed)) return fromServiceError(parsed.left, { host: '', rawPath: '/', requestId })
    const target = parsed.right
    const origin = { ...target, requestId }
    const request = {
      ...target,
      operation: operationOf(options.method, target, headers),
      method: options.method,
      scheme: 'https' as const,
      headers,
      now,
      requestId,
      body: {
        declared: bytes.length,
        chunked: false,
        async *read() {
          yield bytes
        }
      }
    }
    const sender = authenticate(settings.right.credentials, request, now)
    if (E.isLeft(sender)) return fromServiceError(sender.left, origin)
    const handled = await handlerOf(request.operation)(emulator, {
      ...request,
      anonymous: sender.right.anonymous
    })()
    return E.isRight(handled) ? handled.right : fromServiceError(handled.left, origin)
  }

  const self: { faults: number; flips: boolean } = { faults: 0, flips: false }
  const drawKind = (identity: string, carriesObject: boolean): Kind | undefined => {
    if (random() >= self.faults || (faulted.get(identity) ?? 0) >= 2) return undefined
    // The search for uploads whose response was lost is sent once: it must not delay a transfer.
    if (/^GET .*[?&]upload/.test(identity)) return undefined
    // Flips are seldom effective: only some seeds have them, and only requests with bytes of an object.
    const isFlip = self.flips && carriesObject && random() < 0.3
    const kind = isFlip ? 'flipped' : kinds[Math.floor(random() * kinds.length)]
    if (kind === 'flipped' && !(self.flips && carriesObject)) return undefined
    faulted.set(identity, (faulted.get(identity) ?? 0) + 1)
    return kind
  }

  const exchange = async (options: Dispatcher.DispatchOptions, handler: Handler): Promise<void> => {
    const state = { isOver: false, isPaused: false, resume: constVoid }
    inFlight += 1
    most = Math.max(most, inFlight)
    const end = (then: () => void): void => {
      if (state.isOver) return
      state.isOver = true
      inFlight -= 1
      then()
    }
    const fail = (error: Error): void => end(() => handler.onResponseError?.(controller, error))
    const controller: Dispatcher.DispatchController = {
      aborted: false,
      paused: false,
      reason: null,
      abort: (reason) => {
        fail(reason)
        state.resume()
      },
      pause: () => {
        state.isPaused = true
      },
      resume: () => {
        state.isPaused = false
        state.resume()
      }
    }
    const untilResumed = (): Promise<void> =>
      new Promise((resolve) => {
        if (!state.isPaused || state.isOver) resolve()
        else state.resume = resolve
      })
    const isOver = (): boolean => state.isOver
    const reset = (): void => fail(Object.assign(new Error('reset'), { code: 'ECONNRESET' }))
    handler.onRequestStart?.(controller, {})
    const { method, path } = options
    const given = Object.fromEntries(
      Object.entries(options.headers ?? {}).map(([name, value]) => [name.toLowerCase(), String(value)])
    )
    // Of a range that is resumed, only its end stays.
    const identity = `${method} ${path.replace(/q-sign.*/, '')} ${(given['range'] ?? '').replace(/=\d+-/, '=')}`
    const isObject =
      (method === 'PUT' && !path.includes('?acl')) ||
      (method === 'GET' && !/\?(prefix|uploads|max)/.test(path))
    const kind = drawKind(identity, isObject)
    count += 1
    log.push(`${runtime.elapsed().toFixed(0)} ${identity} ${kind ?? ''}`)
    if (given['x-cos-sdk-retry'] === 'true')
      impatient.push(...[(allowedAt.get(identity) ?? 0) - runtime.elapsed()].filter((early) => early > 0))
    await sleep(1 + random() * 30)
    if (kind === 'refused') return reset()
    let bytes = await readBody(options.body)
    await sleep(random() * 40)
    if (isOver()) return
    if (kind === 'flipped' && method === 'PUT') bytes = flipBit(bytes, random)
    const headers = { 'content-length': String(bytes.length), ...given }
    if (kind === 'stalled') return
    const origin = { host: '', rawPath: '/', requestId: `r${String(count)}` }
    let response =
      kind === 'busy'
        ? injectedResponse({ status: 503, code: 'SlowDown' }, origin)
        : await handle(options, headers, bytes)
    if (kind === 'busy') allowedAt.set(identity, runtime.elapsed() + 7000)
    if (kind === 'failed') response = injectedResponse({ status: 502, body: 'a proxy' }, origin)
    await sleep(random() * 40)
    if (kind === 'lost') return reset()
    if (isOver()) return
    const content = await bytesOf(response)
    const isHead = method === 'HEAD'
    const body =
      kind === 'flipped' && method === 'GET' && response.status < 300 ? flipBit(content, random) : content
    const { 'content-length': length = String(content.length), ...rest } = response.headers
    handler.onResponseStart?.(
      controller,
      response.status,
      {
        ...rest,
        'content-length': length,
        date: new Date(settings.right.now()).toUTCString(),
        'x-cos-request-id': origin.requestId,
        ...(kind === 'busy' ? { 'retry-after': '7' } : {})
      },
      ''
    )
    const cutAt = kind === 'cut' || kind === 'silent' ? Math.floor(random() * body.length) : body.length
    const size = 1 + Math.floor(random() * 60_000)
    for (let at = 0; !isHead && at < cutAt; at += size) {
      await untilResumed()
      if (isOver()) return
      handler.onResponseData?.(controller, body.subarray(at, Math.min(at + size, cutAt)))
      await sleep(random() * 5)
    }
    if (kind === 'cut') return reset()
    if (kind === 'silent' && !isHead && body.length > 0) return
    await untilResumed()
    end(() => handler.onResponseEnd?.(controller, {}))
  }
  const dispatcher = Object.assign(new Dispatcher(), {
    dispatch: (options: Dispatcher.DispatchOptions, handler: Handler): boolean => {
      exchange(options, handler).catch((error: unknown) => {
        handler.onResponseError?.({} as Dispatcher.DispatchController, error as Error)
      })
      return true
    }
  })
  return Object.assign(self, {
    dispatcher,
    restart: () => {
      allowedAt.clear()
    },
    inFlight: () => inFlight,
    mostInFlight: () => {
      const now = most
      most = inFlight
      return now
    },
    impatient,
    log
  })
}
