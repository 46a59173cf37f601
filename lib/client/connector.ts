/** Connections that end when undici's parser asks for more bytes, and not in the middle of a slow reader's pause. */
import type { Socket } from 'node:net'
import { buildConnector } from 'undici'
import { codeOf } from '../core/error.js'

/**
 * Holds the end of a connection back until undici asks for bytes and there are none left.
 *
 * undici 7 asserts that its HTTP/1 parser is not paused when a connection ends: when a server closes behind its answer,
 * or resets the connection, while the reader of the body holds back. It asserts in the handlers of the socket's `end`,
 * `error` and `close`, so the AssertionError reaches no caller and ends the process. undici 8 does not assert. When an
 * answer says that the connection is kept, and the connection ends during the pause, both versions drop the bytes that
 * have come, even if the body is whole.
 *
 * A paused parser does not read from the socket, and a parser that runs reads until it is given `null`. So a read that
 * finds nothing is the sign that the end may come, and nothing private of undici is touched. `readable` has a parser
 * that runs read once more; Node, too, emits it before `end`.
 *
 * Any other error destroys the socket at once. undici's handlers take it, and with such errors undici itself ends a
 * connection: when a request is aborted and when the client is closed.
 *
 * @shape  the same socket, with four of its methods replaced; it must be read in paused mode, as undici does
 * @errors none added
 * @source https://github.com/nodejs/undici/issues/5360
 */
export const holdEnd = (socket: Socket): Socket => {
  const push = socket.push.bind(socket)
  const read = socket.read.bind(socket)
  const destroy = socket.destroy.bind(socket)
  let end: (() => void) | undefined
  /** Reads that found nothing. */
  let asked = 0

  /** Has the parser read, if it is not paused, and ends the connection if it finds nothing. */
  const offer = (): void => {
    if (end === undefined || socket.destroyed) return
    const before = asked
    socket.emit('readable')
    if (asked === before) return
    const next = end
    end = undefined
    next()
  }
  const hold = (next: () => void): void => {
    end ??= next
    process.nextTick(offer)
  }
  socket.push = (chunk: unknown, encoding) => {
    if (chunk !== null) return push(chunk, encoding)
    hold(() => {
      push(null)
      // `push` does not end a stream that nobody reads from, and the parser reads on `readable` alone.
      read(0)
    })
    return false
  }
  socket.read = (size) => {
    // After a failed write Node drops what the parser gives back with `unshift`: the body would have a hole.
    const chunk: unknown = socket.errored === null || socket.destroyed ? read(size) : null
    if (chunk === null && size === undefined && end !== undefined) {
      asked += 1
      // A parser that resumes reads first and may pause again on what it still has, so the read alone does not count.
      process.nextTick(offer)
    }
    return chunk
  }
  socket.destroy = (error) => {
    if (socket.destroyed || codeOf(error) !== 'ECONNRESET') return destroy(error)
    hold(() => destroy(error))
    return socket
  }
  return socket
}

/**
 * Makes what undici connects with: HTTP/1.1 over TCP or TLS, for each connection that a reader may hold back.
 *
 * HTTP/2 is not offered, which undici 8 would do: there all requests share a connection, and a stalled body stalls them.
 *
 * @shape  for `connect` of an undici `Agent`, `Pool` or `Client`
 * @units  `timeout` in milliseconds, to a connection, TLS included
 * @errors to the callback, what Node and undici say: `UND_ERR_CONNECT_TIMEOUT`, `ECONNREFUSED`, those of TLS
 */
export const createConnector = (timeout: number): buildConnector.connector => {
  const connect = buildConnector({ timeout, allowH2: false })
  return (options, callback) => {
    connect(options, (error, socket) => {
      if (error === null) callback(null, holdEnd(socket))
      else callback(error, null)
    })
  }
}
