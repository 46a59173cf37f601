/** Starts the emulator: opens its store, listens, handles requests, closes. */
import { setMaxListeners } from 'node:events'
import { writeFile } from 'node:fs/promises'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { pipe } from 'fp-ts/lib/function.js'
import type * as T from 'fp-ts/lib/Task.js'
import * as TE from 'fp-ts/lib/TaskEither.js'
import { callSafely } from '../../core/call-safely.js'
import { codeOf } from '../../core/error.js'
import { KiB } from '../../core/limits.js'
import { tryTask } from '../../core/try-task.js'
import { errorXml } from '../http/response.js'
import type { CannotListen, CannotStore, CannotWriteCa, DirectoryInUse, EmulatorError } from '../error.js'
import { type Certificates, makeCertificates } from './certificates.js'
import { handleRequest, type Progress, type ServerContext } from './handle-request.js'
import {
  type Credentials,
  type EmulatorOptions,
  type RequestRecord,
  type Settings,
  readOptions
} from '../options.js'
import { createPort } from './port.js'
import { serviceError } from '../http/service-error.js'
import type { Hosts } from '../http/route.js'
import { seedObjects } from '../seed.js'
import { InUse } from '../store/directory.js'
import { diskStore, memoryStore, type Store } from '../store/store.js'

export interface Emulator {
  /** `http://127.0.0.1:9000`, or `https:` with the option `tls`. */
  readonly url: string
  /** With the option `tls`: the certificate of the authority that clients must trust, in PEM. */
  readonly ca: string | undefined
  /** `127.0.0.1:9000`: for clients that connect here and send the Host of COS, such as `createClient({ address })`. */
  readonly address: string
  readonly port: number
  /** The first of the accepted credentials. */
  readonly credentials: Credentials
  /** The requests so far, oldest first. A request is included from the start of its response. */
  readonly requests: () => ReadonlyArray<RequestRecord>
  /** The number of open connections, idle ones included. */
  readonly openConnections: () => number
  /** Closes all connections at once. Acknowledged data stay in `dir`. May be called again. */
  readonly close: T.Task<void>
}

const open = (settings: Settings): TE.TaskEither<CannotStore | DirectoryInUse, Store> => {
  const { dir } = settings
  return tryTask(
    async () => {
      const store = dir === undefined ? memoryStore() : await diskStore(dir)
      try {
        await seedObjects(store, settings)
      } catch (thrown) {
        await store.close()
        throw thrown
      }
      return store
    },
    (cause): CannotStore | DirectoryInUse =>
      cause instanceof InUse
        ? { _tag: 'DirectoryInUse', dir: dir ?? '', pid: cause.pid }
        : { _tag: 'CannotStore', dir: dir ?? '', code: codeOf(cause), cause }
  )
}

/** The certificates of the option `tls`, for the host names of COS and of this machine. */
const certify = (settings: Settings): TE.TaskEither<CannotWriteCa, Certificates | undefined> => {
  const { tls, tlsCa, region, host, buckets } = settings
  if (!tls) return TE.right(undefined)
  const domains = ['myqcloud.com', 'tencentcos.cn'].flatMap((domain) => [
    ...[`*.cos.${region}.${domain}`, `cos.${region}.${domain}`, `service.cos.${domain}`]
  ])
  const own = buckets.flatMap((bucket) => bucket.domains ?? [])
  const names = [...new Set([...domains, 'localhost', '*.localhost', '127.0.0.1', '::1', host, ...own])]
  const certificates = makeCertificates(names)
  if (tlsCa === undefined) return TE.right(certificates)
  return tryTask(
    async () => {
      await writeFile(tlsCa, certificates.ca)
      return certificates
    },
    (cause) => ({ _tag: 'CannotWriteCa', path: tlsCa, code: codeOf(cause), cause })
  )
}

