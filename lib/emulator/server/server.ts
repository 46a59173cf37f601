/** The emulator's life: it opens its store, listens, answers, and closes. */
import { setMaxListeners } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { pipe } from 'fp-ts/lib/function.js'
import type * as T from 'fp-ts/lib/Task.js'
import * as TE from 'fp-ts/lib/TaskEither.js'
import { codeOf } from '../../core/error.js'
import { KiB } from '../../core/limits.js'
import { errorXml } from '../http/response.js'
import type { CannotListen, CannotStore, EmulatorError } from '../error.js'
import { handleRequest, type Progress } from './handle-request.js'
import {
  type Credentials,
  type EmulatorOptions,
  type RequestRecord,
  type Settings,
  readOptions
} from '../options.js'
import { serviceError } from '../http/service-error.js'
import type { Hosts } from '../http/route.js'
import { seedObjects } from '../seed.js'
import { diskStore, memoryStore, type Store } from '../store/store.js'

export interface Emulator {
  /** `http://127.0.0.1:9000` */
  readonly url: string
  /** `127.0.0.1:9000`: for clients that connect here and ask for a host of COS. */
  readonly address: string
  readonly port: number
  /** The first that may sign. */
  readonly credentials: Credentials
  /** What was asked so far, the oldest first: a request is in it from when its answer begins. */
  readonly requests: () => ReadonlyArray<RequestRecord>
  /** Connections that are open now, idle ones among them. */
  readonly openConnections: () => number
  /** Ends all connections at once, and leaves what was acknowledged in `dir`. Can be called again. */
  readonly close: T.Task<void>
}

const open = (settings: Settings): TE.TaskEither<CannotStore, Store> => {
  const { dir } = settings
  return TE.tryCatch(
    async () => {
      const store = dir === undefined ? memoryStore() : await diskStore(dir)
      await seedObjects(store, settings)
      return store
    },
    (cause) => ({ _tag: 'CannotStore', dir: dir ?? '', code: codeOf(cause), cause })
  )
}

/** What a connection gets that broke off, or that does not speak HTTP. */
const lastWords = (progress: Progress | undefined, host: string): string => {
  const refused = progress
    ? serviceError('IncompleteBody')
    : serviceError('InvalidRequest', 'This is not HTTP.')
  const { status, code, message } = refused
  if (progress) progress.outside = refused
  const origin = progress?.origin ?? { host, rawPath: '/', requestId: '', traceId: '' }
  const body = errorXml(code, message, origin)
  return [
    `HTTP/1.1 ${String(status)} Bad Request`,
    'Content-Type: application/xml',
    `Content-Length: ${String(Buffer.byteLength(body))}`,
    ...(progress ? [`x-cos-request-id: ${origin.requestId}`] : []),
    'Server: tencent-cos',
    'Connection: close',
    '',
    body
  ].join('\r\n')
}

const listen = (store: Store, settings: Settings): TE.TaskEither<CannotListen, Emulator> => {
  const { host, port, buckets, credentials, keepRequests, onRequest } = settings
  const views: Array<{ view: () => RequestRecord }> = []
  const counts = new Map<string, number>()
  const sockets = new Set<Socket>()
  const underway = new Set<Promise<void>>()
  const pending = new WeakMap<Duplex, Progress>()
  const closing = new AbortController()
  // Every answer that a fault delays listens.
  setMaxListeners(0, closing.signal)
  const hosts: Hosts = {
    isBucket: (name) => store.bucket(name) !== undefined,
    domains: new Map(
      buckets.flatMap(({ name, domains = [] }) =>
        domains.map((domain) => [domain.toLowerCase(), name] as const)
      )
    )
  }
  const surroundings = {
    house: { store, settings, hosts },
    signal: closing.signal,
    count: (operation: string): number => {
      const count = (counts.get(operation) ?? 0) + 1
      counts.set(operation, count)
      return count
    },
    show: (view: () => RequestRecord) => {
      const shown = { view }
      views.push(shown)
      if (views.length > keepRequests) views.shift()
      return () => {
        // The record in place of the request itself, which it would keep.
        const record = view()
        shown.view = () => record
        onRequest(record)
      }
    }
  }

  const server = createServer({
    // Chunks of a body come as large as the system gives them; Node 20's default is 16 KiB.
    highWaterMark: 64 * KiB,
    maxHeaderSize: 64 * KiB,
    keepAliveTimeout: 75_000,
    // An upload may take as long as it takes.
    requestTimeout: 0
  })
  const answer =
    (expects: boolean) =>
    (request: IncomingMessage, response: ServerResponse): void => {
      response.sendDate = false
      // Such as a write that came too late: what it means is known from elsewhere.
      response.on('error', () => undefined)
      const done = handleRequest(surroundings, request, response, expects, (progress) =>
        pending.set(request.socket, progress)
      ).finally(() => {
        underway.delete(done)
      })
      underway.add(done)
    }
  server.on('request', answer(false))
  server.on('checkContinue', answer(true))
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  server.on('clientError', (error, socket) => {
    const progress = pending.get(socket)
    if (!socket.writable || !codeOf(error).startsWith('HPE_')) socket.destroy()
    else if (progress?.response.headersSent === true) socket.end()
    // Bytes beyond the declared length: COS drops them in silence, and answers what came before them.
    else if (progress?.request.complete === true) progress.response.once('close', () => socket.end())
    else socket.end(lastWords(progress, host))
  })

  const close = async (): Promise<void> => {
    closing.abort()
    server.close()
    await Promise.all(
      [...sockets].map((socket) => new Promise((resolve) => socket.once('close', resolve).destroy()))
    )
    await Promise.all(underway)
    await store.close()
  }
  let closed: Promise<void> | undefined

  return TE.tryCatch(
    () =>
      new Promise((resolve, reject) => {
        server.once('error', reject)
        server.listen(port, host, () => {
          server.off('error', reject)
          const at = server.address()
          const actual = typeof at === 'object' && at !== null ? at.port : port
          const address = `${host.includes(':') ? `[${host}]` : host}:${String(actual)}`
          resolve({
            url: `http://${address}`,
            address,
            port: actual,
            credentials: credentials[0],
            requests: () => views.map(({ view }) => view()),
            openConnections: () => sockets.size,
            close: () => (closed ??= close())
          })
        })
      }),
    (cause) => ({ _tag: 'CannotListen', host, port, code: codeOf(cause), cause })
  )
}

/**
 * Starts a COS endpoint on this machine.
 *
 * @shape  nothing happens before the Task is called; each call starts one
 * @units  `now` and `restoreTime` in milliseconds, sizes in bytes
 * @errors `InvalidOption` with the field's name; `CannotListen`; `CannotStore`
 * @example const emulator = await startEmulator({ port: 9000 })()
 */
export const startEmulator = (options: EmulatorOptions = {}): TE.TaskEither<EmulatorError, Emulator> =>
  pipe(
    TE.fromEither<EmulatorError, Settings>(readOptions(options)),
    TE.bindTo('settings'),
    TE.bindW('store', ({ settings }) => open(settings)),
    TE.chainW(({ settings, store }) =>
      pipe(
        listen(store, settings),
        TE.orElseFirstTaskK(() => () => store.close())
      )
    )
  )
