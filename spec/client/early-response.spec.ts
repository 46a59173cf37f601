import { EventEmitter, once } from 'node:events'
import { createServer as createTcpServer, type Server, type Socket } from 'node:net'
import { setTimeout } from 'node:timers/promises'
import { createServer as createTlsServer } from 'node:tls'
import t, { type Test } from 'tap'
import type { Client } from '../../lib/client/client.js'
import { send } from '../../lib/client/send.js'
import { KiB, MiB } from '../../lib/core/limits.js'
import type { BodyInput } from '../../lib/core/body.js'
import { putObject } from '../../lib/operations/put-object.js'
import { bytesOf } from '../support/bytes.js'
import { certificate } from '../support/certificate.js'
import { listen } from '../support/listen.js'
import { isLongForm } from '../support/long-form.js'
import { at, clientOf, left } from '../support/server.js'
import { becomesTrue } from '../support/wait-for.js'

const schemes = ['http', 'https'] as const

// A client has no option for certificate authorities, and Node reads NODE_EXTRA_CA_CERTS only when it starts.
t.before(() => {
  // Node would warn of it, once.
  process.removeAllListeners('warning')
  process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0'
})

/** The response, before the body of the request has been read; `framing` says how its body ends. */
const refusal = (framing: 'length' | 'close'): string => {
  const body = '<Error><Code>AccessDenied</Code><Message>no</Message><RequestId>r</RequestId></Error>'
  return [
    'HTTP/1.1 403 Forbidden',
    'Content-Type: application/xml',
    'x-cos-request-id: r',
    'Connection: close',
    ...(framing === 'length' ? [`Content-Length: ${String(body.length)}`] : []),
    '',
    body
  ].join('\r\n')
}

// How a server leaves the connection, after it has written the response.
const endings: ReadonlyArray<(socket: Socket) => void> = [
  // It reads no more: the client's bytes are answered by a reset.
  (socket) => socket.end(() => socket.destroy()),
  (socket) => socket.destroySoon(),
  // It reads for a moment, as a server with a lingering close.
  (socket) => {
    socket.resume()
    socket.end()
    void setTimeout(2).then(() => socket.destroy())
  }
]

const startServer = async (
  t: Test,
  scheme: (typeof schemes)[number],
  framing: 'length' | 'close'
): Promise<{ readonly client: Client; readonly untilLeft: () => Promise<void> }> => {
  let count = 0
  const events = new EventEmitter()
  const onSocket = (socket: Socket): void => {
    socket.on('error', () => undefined)
    const refuse = (): void => {
      socket.pause()
      socket.write(refusal(framing))
      count += 1
      endings[count % endings.length]?.(socket)
      socket.on('close', () => events.emit('left'))
    }
    socket.once('data', (head: Buffer) => {
      if (!/^expect:/im.test(head.toString('latin1'))) return refuse()
      socket.write('HTTP/1.1 100 Continue\r\n\r\n')
      socket.once('data', refuse)
    })
  }
  const server: Server =
    scheme === 'http' ? createTcpServer(onSocket) : createTlsServer(certificate, onSocket)
  const { address } = await listen(t, server)
  return {
    client: clientOf(t, address)({ scheme, retry: { attempts: 1 } }),
    untilLeft: async () => {
      await once(events, 'left')
    }
  }
}

const chunk = bytesOf(64 * 1024)
const large = bytesOf(4 * MiB)
/** The bodies of the requests; `untilLeft` resolves when the server has responded and closed the connection. */
const bodies: Readonly<Record<string, (untilLeft: () => Promise<void>) => BodyInput>> = {
  // The next write comes before the turn of the event loop that would read the response.
  'a stream that waits for the server': (untilLeft) => ({
    size: 20 * KiB,
    async *open() {
      // Small, so that the next one is written at once.
      yield chunk.subarray(0, KiB)
      await untilLeft()
      for (let sent = 1; sent < 20; sent += 1) {
        yield chunk.subarray(0, KiB)
      }
    }
  }),
  'a stream that does not wait': () => ({
    size: 64 * chunk.length,
    async *open() {
      for (let sent = 0; sent < 64; sent += 1) yield chunk
    }
  }),
  bytes: () => large
}

for (const scheme of schemes)
  t.test(
    `over ${scheme}, an error that comes while the body is sent is the typed error, not that of the write, also after a 100`,
    async (t) => {
      const runs = isLongForm ? 200 : scheme === 'http' ? 6 : 3
      for (const framing of ['length', 'close'] as const) {
        const { client, untilLeft } = await startServer(t, scheme, framing)
        for (const [name, body] of Object.entries(bodies)) {
          for (const expectContinue of [false, true]) {
            const other = new Map<string, number>()
            for (let run = 0; run < runs; run += 1) {
              const put = putObject({ ...at, body: body(untilLeft), expectContinue })
              const error = left(await send(put)(client)())
              if (error._tag === 'ServiceError' && error.code === 'AccessDenied') continue
              const kind = error._tag === 'TransportError' ? error.code : error._tag
              other.set(kind, (other.get(kind) ?? 0) + 1)
            }
            const times = `${String(runs)} times${expectContinue ? ', after a 100' : ''}`
            t.same([...other], [], `${name}, ${framing}, ${times}`)
          }
        }
      }
    }
  )

t.test('after a refusal during the body, the source of the body is closed', async (t) => {
  for (const expectContinue of [false, true]) {
    const { client } = await startServer(t, 'http', 'length')
    let isClosed = false
    const body = {
      size: 64 * chunk.length,
      async *open() {
        try {
          for (let sent = 0; sent < 64; sent += 1) {
            yield chunk
            await setTimeout(1)
          }
        } finally {
          isClosed = true
        }
      }
    }
    left(await send(putObject({ ...at, body, expectContinue }))(client)())
    t.ok(await becomesTrue(() => isClosed), expectContinue ? 'after a 100' : 'without')
  }
})
