/** Bytes on the wire: header values, header names, query strings, and requests of other clients. */
import { createHmac, createHash } from 'node:crypto'
import t from 'tap'
import type { Emulator } from '../../../lib/emulator/index.js'
import { openRawSocket, requestHead } from '../../support/raw-socket.js'
import { initiate, readTag, sendRequest, startTestEmulator } from '../../support/signed.js'

const bucket = 'examplebucket-1250000000'
const host = `${bucket}.cos.ap-guangzhou.myqcloud.com`

/** Sends a request of raw bytes and returns the response, one character for each byte. */
const exchange = async (emulator: Emulator, bytes: Uint8Array): Promise<string> => {
  const connection = await openRawSocket(emulator.port)
  const request = Buffer.from(bytes).toString('latin1')
  connection.send(Buffer.from(request.replace('\r\n', '\r\nConnection: close\r\n'), 'latin1'))
  const response = await connection.receive()
  connection.socket.destroy()
  return response
}

const percentEncode = (bytes: Uint8Array): string =>
  [...bytes]
    .map((byte) => {
      const character = String.fromCharCode(byte)
      return /[\w.~-]/.test(character) ? character : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
    })
    .join('')

/** A signed PUT whose metadata has these bytes, signed step by step as on COS's page. */
const putWithMetadata = ({ credentials }: Emulator, key: string, value: Uint8Array): Buffer => {
  const { secretId, secretKey } = credentials
  const now = Math.floor(Date.now() / 1000)
  const time = `${String(now - 60)};${String(now + 600)}`
  const headers = `host=${host}&x-cos-meta-a=${percentEncode(value)}`
  const httpString = `put\n/${key}\n\n${headers}\n`
  const signKey = createHmac('sha1', secretKey).update(time).digest('hex')
  const text = `sha1\n${time}\n${createHash('sha1').update(httpString).digest('hex')}\n`
  const signature = createHmac('sha1', signKey).update(text).digest('hex')
  const fields = `q-sign-algorithm=sha1&q-ak=${secretId}&q-sign-time=${time}&q-key-time=${time}`
  const lists = `q-header-list=host;x-cos-meta-a&q-url-param-list=&q-signature=${signature}`
  return Buffer.concat([
    Buffer.from(`PUT /${key} HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 0\r\nx-cos-meta-a: `),
    value,
    Buffer.from(`\r\nAuthorization: ${fields}&${lists}\r\n\r\n`)
  ])
}

t.test('a signature covers the bytes of a header value, and GET returns the same bytes', async (t) => {
  for (const dir of [undefined, t.testdir()]) {
    const emulator = await startTestEmulator(t, dir === undefined ? {} : { dir })
    for (const [key, value] of [
      ['utf-8', Buffer.from('Müller 腾讯')],
      ['latin-1', Buffer.from('Müller', 'latin1')],
      ['neither', Buffer.from([0x61, 0xff, 0xfe, 0x80, 0x62])]
    ] as const) {
      t.match(await exchange(emulator, putWithMetadata(emulator, key, value)), /^HTTP\/1.1 200 /, key)
      const got = await exchange(emulator, Buffer.from(requestHead(emulator, { key })))
      t.equal(/\r\nx-cos-meta-a: ([^\r]*)\r\n/.exec(got)?.[1], value.toString('latin1'), key)
    }
  }
})

t.test('response-* parameters beyond ASCII are sent as UTF-8', async (t) => {
  const emulator = await startTestEmulator(t)
  await sendRequest(emulator, { method: 'PUT', key: 'k', body: 'x' })
  const name = 'attachment; filename=腾讯.txt'
  const query = { 'response-content-disposition': name }
  const got = await exchange(emulator, Buffer.from(requestHead(emulator, { key: 'k', query })))
  t.equal(/\r\nContent-Disposition: ([^\r]*)\r\n/.exec(got)?.[1], Buffer.from(name).toString('latin1'))
  const split = { 'response-content-type': 'a\r\nx: y' }
  t.match(await sendRequest(emulator, { key: 'k', query: split }), { status: 400, text: /InvalidArgument/ })
})

