import { createHash } from 'node:crypto'
import { setTimeout } from 'node:timers/promises'
import t from 'tap'
import { crc64 } from '../../../lib/core/crc64.js'
import { waitFor } from '../../support/wait-for.js'
import { from } from '../../support/iterables.js'
import { isLongForm } from '../../support/long-form.js'
import { settlesWithin } from '../../support/settles-within.js'
import { requestHead, openRawSocket } from '../../support/raw-socket.js'
import { sendRequest, startTestEmulator, initiate, readTag } from '../../support/signed.js'

const put = { method: 'PUT', key: 'k' } as const
const md5 = (text: string): string => createHash('md5').update(text).digest('base64')

t.test("a body's hashes do not depend on its chunks", async (t) => {
  const emulator = await startTestEmulator(t, { dir: t.testdir() })
  const chunks = Array.from({ length: 50 }, (_, n) => Buffer.alloc(n * 997, n))
  const whole = Buffer.concat(chunks)
  const response = await sendRequest(emulator, {
    ...put,
    body: from(...chunks.filter(({ length }) => length > 0))
  })
  t.equal(response.status, 200, 'and its length need not be known')
  t.equal(response.headers['etag'], `"${createHash('md5').update(whole).digest('hex')}"`)
  t.equal(response.headers['x-cos-hash-crc64ecma'], String(await crc64(whole)))
  t.ok((await sendRequest(emulator, { key: 'k' })).body.equals(whole))
  t.match(emulator.requests()[0], { operation: 'PutObject', bytesIn: whole.length, status: 200 })
  t.match(emulator.requests()[1], { operation: 'GetObject', bytesOut: whole.length, status: 200 })
})

t.test('a wrong digest fails and stores nothing', async (t) => {
  const emulator = await startTestEmulator(t)
  const cases: ReadonlyArray<readonly [Record<string, string>, number, string | undefined]> = [
    [{ 'content-md5': md5('other') }, 400, 'BadDigest'],
    [{ 'content-md5': 'no digest' }, 400, 'InvalidDigest'],
    [{ 'content-md5': md5('body').slice(0, -2) }, 400, 'InvalidDigest'],
    [{ 'x-cos-content-sha1': '0'.repeat(40) }, 400, 'InvalidSHA1Digest'],
    [{ 'x-cos-traffic-limit': '819199' }, 400, 'InvalidArgument'],
    [{ 'x-cos-traffic-limit': '838860801' }, 400, 'InvalidArgument'],
    [{ 'x-cos-traffic-limit': 'fast' }, 400, 'InvalidArgument']
  ]
  for (const [headers, status, code] of cases) {
    const response = await sendRequest(emulator, { ...put, headers, body: 'body' })
    t.equal(response.status, status)
    t.equal(readTag(response.text, 'Code'), code)
  }
  t.equal((await sendRequest(emulator, { key: 'k' })).status, 404)
  const sha1 = createHash('sha1').update('body').digest('hex')
  const headers = { 'content-md5': md5('body'), 'x-cos-content-sha1': sha1 }
  t.equal((await sendRequest(emulator, { ...put, headers, body: 'body' })).status, 200)
})

t.test('PUT Object without a length fails with 411, and so does a chunked part', async (t) => {
  const emulator = await startTestEmulator(t)
  const uploadId = await initiate(emulator, 'k')
  const bare = async (input: Parameters<typeof requestHead>[1]): Promise<string> => {
    const talk = await openRawSocket(emulator.port)
    t.teardown(() => talk.socket.destroy())
    talk.send(requestHead(emulator, input))
    return talk.receive(/<\/Error>/)
  }
  t.match(await bare(put), /^HTTP\/1.1 411 [^]*<Code>MissingContentLength</)
  const part = { ...put, query: { partNumber: '1', uploadId } }
  t.equal((await sendRequest(emulator, { ...part, body: from(Buffer.from('x')) })).status, 411)
  t.equal((await sendRequest(emulator, { ...part, body: 'x' })).status, 200)
})

t.test('a truncated body fails with IncompleteBody and stores nothing', async (t) => {
  const emulator = await startTestEmulator(t)
  const talk = await openRawSocket(emulator.port)
  talk.send(`${requestHead(emulator, { ...put, headers: { 'content-length': '100' } })}too short`)
  // The client sends no more bytes, but still reads.
  talk.socket.end()
  t.match(await talk.receive(), /^HTTP\/1.1 400 [^]*x-cos-request-id[^]*<Code>IncompleteBody</)
  t.equal((await sendRequest(emulator, { key: 'k' })).status, 404)
  t.match(emulator.requests()[0], { operation: 'PutObject', status: 400, code: 'IncompleteBody', bytesIn: 9 })
})

