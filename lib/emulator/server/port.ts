/** The port: HTTP alone, or HTTP and HTTPS by the first byte of a connection; and CONNECT, as proxies serve it. */
import { createServer, type IncomingMessage, type Server as HttpServer, type ServerOptions } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import { createServer as createSocketServer, type Server } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Certificates } from './certificates.js'

// The first byte of a TLS connection: the record type `handshake`.
const handshake = 22

/** Calls `choose` with the first byte of a connection, which stays unread. */
const peek = (socket: Duplex, choose: (first: number) => void): void => {
  // The HTTP server listens for errors from its first request on.
  socket.on('error', () => undefined)
  const look = (): void => {
    const chunk: unknown = socket.read()
    if (!(chunk instanceof Uint8Array)) {
      if (!socket.readableEnded) socket.once('readable', look)
      return
    }
    socket.unshift(chunk)
    choose(chunk[0] ?? 0)
  }
  look()
}

const noTunnel = [
  'HTTP/1.1 501 Not Implemented',
  'Content-Type: text/plain',
  'Connection: close',
  '',
  'The emulator serves CONNECT if it is started with TLS.\n'
].join('\r\n')

/**
 * Makes a server for one port.
 *
 * With certificates it accepts HTTP and HTTPS. A client may send CONNECT for any host: the emulator takes the place of
 * that host, and connects to none.
 *
 * @shape  `prepare` adds the listeners to the HTTP servers before the first connection
 */
export const createPort = (
  options: ServerOptions,
  certificates: Certificates | undefined,
  prepare: (server: HttpServer) => void
): Server => {
  const plain = createServer(options)
  prepare(plain)
  if (certificates === undefined) {
    plain.on('connect', (_request: IncomingMessage, socket: Duplex) => {
      socket.on('error', () => undefined)
      socket.end(noTunnel)
    })
    return plain
  }
  const secure = createSecureServer({
    ...options,
    ...certificates.byDefault,
    SNICallback: (host, done) => {
      done(null, certificates.contextFor(host))
    }
  })
  prepare(secure)
  const accept = (socket: Duplex): void => {
    peek(socket, (first) => (first === handshake ? secure : plain).emit('connection', socket))
  }
  for (const server of [plain, secure])
    server.on('connect', (_request: IncomingMessage, socket: Duplex, head: Buffer) => {
      socket.write('HTTP/1.1 200 Connection Established\r\n\r\n')
      if (head.length > 0) socket.unshift(head)
      accept(socket)
    })
  return createSocketServer(accept)
}
