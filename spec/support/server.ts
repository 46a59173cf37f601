/** An HTTP server with responses scripted by a spec, and clients that send it requests with COS's host names. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import * as E from 'fp-ts/lib/Either.js'
import { createClient, type Client, type ClientConfig } from '../../lib/client/client.js'
import { listen } from './listen.js'

export interface ReceivedRequest {
  readonly method: string
  /** The target of the request line, as received. */
  readonly target: string
  readonly headers: IncomingMessage['headers']
  readonly body: Buffer
}

export interface ScriptedServer {
  readonly address: string
  /** The requests with complete bodies, in order. */
  readonly received: ReadonlyArray<ReceivedRequest>
  /** The number of open connections. */
  readonly open: () => number
  readonly client: (config?: Partial<ClientConfig>) => Client
}

/** Responds to one request; `count` starts at 1. Called after the body is read, or before it with `early`. */
export type Script = (
  received: ReceivedRequest,
  response: ServerResponse,
  count: number,
  request: IncomingMessage
) => unknown

interface Teardown {
  readonly teardown: (clean: () => unknown) => unknown
}

export const at = { bucket: 'examplebucket-1250000000', key: 'dir/a.txt' }
export const secretKey = 'vectorExampleNotARealSecretKey00001'
export const credentials = { secretId: 'AKIDvectorExampleNotARealSecretId001', secretKey }

export const right = <A>(either: E.Either<unknown, A>): A => {
  if (E.isLeft(either)) throw new Error('a Left where a Right was due', { cause: either.left })
  return either.right
}

export const left = <L>(either: E.Either<L, unknown>): L => {
  if (E.isRight(either)) throw new Error('a Right where a Left was due', { cause: either.right })
  return either.left
}

/** A client that connects to the address, closed with the test. */
export const clientOf =
  (t: Teardown, address: string) =>
  (config: Partial<ClientConfig> = {}): Client => {
    const client = right(
      createClient({
        region: 'ap-guangzhou',
        scheme: 'http',
        address,
        credentials,
        retry: { base: 1 },
        ...config
      })
    )
    t.teardown(client.close)
    return client
  }

export const startServer = async (
  t: Teardown,
  script: Script,
  { early = false }: { readonly early?: boolean } = {}
): Promise<ScriptedServer> => {
  const received: Array<ReceivedRequest> = []
  let count = 0
  const server = createServer((request, response) => {
    response.on('error', () => undefined)
    request.on('error', () => undefined)
    const chunks: Array<Buffer> = []
    const respond = (): void => {
      const one = {
        method: request.method ?? '',
        target: request.url ?? '',
        headers: request.headers,
        body: Buffer.concat(chunks)
      }
      received.push(one)
      count += 1
      script(one, response, count, request)
    }
    if (early) respond()
    else request.on('data', (chunk: Buffer) => chunks.push(chunk)).on('end', respond)
  })
  const { address, sockets } = await listen(t, server)
  return { address, received, open: () => sockets.size, client: clientOf(t, address) }
}

/** Sends an error document of COS. */
export const sendServiceError = (
  response: ServerResponse,
  status: number,
  code: string,
  headers: Readonly<Record<string, string>> = {}
): void => {
  response.writeHead(status, {
    'x-cos-request-id': 'NjYwMWE5YzRf',
    'content-type': 'application/xml',
    ...headers
  })
  response.end(
    `<?xml version='1.0' encoding='utf-8' ?><Error><Code>${code}</Code><Message>m</Message></Error>`
  )
}