t.test('response headers have the spelling of COS', async (t) => {
  const emulator = await startTestEmulator(t)
  const headers = { 'x-cos-meta-a': '1', 'cache-control': 'no-store', 'content-language': 'de' }
  await sendRequest(emulator, { method: 'PUT', key: 'k', body: 'x', headers })
  const got = await exchange(emulator, Buffer.from(requestHead(emulator, { key: 'k' })))
  const names = got
    .slice(0, got.indexOf('\r\n\r\n'))
    .split('\r\n')
    .slice(1)
    .map((line) => line.slice(0, line.indexOf(':')))
  for (const name of [
    ...['Content-Type', 'Content-Length', 'ETag', 'Last-Modified', 'Accept-Ranges', 'Date', 'Server'],
    ...['Cache-Control', 'Content-Language', 'x-cos-meta-a', 'x-cos-hash-crc64ecma', 'x-cos-request-id']
  ])
    t.ok(names.includes(name), `${name} in ${names.join()}`)
  const range = await exchange(
    emulator,
    Buffer.from(requestHead(emulator, { key: 'k', headers: { range: 'bytes=0-0' } }))
  )
  t.match(range, /\r\nContent-Range: /)
})

t.test('a plus sign in a query is a space, in the value and in the signature', async (t) => {
  const emulator = await startTestEmulator(t)
  for (const key of ['a b/x', 'a+b/x']) await sendRequest(emulator, { method: 'PUT', key, body: 'x' })
  const list = (target: string, prefix: string) => sendRequest(emulator, { query: { prefix }, target })
  t.equal(readTag((await list('/?prefix=a+b/', 'a b/')).text, 'Key'), 'a b/x')
  t.equal(readTag((await list('/?prefix=a%2Bb/', 'a+b/')).text, 'Key'), 'a+b/x')
})

t.test('query names are matched without regard to case', async (t) => {
  const emulator = await startTestEmulator(t, { buckets: [{ name: bucket, versioning: 'Enabled' }] })
  const ids: Array<string> = []
  for (const body of ['one', 'two']) {
    const { headers } = await sendRequest(emulator, { method: 'PUT', key: 'k', body })
    ids.push(headers['x-cos-version-id'] ?? '')
  }
  const [first = '', second = ''] = ids
  t.equal((await sendRequest(emulator, { key: 'k', query: { VersionId: first } })).text, 'one')
  const deleted = await sendRequest(emulator, { method: 'DELETE', key: 'k', query: { VersionId: second } })
  t.match(deleted, { status: 204, headers: { 'x-cos-version-id': second } })
  t.equal(deleted.headers['x-cos-delete-marker'], undefined)
  t.equal((await sendRequest(emulator, { key: 'k' })).text, 'one', 'no delete marker was added')
  t.equal(readTag((await sendRequest(emulator, { query: { 'Max-Keys': '7' } })).text, 'MaxKeys'), '7')
  t.equal((await sendRequest(emulator, { key: 'k', query: { Tagging: '' } })).status, 200)
  t.match(
    emulator.requests().find(({ operation }) => operation === 'DeleteObject'),
    {
      query: { versionId: second }
    }
  )
})

t.test('a request without a body needs no Content-Length', async (t) => {
  const emulator = await startTestEmulator(t, { buckets: [bucket, 'other-1250000000'] })
  await sendRequest(emulator, { method: 'PUT', key: 'source', body: 'x' })
  const uploadId = await initiate(emulator, 'k')
  const copy = { 'x-cos-copy-source': `${host}/source` }
  for (const [name, input] of [
    ['copy', { method: 'PUT', key: 'copy', headers: copy }],
    ['initiate', { method: 'POST', key: 'k', query: { uploads: '' } }],
    ['part copy', { method: 'PUT', key: 'k', query: { partNumber: '1', uploadId }, headers: copy }],
    ['bucket', { method: 'PUT', bucket: 'third-1250000000' }]
  ] as const)
    t.match(await exchange(emulator, Buffer.from(requestHead(emulator, input))), /^HTTP\/1.1 200 /, name)
  for (const [name, input] of [
    ['put', { method: 'PUT', key: 'k' }],
    ['part', { method: 'PUT', key: 'k', query: { partNumber: '1', uploadId } }],
    ['complete', { method: 'POST', key: 'k', query: { uploadId } }]
  ] as const)
    t.match(await exchange(emulator, Buffer.from(requestHead(emulator, input))), /^HTTP\/1.1 411 /, name)
})

t.test('a request signed for S3 fails with a message that names the signature of COS', async (t) => {
  const emulator = await startTestEmulator(t)
  const authorization = 'AWS4-HMAC-SHA256 Credential=AKIDx/20240501/cos/s3/aws4_request, SignedHeaders=host'
  for (const input of [
    { key: 'k', credentials: null, headers: { authorization } },
    { key: 'k', credentials: null, query: { 'X-Amz-Algorithm': 'AWS4-HMAC-SHA256', 'X-Amz-Signature': '0' } }
  ]) {
    const { status, text } = await sendRequest(emulator, input)
    t.equal(status, 403)
    t.match(readTag(text, 'Message'), /S3 signature.*COS&apos;s own API.*COS SDK/)
  }
})
