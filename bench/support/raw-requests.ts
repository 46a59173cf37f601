/** Requests to the emulator that are signed beforehand, over bare sockets: the client takes little CPU time beside it. */
import { createHash, createHmac } from 'node:crypto'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { exampleBucket, exampleCredentials } from '../../lib/emulator/index.js'

const { secretId, secretKey } = exampleCredentials
const host = `${exampleBucket}.cos.ap-guangzhou.myqcloud.com`

const hmac = (key: string, text: string): string => createHmac('sha1', key).update(text).digest('hex')
const seconds = Math.floor(Date.now() / 1000)
const keyTime = `${String(seconds - 60)};${String(seconds + 7200)}`
const signKey = hmac(secretKey, keyTime)

/** The text of a request; `query` is empty or one encoded parameter. */
export const signedRequest = (method: string, path: string, query = '', body = ''): string => {
  const httpString = `${method.toLowerCase()}\n${path}\n${query}\nhost=${host}\n`
  const digest = createHash('sha1').update(httpString).digest('hex')
  const fields = [
    ...['q-sign-algorithm=sha1', `q-ak=${secretId}`, `q-sign-time=${keyTime}`, `q-key-time=${keyTime}`],
    ...['q-header-list=host', `q-url-param-list=${query.split('=')[0] ?? ''}`],
    `q-signature=${hmac(signKey, `sha1\n${keyTime}\n${digest}\n`)}`
  ]
  return [
    `${method} ${path}${query === '' ? '' : `?${query}`} HTTP/1.1`,
    `Host: ${host}`,
    `Content-Length: ${String(body.length)}`,
    `Authorization: ${fields.join('&')}`,
    '',
    body
  ].join('\r\n')
}

const isComplete = (text: string): boolean => {
  const end = text.indexOf('\r\n\r\n') + 4
  if (end < 4) return false
  const head = text.slice(0, end)
  const [, length] = /^content-length: (\d+)/im.exec(head) ?? []
  return length === undefined ? text.endsWith('0\r\n\r\n') : text.length >= end + Number(length)
}

export interface RawConnection {
  /** Resolves to the text of the response, head and chunk sizes included; rejects if its status is not 200. */
  readonly send: (request: string) => Promise<string>
  readonly close: () => void
}

/** @param address `127.0.0.1:PORT` */
export const rawConnection = async (address: string): Promise<RawConnection> => {
  const socket: Socket = connect(Number(address.split(':')[1]), '127.0.0.1')
  socket.setNoDelay(true).setEncoding('latin1')
  await once(socket, 'connect')
  return {
    send: (request) =>
      new Promise((resolve, reject) => {
        let text = ''
        const receive = (chunk: string): void => {
          text += chunk
          if (!isComplete(text)) return
          socket.off('data', receive)
          if (text.startsWith('HTTP/1.1 200')) resolve(text)
          else reject(new Error(text))
        }
        socket.on('data', receive)
        socket.write(request)
      }),
    close: () => socket.destroy()
  }
}
