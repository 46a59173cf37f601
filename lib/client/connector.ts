/** Connections whose end is delayed until undici's parser asks for more bytes, so that none ends during a reader's pause. */
import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import { constVoid } from 'fp-ts/lib/function.js'
import type { buildConnector as BuildConnector } from 'undici'
import { codeOf } from '../core/error.js'
import { KiB } from '../core/limits.js'
import { systemRuntime, type Runtime } from '../core/runtime.js'
import { isFailedWrite } from './failed-write.js'
import { createSocketBuffer, createTurn } from './socket-buffer.js'
import { createTlsSessions } from './tls-sessions.js'
import { buildConnector, errors } from './undici.js'

// In bytes, of those that arrived after a failed write. Then the connection is read when the parser has taken them.
const mostKept = 64 * KiB

/**
 * Delays the end of a connection until undici asks for bytes and there are none left.
 *
 * undici 7 asserts that its HTTP/1 parser is not paused when a connection ends. The assertion fails if a server closes
 * the connection after its response, or resets it, while the reader of the body is paused. It is in the handlers of the
 * socket's `end`, `error` and `close`, so the AssertionError reaches no caller and ends the process. undici 8 does not
 * assert. If a response keeps the connection alive, and the connection ends during the pause, both versions drop the
 * bytes that have arrived, even if the body is complete.
 *
 * A paused parser does not read from the socket, and a running parser reads until it gets `null`. So a read that finds
 * nothing shows that the end may follow, and nothing private of undici is used. A `readable` event makes a running parser
 * read once more; Node, too, emits it before `end`.
 *
 * A write fails with EPIPE or ECONNRESET if the server has closed the connection. Before, it may have responded, such as
 * with 403 or 413 to a body that it does not read: then the response is in the socket, or still in the kernel. So after a
 * failed write the connection is read to its end. Node itself drops all bytes then, and those that the parser puts back, so
 * they are kept here.
 *
 * All other errors except ECONNRESET destroy the socket at once. undici's handlers accept them, and undici itself ends a
 * connection with such errors when a request is aborted and when the client is closed.
 *
 * @shape  the same socket, with four of its methods replaced; it must be read in paused mode, as undici does. `flush` is
 *         called before each end: it pushes the bytes that wait elsewhere
 * @errors none added
 * @source https://github.com/nodejs/undici/issues/5360
 */
