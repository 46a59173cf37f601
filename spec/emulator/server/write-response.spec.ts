/** Faults. */
import { request } from 'node:http'
import t from 'tap'
import { script, type Fault, type Rule } from '../../../lib/emulator/index.js'
import { requestHead, openRawSocket } from '../../support/raw-socket.js'
import {
  sendRequest,
  completionXml,
  startTestEmulator,
  initiate,
  toHttpOptions,
  readTag
} from '../../support/signed.js'

const key = 'k'
const put = { method: 'PUT', key, body: 'twelve bytes' } as const

const errorCode = (thrown: unknown): string =>
  thrown instanceof Error && 'code' in thrown ? String(thrown.code) : String(thrown)

/** An emulator with one object, which applies the fault once. */
const startFaulty = async (
  t: Parameters<typeof startTestEmulator>[0],
  fault: Fault,
  rule: Partial<Rule> = {}
) => {
  const emulator = await startTestEmulator(t, {
    fault: script([
      { where: ({ count, operation }) => operation !== 'PutObject' || count > 1, ...rule, fault, times: 1 }
    ])
  })
  await sendRequest(emulator, put)
  return emulator
}

t.test('a fault replaces the response, once', async (t) => {
  const emulator = await startFaulty(t, {
    response: { status: 503, code: 'SlowDown', message: 'Later & later', headers: { 'retry-after': '1' } }
  })
  const response = await sendRequest(emulator, { key })
  t.equal(response.status, 503)
  t.match(
    [readTag(response.text, 'Code'), readTag(response.text, 'Message')],
    ['SlowDown', 'Later &amp; later']
  )
  t.equal(readTag(response.text, 'RequestId'), response.headers['x-cos-request-id'])
  t.equal(response.headers['retry-after'], '1')
  t.equal((await sendRequest(emulator, { key })).status, 200, 'once')
})

t.test('a fault with requestId: false responds without x-cos-request-id', async (t) => {
  const bodies: ReadonlyArray<readonly [NonNullable<Fault['response']>, string]> = [
    [{ status: 502, body: '<html>Bad gateway', contentType: 'text/html' }, '<html>Bad gateway'],
    [{ status: 503 }, ''],
    [{ status: 403, body: '{"code":1}', contentType: 'application/json' }, '{"code":1}'],
    [{ status: 302, headers: { location: 'http://elsewhere.example/' } }, '']
  ]
  for (const [injected, text] of bodies) {
    const emulator = await startFaulty(t, { response: { ...injected, requestId: false } })
    const response = await sendRequest(emulator, { key })
    t.equal(response.status, injected.status)
    t.equal(response.text, text)
    t.equal(response.headers['x-cos-request-id'], undefined)
  }
})

t.test(
  "'performed' performs the request and returns an error; 'early' returns it before the body",
  async (t) => {
    const failure = { status: 500, code: 'InternalError' }
    const performed = await startFaulty(t, { response: { ...failure, when: 'performed' } })
    t.equal((await sendRequest(performed, { ...put, body: 'new' })).status, 500)
    t.equal((await sendRequest(performed, { key })).text, 'new')

    const unperformed = await startFaulty(t, { response: failure })
    t.equal((await sendRequest(unperformed, { ...put, body: 'new' })).status, 500)
    t.equal((await sendRequest(unperformed, { key })).text, put.body)

    const early = await startFaulty(t, { response: { ...failure, when: 'early' } })
    const connection = await openRawSocket(early.port)
    t.teardown(() => connection.socket.destroy())
    connection.send(requestHead(early, { method: 'PUT', key, headers: { 'content-length': '1000000' } }))
    t.match(await connection.receive(/<\/Error>/), /^HTTP\/1.1 500 /, 'before the first byte of the body')
  }
)

t.test('cut ends the connection in the request, before the response or in its body', async (t) => {
  const lost = ['ECONNRESET', 'EPIPE']
  const request = await startFaulty(t, { cut: { at: 'request', after: 5 } })
  t.ok(lost.includes(await sendRequest(request, { ...put, body: 'new' }).then(String, errorCode)))
  t.match(request.requests()[1], { status: 0, bytesIn: 3 })
  t.equal((await sendRequest(request, { key })).text, put.body, 'the request is not performed')

  const head = await startFaulty(t, { cut: { at: 'head' } })
  t.ok(lost.includes(await sendRequest(head, { ...put, body: 'new' }).then(String, errorCode)))
  t.match(head.requests()[1], { status: 0 })
  t.equal((await sendRequest(head, { key })).text, 'new', 'the request is performed')

  for (const after of [0, 5]) {
    const body = await startFaulty(t, { cut: { at: 'body', after } })
    const connection = await openRawSocket(body.port)
    connection.send(requestHead(body, { key }))
    const received = await connection.receive()
    t.match(received, /^HTTP\/1.1 200 [^]*content-length: 12/i)
    t.equal(received.split('\r\n\r\n')[1], put.body.slice(0, after))
  }

  const half = await startFaulty(t, { cut: { at: 'head', after: 12 } })
  const connection = await openRawSocket(half.port)
  connection.send(requestHead(half, { key }))
  t.equal(await connection.receive(), 'HTTP/1.1 200')

  const reset = await startFaulty(t, { cut: { at: 'head' }, reset: true })
  t.equal(await sendRequest(reset, { key }).then(String, errorCode), 'ECONNRESET')
})

