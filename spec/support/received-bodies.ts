/** Every byte of the request bodies that an emulator of this process received, of broken requests too. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { IncomingMessage, ServerResponse } from 'node:http'
import type { Emulator } from '../../lib/emulator/index.js'

export interface ReceivedBody {
  readonly method: string
  readonly path: string
  readonly query: URLSearchParams
  readonly headers: Readonly<Record<string, string | ReadonlyArray<string> | undefined>>
  readonly bytes: () => Buffer
  readonly response: () => string
}

interface Teardown {
  readonly teardown: (clean: () => unknown) => unknown
}

const channel = 'http.server.request.start'

interface Started {
  readonly request: IncomingMessage
  readonly response: ServerResponse
}

const isStarted = (u: unknown): u is Started =>
  typeof u === 'object' &&
  u !== null &&
  'request' in u &&
  u.request instanceof IncomingMessage &&
  'response' in u &&
  u.response instanceof ServerResponse

/** Returns a function that returns the bodies since its last call. Call it when no request is under way. */
export const recordBodies = (
  t: Teardown,
  { address }: Pick<Emulator, 'address'>
): (() => ReadonlyArray<ReceivedBody>) => {
  const port = Number(new URL(`http://${address}`).port)
  let received: Array<ReceivedBody> = []
  const onStart = (message: unknown): void => {
    if (!isStarted(message) || message.request.socket.localPort !== port) return
    const { request, response } = message
    const [body, sent]: [Array<Buffer>, Array<Buffer>] = [[], []]
    // Before the emulator reads: what was pushed and never read has arrived too.
    const push = request.push.bind(request)
    request.push = (chunk: unknown, encoding) => {
      if (chunk instanceof Uint8Array) body.push(Buffer.from(chunk))
      return push(chunk, encoding)
    }
    for (const name of ['write', 'end'] as const) {
      const call = response[name].bind(response) as (...args: ReadonlyArray<unknown>) => never
      response[name] = (...args: ReadonlyArray<unknown>) => {
        const [chunk] = args
        if (chunk instanceof Uint8Array || typeof chunk === 'string') sent.push(Buffer.from(chunk as string))
        return call(...args)
      }
    }
    const url = new URL(request.url ?? '', 'http://host')
    received.push({
      method: request.method ?? '',
      path: decodeURIComponent(url.pathname),
      query: url.searchParams,
      headers: request.headers,
      bytes: () => Buffer.concat(body),
      response: () => Buffer.concat(sent).toString()
    })
  }
  subscribe(channel, onStart)
  t.teardown(() => {
    unsubscribe(channel, onStart)
  })
  return () => {
    const taken = received
    received = []
    return taken
  }
}
