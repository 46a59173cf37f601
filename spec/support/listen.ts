/** A server of a spec on the loopback, of HTTP, TLS or bare TCP. */
import { once } from 'node:events'
import type { AddressInfo, Server, Socket } from 'node:net'

interface Teardown {
  readonly teardown: (clean: () => unknown) => unknown
}

export interface Listening {
  /** Host and port. */
  readonly address: string
  readonly port: number
  /** The connections that are open. */
  readonly sockets: ReadonlySet<Socket>
}

/** Starts the server on a free port. It ends with the test, and so do its connections. */
export const listen = async (t: Teardown, server: Server): Promise<Listening> => {
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    socket.on('close', () => sockets.delete(socket))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return { address: `127.0.0.1:${String(port)}`, port, sockets }
}
