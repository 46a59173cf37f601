/** Responses of servers that close the connection while the body of a request is sent. */
import type { Socket } from 'node:net'
import { codeOf } from '../core/error.js'
import { KiB } from '../core/limits.js'

/** Bytes to request of a connection for one read. */
const readSize = 64 * KiB

/** Whether the server has closed the connection. It may have responded before. */
export const isFailedWrite = (error: unknown): error is Error =>
  error instanceof Error &&
  'syscall' in error &&
  error.syscall === 'write' &&
  ['EPIPE', 'ECONNRESET'].includes(codeOf(error))

/**
 * Reads a connection to its end after a failed write, for a socket of `node:http`. Node itself drops the bytes that the
 * server sent before it closed the connection: of 60 refusals during the body, 9 were reported as EPIPE (Node 20.20).
 *
 * @shape  two of the methods of the socket are replaced; it must be in flowing mode, as `node:http` reads it
 * @errors after the end of the connection, those that `node:http` makes of it
 */
export const readAfterFailedWrite = (socket: Socket): void => {
  const push = socket.push.bind(socket)
  const destroy = socket.destroy.bind(socket)
  let writeError: Error | undefined
  socket.push = (chunk: unknown, encoding) => {
    if (writeError === undefined) return push(chunk, encoding)
    if (chunk !== null) return socket.emit('data', chunk)
    socket.emit('end')
    destroy(writeError)
    return false
  }
  socket.destroy = (error) => {
    if (socket.destroyed || !isFailedWrite(error) || socket.readableEnded) return destroy(error)
    // Each write that waited fails too.
    if (writeError === undefined) {
      const unread: unknown = socket.read()
      writeError = error
      if (unread !== null) socket.emit('data', unread)
      socket._read(readSize)
    }
    return socket
  }
}
