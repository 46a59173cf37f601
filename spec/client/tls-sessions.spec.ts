import { createServer, type TLSSocket } from 'node:tls'
import t from 'tap'
import { send } from '../../lib/client/send.js'
import { createTlsSessions } from '../../lib/client/tls-sessions.js'
import { headObject } from '../../lib/operations/head-object.js'
import { certificate } from '../support/certificate.js'
import { bucket } from '../support/cos.js'
import { listen } from '../support/listen.js'
import { clientOf, right } from '../support/server.js'

t.test('the sessions of 100 servers are kept: that which was set longest ago is forgotten', (t) => {
  const sessions = createTlsSessions()
  const session = (name: string): Buffer => Buffer.from(name)
  for (let n = 0; n < 100; n += 1) sessions.set(`${String(n)}.example`, session('first'))
  sessions.set('0.example', session('newer'))
  sessions.set('100.example', session('first'))
  t.same(sessions.get('0.example'), session('newer'))
  t.equal(sessions.get('1.example'), undefined)
  t.same(sessions.get('2.example'), session('first'))
  t.same(sessions.get('100.example'), session('first'))
  t.end()
})

t.test('the second connection to a server resumes the TLS session of the first', async (t) => {
  // A client has no option for certificate authorities, and Node reads NODE_EXTRA_CA_CERTS only when it starts.
  const before = process.env['NODE_TLS_REJECT_UNAUTHORIZED']
  process.removeAllListeners('warning')
  process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0'
  t.teardown(() => {
    if (before === undefined) delete process.env['NODE_TLS_REJECT_UNAUTHORIZED']
    else process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = before
  })
  for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
    const resumed: Array<boolean> = []
    const server = createServer({ ...certificate, maxVersion }, (socket: TLSSocket) => {
      resumed.push(socket.isSessionReused())
      socket.once('data', () => {
        const head = ['HTTP/1.1 200 OK', 'ETag: "e"', 'Content-Length: 0', 'Connection: close']
        const date = 'Last-Modified: Fri, 27 Nov 2026 00:00:00 GMT'
        socket.end(`${[...head, date].join('\r\n')}\r\n\r\n`)
      })
    })
    const { address } = await listen(t, server)
    const client = clientOf(t, address)({ scheme: 'https' })
    for (const key of ['a', 'b']) right(await send(headObject({ bucket, key }))(client)())
    t.same(resumed, [false, true], maxVersion)
  }
})
