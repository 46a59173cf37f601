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
 * The body of a request. A client that expects `100 Continue` gets it when the body is read.
 *
 * Most bodies are complete when they are read, and are read without a listener: the iterator of Node's streams adds eight
 * (Node 20). The last of the declared bytes ends a body, before Node reports its end.
 *
 * @shape  `onBytes` gets the number of bytes of each chunk
 * @errors reading throws `ConnectionLost` if the connection ends before the body does
 */
export const requestBody = (
  request: IncomingMessage,
  response: ServerResponse,
  expectsContinue: boolean,
  onBytes: (bytes: number) => void
): RequestBody => {
  const length = request.headers['content-length']
  const declared = length === undefined ? undefined : Number(length)
  let received = 0
  const next = async (): Promise<IteratorResult<Uint8Array, undefined>> => {
    for (;;) {
      const value: unknown = request.destroyed ? null : request.read()
      if (value instanceof Uint8Array) {
        received += value.length
        onBytes(value.length)
        return { done: false, value }
      }
      const isOver = request.complete || received === declared
      if (isOver && request.readableLength === 0) return { done: true, value: undefined }
      if (request.destroyed) throw new ConnectionLost('closed by the client')
      await waitForBytes(request)
    }
  }
  return {
    declared,
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