t.test('a connection that ends within a body stores nothing', async (t) => {
  const dir = t.testdir()
  let hasStarted = false
  const emulator = await startTestEmulator(t, {
    dir,
    fault: () => {
      hasStarted = true
      return undefined
    }
  })
  const talk = await openRawSocket(emulator.port)
  talk.send(`${requestHead(emulator, { ...put, headers: { 'content-length': '100' } })}too short`)
  await waitFor(() => hasStarted)
  await setTimeout(50)
  talk.socket.resetAndDestroy()
  await waitFor(() => emulator.requests().length === 1)
  t.match(emulator.requests()[0], { status: 0 })
  t.equal((await sendRequest(emulator, { key: 'k' })).status, 404)
})

t.test('bytes beyond Content-Length are dropped', async (t) => {
  const emulator = await startTestEmulator(t)
  const talk = await openRawSocket(emulator.port)
  talk.send(`${requestHead(emulator, { ...put, headers: { 'content-length': '4' } })}bodyand more of it`)
  t.match(await talk.receive(), /^HTTP\/1.1 200 /)
  t.equal((await sendRequest(emulator, { key: 'k' })).text, 'body')
})

t.test('Expect: 100-continue gets 100, or the error without 100', async (t) => {
  const emulator = await startTestEmulator(t)
  const expectContinue = { expect: '100-continue', 'content-length': '4' }
  const talk = await openRawSocket(emulator.port)
  t.teardown(() => talk.socket.destroy())
  talk.send(requestHead(emulator, { ...put, headers: expectContinue }))
  t.match(await talk.receive(/\r\n\r\n/), /^HTTP\/1.1 100 Continue\r\n\r\n$/)
  talk.send('body')
  t.match(await talk.receive(/ETag|etag/), /HTTP\/1.1 200 /)

  const refused = await openRawSocket(emulator.port)
  refused.send(requestHead(emulator, { ...put, headers: expectContinue, bucket: 'nobodys-1250000000' }))
  const heard = await refused.receive()
  t.match(heard, /^HTTP\/1.1 404 [^]*connection: close[^]*NoSuchBucket/i)
  t.notMatch(heard, /100 Continue/)
})

t.test('the connection is reusable after an error', async (t) => {
  const emulator = await startTestEmulator(t)
  const talk = await openRawSocket(emulator.port)
  t.teardown(() => talk.socket.destroy())
  const body = 'x'.repeat(300_000)
  const headers = { 'content-length': String(body.length), 'content-md5': 'no digest' }
  talk.send(requestHead(emulator, { ...put, headers }) + body)
  t.match(await talk.receive(/<\/Error>/), /InvalidDigest/)
  talk.send(requestHead(emulator, { key: 'nothing' }))
  t.match(await talk.receive(/NoSuchKey/), /NoSuchKey/)
})

t.test('input that is not HTTP gets 400 InvalidRequest', async (t) => {
  const emulator = await startTestEmulator(t)
  const talk = await openRawSocket(emulator.port)
  talk.send('this is no request\r\n\r\n')
  t.match(await talk.receive(), /^HTTP\/1.1 400 [^]*InvalidRequest/)
})

t.test('x-cos-traffic-limit limits uploads and downloads', async (t) => {
  const emulator = await startTestEmulator(t)
  const body = Buffer.alloc(300 * 1024)
  // 200 KiB a second, of which the first tenth goes at once.
  const headers = { 'x-cos-traffic-limit': '1638400' }
  for (const input of [
    { ...put, headers, body },
    { key: 'k', query: headers }
  ]) {
    const start = performance.now()
    const response = sendRequest(emulator, input)
    t.ok(await settlesWithin(6000, response))
    t.equal((await response).status, 200)
    const took = performance.now() - start
    t.ok(took > 900, `${String(took)} ms`)
  }
})

t.test('an upload to disk does not hold the body in memory', async (t) => {
  const emulator = await startTestEmulator(t, { dir: t.testdir() })
  const size = (isLongForm ? 128 : 80) * 1024 * 1024
  const chunk = Buffer.alloc(64 * 1024, 1)
  let most = 0
  const before = process.memoryUsage().arrayBuffers
  const source = async function* (): AsyncGenerator<Uint8Array, void, undefined> {
    for (let sent = 0; sent < size; sent += chunk.length) {
      most = Math.max(most, process.memoryUsage().arrayBuffers - before)
      yield chunk
    }
  }
  const response = await sendRequest(emulator, {
    ...put,
    headers: { 'content-length': String(size) },
    body: source()
  })
  t.equal(response.status, 200)
  // Chunks that the collector has not come by yet are counted; a body kept in memory would be 80 MiB.
  t.ok(most < 64 * 1024 * 1024, `${String(most)} bytes`)
})