/** The response to a connection that ended within a body, or that is not HTTP. */
const connectionErrorResponse = (progress: Progress | undefined, host: string): string => {
  const error = progress
    ? serviceError('IncompleteBody')
    : serviceError('InvalidRequest', 'The request is not valid HTTP.')
  const { status, code, message } = error
  if (progress) progress.connectionError = error
  const origin = progress?.origin ?? { host, rawPath: '/', requestId: '' }
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

/**
 * A request, or its record when it is over. A function would not do for the record: its closure would keep the request, and
 * its socket and headers, in memory.
 */
interface RecordEntry {
  current: RequestRecord | (() => RequestRecord)
}

const listen = (
  store: Store,
  settings: Settings,
  certificates: Certificates | undefined
): TE.TaskEither<CannotListen, Emulator> => {
  const { host, port, buckets, credentials, keepRequests, onRequest } = settings
  const records: Array<RecordEntry> = []
  const counts = new Map<string, number>()
  const sockets = new Set<Socket>()
  const running = new Set<Promise<void>>()
  const pending = new WeakMap<Duplex, Progress>()
  const closing = new AbortController()
  // Every delayed response adds a listener.
  setMaxListeners(0, closing.signal)
  const hosts: Hosts = {
    isBucket: (name) => store.bucket(name) !== undefined,
    domains: new Map(
      buckets.flatMap(({ name, domains = [] }) =>
        domains.map((domain) => [domain.toLowerCase(), name] as const)
      )
    )
  }
  const context: ServerContext = {
    emulator: { store, settings, hosts },
    signal: closing.signal,
    count: (operation: string): number => {
      const count = (counts.get(operation) ?? 0) + 1
      counts.set(operation, count)
      return count
    },
    serving: { current: 0 },
    addRecord: (view: () => RequestRecord) => {
      if (keepRequests === 0 && onRequest === undefined) return () => undefined
      const entry: RecordEntry = { current: view }
      records.push(entry)
      if (records.length > keepRequests) records.shift()
      return () => {
        const record = view()
        entry.current = record
        // An async function is an `onRequest` too, and its promise may reject.
        const call: ((record: RequestRecord) => unknown) | undefined = onRequest
        if (call !== undefined) callSafely(() => call(record))
      }
    }
  }

  const httpOptions = {
    // Larger chunks than Node 20's default of 16 KiB.
    highWaterMark: 64 * KiB,
    maxHeaderSize: 64 * KiB,
    keepAliveTimeout: 75_000,
    // No limit for an upload's duration.
    requestTimeout: 0
  }
  const listener =
    (expectsContinue: boolean) =>
    (request: IncomingMessage, response: ServerResponse): void => {
      response.sendDate = false
      // For example a write after the connection closed, which `writeResponse` finds by itself.
      response.on('error', () => undefined)
      const done = handleRequest(context, request, response, expectsContinue, (progress) =>
        pending.set(request.socket, progress)
      )
        // Only a function of the caller's throws here, such as `now`.
        .catch(() => {
          response.destroy()
        })
        .finally(() => {
          running.delete(done)
        })
      running.add(done)
    }
  const server = createPort(httpOptions, certificates, (each: Server) => {
    each.on('request', listener(false))
    each.on('checkContinue', listener(true))
    each.on('clientError', (error, socket) => {
      const progress = pending.get(socket)
      if (!socket.writable || !codeOf(error).startsWith('HPE_')) socket.destroy()
      else if (progress?.response.headersSent === true) socket.end()
      // Bytes beyond the declared length: COS drops them and responds to the bytes before them.
      else if (progress?.request.complete === true) progress.response.once('close', () => socket.end())
      else socket.end(connectionErrorResponse(progress, host))
    })
  })
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })

  const close = async (): Promise<void> => {
    closing.abort()
    server.close()
    await Promise.all(
      [...sockets].map((socket) => new Promise((resolve) => socket.once('close', resolve).destroy()))
    )
    await Promise.all(running)
    await store.close()
  }
  let closed: Promise<void> | undefined

  return tryTask(
    () =>
      new Promise((resolve, reject) => {
        server.once('error', reject)
        server.listen(port, host, () => {
          server.off('error', reject)
          const bound = server.address()
          const boundPort = typeof bound === 'object' && bound !== null ? bound.port : port
          const address = `${host.includes(':') ? `[${host}]` : host}:${String(boundPort)}`
          resolve({
            url: `${certificates === undefined ? 'http' : 'https'}://${address}`,
            address,
            ca: certificates?.ca,
            port: boundPort,
            credentials: credentials[0],
            requests: () =>
              records.map(({ current }) => (typeof current === 'function' ? current() : current)),
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
 * @shape  nothing happens before the Task is called; each call starts another emulator
 * @units  `now` and `restoreTime` in milliseconds, sizes in bytes
 * @errors `InvalidOption` with the field's name; `CannotListen`; `CannotStore`; `DirectoryInUse`; `CannotWriteCa`
 * @example const emulator = await startEmulator({ port: 9000 })()
 */
export const startEmulator = (options: EmulatorOptions = {}): TE.TaskEither<EmulatorError, Emulator> =>
  pipe(
    TE.fromEither<EmulatorError, Settings>(readOptions(options)),
    TE.bindTo('settings'),
    TE.bindW('certificates', ({ settings }) => certify(settings)),
    TE.bindW('store', ({ settings }) => open(settings)),
    TE.chainW(({ settings, store, certificates }) =>
      pipe(
        listen(store, settings, certificates),
        TE.orElseFirstTaskK(() => () => store.close())
      )
    )
  )
