/** The end of a connection: the client closed it, or a fault did. */
import type { ServerResponse } from 'node:http'
import type { Fault } from '../fault.js'

/** The connection ended before the request or the response did. */
export class ConnectionLost extends Error {
  /** Whether the client may still send: a fault ended only the direction of the response. */
  readonly isHalfClosed: boolean
  constructor(message: string, isHalfClosed = false) {
    super(message)
    this.isHalfClosed = isHalfClosed
  }
}

/** Ends the connection, with a reset or with FIN, or only its direction to the client. */
export const cut = ({ socket }: ServerResponse, { reset, halfClose }: Fault): ConnectionLost => {
  if (reset === true) socket?.resetAndDestroy()
  else if (halfClose === true) socket?.end()
  else socket?.destroy()
  return new ConnectionLost('cut by a fault', reset !== true && halfClose === true)
}
