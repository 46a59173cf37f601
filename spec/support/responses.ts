/** Canned responses over real HTTP, for specs of decoders: sent, paused and cut as specified. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import { Readable } from 'node:stream'
import { setTimeout } from 'node:timers/promises'
import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import { Client } from 'undici'
import type { Decoder } from '../../lib/core/decoder.js'
import { CosException, fromUnknown, type Context, type CosError } from '../../lib/core/error.js'
import type { Response, SentBody } from '../../lib/core/response.js'

export interface CannedResponse {
  /** Default: 200. */
  readonly status?: number
  /** Sent as they are. Without `content-length` the body is chunked. */
  readonly headers?: Readonly<Record<string, string>>
  /** Text and bytes are written in turn, each when the socket has room; a number waits, in ms, a promise until it is kept. */
  readonly chunks?: Iterable<string | Uint8Array | number | Promise<unknown>>
  /** How the body ends. `cut`: the connection breaks. `open`: the body does not end, and the connection stays open. */
  readonly ends?: 'whole' | 'cut' | 'open'
}

export interface ServeOptions {
  /** A HEAD response has no body. Default: GET. */
  readonly method?: 'GET' | 'HEAD'
  readonly sent?: SentBody
  readonly context?: Context
  readonly retried?: boolean
}

export interface ServedResponse {
  readonly response: Response
  /** Bytes of the body that the server has written to its socket. */
  readonly written: () => number
  /** Resolves when the response ends: `whole` if it was sent completely, `early` if either side ended it before. */
  readonly closed: Promise<'whole' | 'early'>
}

interface Teardown {
  readonly teardown: (clean: () => unknown) => unknown
}

/** The context of every canned response. */
export const specContext: Context = {
  operation: 'Spec',
  bucket: 'examplebucket-1250000000',
  key: O.some('a.txt'),
  attempts: 1
}

/** Node's stream of undici's body, that fails as the library's own transport does: with a `CosException`. */
const withCosExceptions = (body: Readable, context: Context): Readable => {
  const out = new Readable({
    read: () => body.resume(),
    destroy: (error, done) => {
      body.destroy()
      done(error)
    }
  })
  body.on('data', (chunk: Uint8Array) => {
    if (!out.push(chunk)) body.pause()
  })
  body.on('end', () => out.push(null))
  body.on('error', (error) => out.destroy(new CosException(fromUnknown(context)(error))))
  body.pause()
  return out
}

/** Serves one response on the loopback, requests it, and returns its head while the body arrives. */
export const serveResponse = async (
  t: Teardown,
  canned: CannedResponse,
  options: ServeOptions = {}
): Promise<ServedResponse> => {
  const context = options.context ?? specContext
  let written = 0
  let settle: (how: 'whole' | 'early') => void = () => {}
  const closed = new Promise<'whole' | 'early'>((resolve) => {
    settle = resolve
  })

  const server = createServer((_, response) => {
    response.on('close', () => settle(response.writableFinished ? 'whole' : 'early'))
    response.on('error', () => {})
    const write = async (): Promise<void> => {
      response.writeHead(canned.status ?? 200, canned.headers)
      response.flushHeaders()
      for (const chunk of canned.chunks ?? []) {
        if (response.destroyed) return
        if (typeof chunk === 'number') await setTimeout(chunk)
        else if (chunk instanceof Promise) await Promise.race([chunk, closed])
        else {
          const bytes = Buffer.from(chunk)
          if (!response.write(bytes)) await Promise.race([once(response, 'drain'), closed])
          written += bytes.length
        }
      }
      // Delayed, so that the written bytes are sent before the connection breaks.
      if (canned.ends === 'cut') await setTimeout(20).then(() => response.destroy())
      else if (canned.ends !== 'open') response.end()
    }
    void write()
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the server has no port')

  const client = new Client(`http://127.0.0.1:${String(address.port)}`)
  t.teardown(async () => {
    await client.destroy()
    server.closeAllConnections()
    server.close()
  })
  const got = await client.request({ method: options.method ?? 'GET', path: '/' })
  const headers = Object.entries(got.headers).map(([name, value]) => [name, [value ?? ''].flat().join(', ')])
  const response: Response = {
    status: got.statusCode,
    headers: Object.fromEntries(headers) as Record<string, string>,
    body: withCosExceptions(got.body, context),
    sent: options.sent ?? { size: 0, crc64: O.none },
    retried: options.retried ?? false,
    context,
    host: `127.0.0.1:${String(address.port)}`
  }
  return { response, written: () => written, closed }
}

export const fetchResponse = async (
  t: Teardown,
  canned: CannedResponse,
  options?: ServeOptions
): Promise<Response> => (await serveResponse(t, canned, options)).response

/** The result of a decoder for a canned response. */
export const decodeResponse = async <A>(
  t: Teardown,
  decode: Decoder<A>,
  canned: CannedResponse,
  options?: ServeOptions
): Promise<E.Either<CosError, A>> => decode(await fetchResponse(t, canned, options))()

/** An XML response as COS sends it; `headers` are added to `content-type` and a request id. */
export const xmlResponse = (xml: string, headers: Readonly<Record<string, string>> = {}): CannedResponse => ({
  headers: { 'content-type': 'application/xml', 'x-cos-request-id': 'NjYwMQ==', ...headers },
  chunks: [xml]
})

/** The CosError of a stream or a generator that failed with a CosException. */
export const catchCosError = async (reading: Promise<unknown>): Promise<CosError> => {
  const thrown = await reading.then(
    () => new Error('a failure was expected'),
    (error: unknown) => error
  )
  if (thrown instanceof CosException) return thrown.error
  throw thrown
}

/** A promise, and a function that resolves it. */
export const createGate = (): { readonly opened: Promise<void>; readonly open: () => void } => {
  let open: () => void = () => {}
  const opened = new Promise<void>((resolve) => {
    open = resolve
  })
  return { opened, open }
}

export const right = <E_, A>(either: E.Either<E_, A>): A => {
  if (E.isRight(either)) return either.right
  throw new Error('a Right was expected', { cause: either.left })
}

export const left = <E_, A>(either: E.Either<E_, A>): E_ => {
  if (E.isLeft(either)) return either.left
  throw new Error('a Left was expected', { cause: either.right })
}
