/** The body of a request, as the connection delivers it. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Fault } from '../fault.js'
import type { RequestBody } from '../http/request.js'
import { ConnectionLost } from './connection.js'
import { throttle } from './faulty-body.js'

/** Resolves when there are bytes to read, or when none will follow. */
const waitForBytes = (request: IncomingMessage): Promise<void> =>
  new Promise((resolve) => {
    const done = (): void => {
      request.off('readable', done).off('close', done)
      resolve()
    }
    request.on('readable', done).on('close', done)
  })

/**
 * The next chunk of a body; undefined at its end. Most bodies are complete when they are read, and are read without a
 * listener: the iterator of Node's streams adds eight (Node 20).
 *
 * @errors throws `ConnectionLost` if the connection ends before the body does
 */
const readChunk = async (request: IncomingMessage): Promise<Uint8Array | undefined> => {
  for (;;) {
    const chunk: unknown = request.destroyed ? null : request.read()
    if (chunk instanceof Uint8Array) return chunk
    if (request.complete && request.readableLength === 0) return undefined
    if (request.destroyed) throw new ConnectionLost('closed by the client')
    await waitForBytes(request)
  }
}

/**
 * The body of a request. A client that expects `100 Continue` gets it when the body is read.
 *
 * @shape  `onBytes` gets the number of bytes of each chunk
 */
export const requestBody = (
  request: IncomingMessage,
  response: ServerResponse,
  expectsContinue: boolean,
  onBytes: (bytes: number) => void
): RequestBody => {
  const declared = request.headers['content-length']
  const next = async (): Promise<IteratorResult<Uint8Array, undefined>> => {
    const value = await readChunk(request)
    if (value === undefined) return { done: true, value }
    onBytes(value.length)
    return { done: false, value }
  }
  return {
    declared: declared === undefined ? undefined : Number(declared),
    chunked: request.headers['transfer-encoding'] !== undefined,
    read: () => {
      if (expectsContinue && !response.headersSent) response.writeContinue()
      return { [Symbol.asyncIterator]: () => ({ next }) }
    }
  }
}

/** The body as it arrives over a connection of `bytesPerSecond`. */
export const throttleBody = (body: RequestBody, fault: Fault, signal: AbortSignal): RequestBody => {
  const rate = fault.throttle?.up
  return rate === undefined ? body : { ...body, read: () => throttle(rate, body.read(), signal) }
}

/** Reads and discards at most `limit` bytes of a body. */
export const drain = async (body: RequestBody, limit: number): Promise<void> => {
  let left = limit
  if (left === 0) return
  for await (const chunk of body.read()) {
    left -= chunk.length
    if (left <= 0) return
  }
}