t.test('delay, stall and dribble slow a response down', async (t) => {
  const timeFault = async (fault: Fault): Promise<{ readonly took: number; readonly text: string }> => {
    const emulator = await startFaulty(t, fault)
    const start = performance.now()
    const { text } = await sendRequest(emulator, { key })
    return { took: performance.now() - start, text }
  }
  for (const fault of [
    { delay: 100 },
    { stall: { after: 0, pause: 100 } },
    { stall: { after: 7, pause: 100 } },
    { stall: { after: 11, pause: 100 } },
    { dribble: { size: 3, pause: 35 } }
  ]) {
    const { took, text } = await timeFault(fault)
    t.equal(text, put.body)
    t.ok(took >= 95, `${JSON.stringify(fault)} took ${String(took)} ms`)
  }

  const emulator = await startFaulty(t, { dribble: { size: 6, pause: 1000 } })
  const pieces = await new Promise<ReadonlyArray<string>>((resolve) => {
    const chunks: Array<string> = []
    request(toHttpOptions(emulator, { key }), (response) => {
      response.on('data', (chunk) => chunks.push(String(chunk)))
      response.on('end', () => resolve(chunks))
    }).end()
  })
  t.strictSame(pieces, ['twelve', ' bytes'])
})

t.test('flip, shorten, headers and ignoreRange falsify a response', async (t) => {
  const changed = await startFaulty(t, { headers: { 'x-cos-hash-crc64ecma': '1', etag: null } })
  const { headers } = await sendRequest(changed, { key })
  t.equal(headers['x-cos-hash-crc64ecma'], '1')
  t.equal(headers['etag'], undefined)

  const flipped = await sendRequest(await startFaulty(t, { flip: 0 }), { key })
  t.equal(flipped.body[0], 't'.charCodeAt(0) ^ 0xff)
  t.equal(flipped.text.slice(-11), put.body.slice(1))

  const whole = await sendRequest(await startFaulty(t, { ignoreRange: true }), {
    key,
    headers: { range: 'bytes=0-1' }
  })
  t.match(whole, { status: 200, text: put.body })

  const short = await sendRequest(await startFaulty(t, { shorten: 4 }), { key })
  t.match(short, { status: 200, text: 'twel', headers: { 'content-length': '4' } })
})

t.test('error fails a completion inside its 200; keepAlive sends white space first', async (t) => {
  const complete = async (fault: Fault): Promise<string> => {
    const emulator = await startTestEmulator(t, {
      fault: script([{ operation: 'CompleteMultipartUpload', fault, times: 1 }])
    })
    const uploadId = await initiate(emulator, key)
    const part = await sendRequest(emulator, {
      method: 'PUT',
      key,
      query: { partNumber: '1', uploadId },
      body: 'x'
    })
    const body = completionXml([part.headers['etag'] ?? ''])
    const response = await sendRequest(emulator, { method: 'POST', key, query: { uploadId }, body })
    t.equal(response.status, 200)
    t.equal((await sendRequest(emulator, { key })).text, 'x', 'the completion is performed')
    return response.text
  }
  t.equal(readTag(await complete({ error: { code: 'InternalError' } }), 'Code'), 'InternalError')
  const slow = await complete({ keepAlive: { bytes: 4, pause: 5 } })
  t.ok(slow.startsWith(' \r\n <?xml'))
  t.ok(readTag(slow, 'ETag'))
})

t.test('script applies the first matching rule, and respects skip and times', async (t) => {
  const emulator = await startTestEmulator(t, {
    fault: script([
      { operation: 'GetObject', key: 'a', times: 1, fault: { response: { status: 500 } } },
      { operation: 'GetObject', skip: 1, times: 2, fault: { response: { status: 503 } } },
      { query: { versionId: 'v' }, fault: { response: { status: 504 } } },
      { method: 'DELETE', bucket: 'examplebucket-1250000000', fault: { response: { status: 505 } } }
    ])
  })
  const statuses: Array<number> = []
  for (const key of ['a', 'b', 'a', 'a', 'a']) statuses.push((await sendRequest(emulator, { key })).status)
  t.strictSame(statuses, [500, 404, 503, 503, 404])
  t.equal((await sendRequest(emulator, { key, query: { versionId: 'v' } })).status, 504)
  t.equal((await sendRequest(emulator, { method: 'DELETE', key })).status, 505)
})

t.test('a fault function that throws results in a 500', async (t) => {
  const emulator = await startTestEmulator(t, {
    fault: () => {
      throw new Error('a defect')
    }
  })
  t.match(await sendRequest(emulator, { key }), { status: 500, text: /a defect/ })
})
