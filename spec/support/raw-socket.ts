/** A raw socket, for requests that no client would send. */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import type { Emulator } from '../../lib/emulator/index.js'
import { type RequestInput, toHttpOptions } from './signed.js'

/** The head of a signed request as text, with the given headers. */
export const requestHead = (emulator: Emulator, input: RequestInput): string => {
  const { method, path, headers } = toHttpOptions(emulator, input)
  const lines = Object.entries(headers ?? {}).map(([name, value]) => `${name}: ${String(value)}`)
  return [`${String(method)} ${String(path)} HTTP/1.1`, ...lines, '', ''].join('\r\n')
}

export interface RawConnection {
  readonly socket: Socket
  /** Sends text or bytes, and keeps the connection open. */
  readonly send: (text: string | Uint8Array) => void
  /** All received bytes as Latin-1, once they match, or once the other side has ended the connection. */
  readonly receive: (until?: RegExp) => Promise<string>
}

export const openRawSocket = async (port: number): Promise<RawConnection> => {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
  await once(socket, 'connect')
  let heard = ''
  let over = false
  socket.on('data', (chunk) => (heard += chunk.toString('latin1')))
  socket.on('error', () => (over = true))
  socket.on('close', () => (over = true))
  socket.on('end', () => (over = true))
  return {
    socket,
    send: (text) => socket.write(text),
    receive: async (until) => {
      while (!over && !(until?.test(heard) ?? false))
        await Promise.race([once(socket, 'data'), once(socket, 'close'), once(socket, 'end')]).catch(
          () => undefined
        )
      return heard
    }
  }
}
