import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import * as http from 'node:http'
import * as https from 'node:https'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import { connect } from 'node:tls'
import * as E from 'fp-ts/lib/Either.js'
import t from 'tap'
import { type Emulator, formatEmulatorError, startEmulator } from '../../../lib/emulator/index.js'
import { sendRequest, startTestEmulator, toHttpOptions } from '../../support/signed.js'

/** Status and body of a response. */
const read = (request: http.ClientRequest): Promise<string> =>
  new Promise((resolve, reject) => {
    request.on('error', reject)
    request.on('response', (response) => {
      let text = ''
      response.on('data', (chunk) => (text += String(chunk)))
      response.on('end', () => resolve(`${String(response.statusCode)} ${text}`))
    })
    request.end()
  })

/** The tunnel that a proxy opens to a host. */
const tunnel = ({ port }: Emulator, host: string): Promise<Duplex> =>
  new Promise((resolve, reject) => {
    const request = http.request({ host: '127.0.0.1', port, method: 'CONNECT', path: host, agent: false })
    request.on('error', reject)
    request.on('connect', (response, socket) => {
      if (response.statusCode === 200) resolve(socket)
      else reject(new Error(String(response.statusCode)))
    })
    request.end()
  })

t.test('one port serves HTTP and HTTPS, and the certificate is valid for each host of COS', async (t) => {
  const emulator = await startTestEmulator(t, { tls: true })
  const { ca, port } = emulator
  t.match(emulator.url, /^https:\/\/127\.0\.0\.1:\d+$/)
  const body = 'x'.repeat(300_000)
  await sendRequest(emulator, { method: 'PUT', key: 'k', body })
  t.equal((await sendRequest(emulator, { key: 'k' })).text, body, 'over HTTP')
  const bucket = 'examplebucket-1250000000'
  for (const servername of [
    `${bucket}.cos.ap-guangzhou.myqcloud.com`,
    `${bucket}.cos.eu-frankfurt.tencentcos.cn`,
    `${bucket}.localhost`
  ]) {
    const options = toHttpOptions(emulator, { key: 'k', host: servername })
    t.equal(
      await read(https.request({ ...options, servername, ca, agent: false })),
      `200 ${body}`,
      servername
    )
  }
  for (const host of ['127.0.0.1', 'localhost'])
    t.match(await read(https.request({ host, port, path: '/', ca, agent: false })), /^403 /, host)
  await t.rejects(
    read(https.request({ host: '127.0.0.1', port, path: '/', agent: false })),
    /certificate/,
    'no ca'
  )
})

t.test('CONNECT reaches the emulator under any host name, with TLS and without', async (t) => {
  const emulator = await startTestEmulator(t, { tls: true })
  const { ca } = emulator
  await sendRequest(emulator, { method: 'PUT', key: 'k', body: 'through the tunnel' })
  const servername = 'examplebucket-1250000000.cos.ap-beijing.myqcloud.com'
  const options = toHttpOptions(emulator, { key: 'k', host: servername })
  const socket = connect({ socket: await tunnel(emulator, `${servername}:443`), servername, ca })
  const inTunnel = { ...options, agent: false, createConnection: () => socket }
  t.equal(await read(http.request(inTunnel)), '200 through the tunnel')
  const plain = await tunnel(emulator, `${servername}:80`)
  // A socket of node:net, which node:http types as Duplex.
  const withoutTls = { ...options, agent: false, createConnection: () => plain as unknown as typeof socket }
  t.equal(await read(http.request(withoutTls)), '200 through the tunnel')
  socket.destroy()
  plain.destroy()
})

t.test('without TLS, CONNECT fails with 501', async (t) => {
  await t.rejects(tunnel(await startTestEmulator(t), 'a:443'), { message: '501' })
})

t.test('connections that send nothing or no TLS are closed with the emulator', async (t) => {
  const emulator = await startTestEmulator(t, { tls: true })
  const silent = http.request({ host: '127.0.0.1', port: emulator.port, agent: false })
  silent.on('error', () => undefined)
  silent.flushHeaders()
  const broken = connect({ host: '127.0.0.1', port: emulator.port, ca: emulator.ca, maxVersion: 'TLSv1.1' })
  await new Promise((resolve) => broken.once('error', resolve))
  await emulator.close()
  t.equal(emulator.openConnections(), 0)
})

t.test('the certificate of the authority is written to a file, and is new in each run', async (t) => {
  const file = join(t.testdir(), 'ca.pem')
  const first = await startTestEmulator(t, { tls: true, tlsCa: file })
  const text = readFileSync(file, 'utf8')
  t.equal(text, first.ca)
  const ca = new X509Certificate(text)
  t.ok(ca.ca)
  t.ok(ca.verify(ca.publicKey))
  t.ok(Date.parse(ca.validTo) > Date.now() + 300 * 24 * 3600_000)
  t.not((await startTestEmulator(t, { tls: true })).ca, first.ca)
  t.equal((await startTestEmulator(t)).ca, undefined)
})

t.test('a file that cannot be written, and a file without TLS, are errors', async (t) => {
  const path = join(t.testdir(), 'none', 'ca.pem')
  const unwritten = await startEmulator({ tls: true, tlsCa: path })()
  t.match(unwritten, E.left({ _tag: 'CannotWriteCa', path, code: 'ENOENT' }))
  if (E.isLeft(unwritten)) t.match(formatEmulatorError(unwritten.left), 'ENOENT')
  t.match(await startEmulator({ tlsCa: path })(), E.left({ _tag: 'InvalidOption', field: 'tlsCa' }))
})