export const holdEnd = (socket: Socket, flush: () => void = constVoid): Socket => {
  const push = socket.push.bind(socket)
  const read = socket.read.bind(socket)
  const unshift = socket.unshift.bind(socket)
  const destroy = socket.destroy.bind(socket)
  let end: (() => void) | undefined
  let emptyReads = 0
  /** The bytes that the parser has not taken, after a failed write. */
  let kept: Array<Uint8Array> | undefined
  let writeError: Error | undefined

  /** Makes the parser read, if it is not paused, and ends the connection if the parser finds nothing. */
  const endIfDrained = (): void => {
    if (end === undefined || socket.destroyed) return
    const before = emptyReads
    socket.emit('readable')
    if (emptyReads === before) return
    const next = end
    end = undefined
    next()
  }
  const hold = (next: () => void): void => {
    end ??= next
    process.nextTick(endIfDrained)
  }
  const readKept = (size: number | undefined): unknown => {
    // Node asks for 0 bytes to start the next read.
    const chunk = size === 0 ? null : (kept?.shift() ?? null)
    // Starts to read again after `push` returned false. `socket.read` does not, after an error.
    if (chunk === null && end === undefined && !socket.destroyed) socket._read(mostKept)
    return chunk
  }
  const keepReading = (error: Error): void => {
    writeError = error
    const unread: unknown = read()
    kept = unread instanceof Uint8Array ? [unread] : []
    if (end !== undefined || socket.readableEnded) return hold(() => destroy(error))
    socket._read(mostKept)
    process.nextTick(() => socket.emit('readable'))
  }
  const endKept = (): void => {
    // Ends a body whose length is that of the connection. Without a response, undici destroys the socket.
    socket.emit('end')
    if (!socket.destroyed) destroy(writeError)
  }
  socket.push = (chunk: unknown, encoding) => {
    if (kept !== undefined && chunk instanceof Uint8Array) {
      kept.push(chunk)
      process.nextTick(() => socket.emit('readable'))
      return kept.reduce((sum, { length }) => sum + length, 0) < mostKept
    }
    if (chunk !== null) return push(chunk, encoding)
    flush()
    if (kept !== undefined) hold(endKept)
    else
      hold(() => {
        push(null)
        // `push` does not end a stream without a pending read, and the parser reads only on `readable`.
        read(0)
      })
    return false
  }
  socket.unshift = (chunk: unknown, encoding) => {
    if (kept === undefined || !(chunk instanceof Uint8Array)) unshift(chunk, encoding)
    else if (chunk.length > 0) kept.unshift(chunk)
  }
  socket.read = (size) => {
    const chunk: unknown = kept === undefined ? read(size) : readKept(size)
    if (chunk === null && size === undefined && end !== undefined) {
      emptyReads += 1
      // A resumed parser reads first and may pause again on bytes that it still has, so one read alone proves nothing.
      process.nextTick(endIfDrained)
    }
    return chunk
  }
  socket.destroy = (error) => {
    if (socket.destroyed || error === undefined) return destroy(error)
    flush()
    if (isFailedWrite(error)) {
      // Each write that waited fails too.
      if (kept === undefined) keepReading(error)
    } else if (codeOf(error) === 'ECONNRESET') hold(() => destroy(writeError ?? error))
    else return destroy(error)
    return socket
  }
  return socket
}

/**
 * Makes the function that undici connects with: HTTP/1.1 over TCP or TLS, with `holdEnd` on each connection.
 *
 * It does not offer HTTP/2, as undici 8 would: there all requests share a connection, and a stalled body stalls them.
 *
 * undici's connector takes one buffer for all its connections, so each connection has a separate connector here, and the TLS
 * sessions are kept here too.
 *
 * undici's timer of the connection has ticks of half a second: it reported 400 ms after 785. So the timeout has a timer
 * here, and undici's closes the socket of the connection that did not come.
 *
 * @shape  for `connect` of an undici `Agent`, `Pool` or `Client`
 * @units  `timeout` in milliseconds, to a connection, TLS included
 * @errors passes the errors of Node and undici to the callback: `UND_ERR_CONNECT_TIMEOUT`, `ECONNREFUSED`, those of TLS
 */
export const createConnector = (
  timeout: number,
  { startTimer }: Pick<Runtime, 'startTimer'> = systemRuntime
): BuildConnector.connector => {
  const turn = createTurn()
  const sessions = createTlsSessions()
  return (options, callback) => {
    const state = { isOver: false }
    let push: Socket['push'] = () => false
    const { onread, flush } = createSocketBuffer(turn, (bytes) => push(bytes))
    const peer = options.servername ?? options.hostname
    const session = sessions.get(peer)
    const connect = buildConnector({ timeout, allowH2: false, onread, ...(session && { session }) })
    const stopTimer = startTimer(timeout, () => {
      state.isOver = true
      callback(new errors.ConnectTimeoutError(`no connection within ${String(timeout)} ms`), null)
    })
    connect(options, (error, socket) => {
      stopTimer()
      if (state.isOver) return void socket?.destroy()
      if (error !== null) return callback(error, null)
      holdEnd(socket, flush)
      push = (bytes) => socket.push(bytes)
      if (socket instanceof TLSSocket) {
        const keep = (session: Buffer | undefined): void => {
          if (session !== undefined) sessions.set(peer, session)
        }
        // TLS 1.2 has a session by now. TLS 1.3 sends it later.
        keep(socket.getSession())
        socket.on('session', keep)
      }
      callback(null, socket)
    })
  }
}
