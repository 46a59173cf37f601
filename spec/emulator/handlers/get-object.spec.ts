import t from 'tap'
import { waitFor } from '../../support/wait-for.js'
import { sendRequest, startTestEmulator, readTag } from '../../support/signed.js'

const key = 'k'
const text = '0123456789'

t.test('a range is 206 with the CRC64 of the whole object', async (t) => {
  const emulator = await startTestEmulator(t, { dir: t.testdir() })
  const put = await sendRequest(emulator, { method: 'PUT', key, body: text })
  const crc = put.headers['x-cos-hash-crc64ecma']
  const cases: ReadonlyArray<readonly [string, string, string]> = [
    ['bytes=0-0', '0', 'bytes 0-0/10'],
    ['bytes=2-4', '234', 'bytes 2-4/10'],
    ['bytes=7-', '789', 'bytes 7-9/10'],
    ['bytes=-2', '89', 'bytes 8-9/10'],
    ['bytes=5-500', '56789', 'bytes 5-9/10']
  ]
  for (const [range, part, where] of cases) {
    const response = await sendRequest(emulator, { key, headers: { range } })
    t.match(response, { status: 206, text: part }, range)
    t.match(response.headers, {
      'content-range': where,
      'content-length': String(part.length),
      'x-cos-hash-crc64ecma': crc,
      'accept-ranges': 'bytes'
    })
  }
  const beyond = await sendRequest(emulator, { key, headers: { range: 'bytes=10-' } })
  t.match(beyond, { status: 416, headers: { 'content-range': 'bytes */10' }, text: /InvalidRange/ })
  t.match(await sendRequest(emulator, { key, headers: { range: 'bytes=0-1,3-4' } }), { status: 200, text })
  await sendRequest(emulator, { method: 'PUT', key: 'empty', body: '' })
  t.match(await sendRequest(emulator, { key: 'empty' }), { status: 200, text: '' })
  t.equal((await sendRequest(emulator, { key: 'empty', headers: { range: 'bytes=0-' } })).status, 416)
})

t.test('conditions return 304 or 412', async (t) => {
  const emulator = await startTestEmulator(t)
  const etag = (await sendRequest(emulator, { method: 'PUT', key, body: text })).headers['etag'] ?? ''
  const past = 'Wed, 01 May 2019 00:00:00 GMT'
  const future = 'Wed, 01 May 2999 00:00:00 GMT'
  for (const method of ['GET', 'HEAD']) {
    const status = async (headers: Record<string, string>): Promise<number> =>
      (await sendRequest(emulator, { method, key, headers })).status
    t.equal(await status({ 'if-match': etag }), 200)
    t.equal(await status({ 'if-match': '"other"' }), 412)
    t.equal(await status({ 'if-none-match': '"other"' }), 200)
    t.equal(await status({ 'if-none-match': etag }), 304)
    t.equal(await status({ 'if-modified-since': past }), 200)
    t.equal(await status({ 'if-modified-since': future }), 304)
    t.equal(await status({ 'if-unmodified-since': future }), 200)
    t.equal(await status({ 'if-unmodified-since': past }), 412)
  }
  const unchanged = await sendRequest(emulator, { key, headers: { 'if-none-match': etag } })
  t.equal(unchanged.text, '')
  t.match(unchanged.headers, { etag, 'x-cos-hash-crc64ecma': /^\d+$/, 'x-cos-trace-id': /./ })
})

t.test('response-* parameters set headers of successful responses only', async (t) => {
  const emulator = await startTestEmulator(t)
  await sendRequest(emulator, { method: 'PUT', key, body: text, headers: { 'content-type': 'a/b' } })
  const names = [
    'content-type',
    'content-language',
    'expires',
    'cache-control',
    'content-disposition',
    'content-encoding'
  ]
  const query = Object.fromEntries(names.map((name) => [`response-${name}`, `chosen ${name}`]))
  const { headers } = await sendRequest(emulator, { key, query })
  for (const name of names) t.equal(headers[name], `chosen ${name}`)
  t.equal((await sendRequest(emulator, { key: 'absent', query })).headers['content-type'], 'application/xml')
})

t.test('a GET returns the bytes of its start if the object is replaced or deleted', async (t) => {
  for (const dir of [undefined, t.testdir()]) {
    const emulator = await startTestEmulator(t, {
      ...(dir === undefined ? {} : { dir }),
      fault: ({ operation }) => (operation === 'GetObject' ? { stall: { after: 3, pause: 200 } } : undefined)
    })
    await sendRequest(emulator, { method: 'PUT', key, body: text })
    const reading = sendRequest(emulator, { key })
    await waitFor(() => emulator.requests().length === 2)
    await sendRequest(emulator, { method: 'PUT', key, body: 'another' })
    t.equal((await reading).text, text)
    t.equal((await sendRequest(emulator, { key })).text, 'another')
  }
})

t.test('a version is read by its id; a delete marker is 404', async (t) => {
  const buckets = [{ name: 'examplebucket-1250000000', versioning: 'Enabled' as const }]
  const emulator = await startTestEmulator(t, { buckets })
  const ids: Array<string> = []
  for (const body of ['one', 'two'])
    ids.push((await sendRequest(emulator, { method: 'PUT', key, body })).headers['x-cos-version-id'] ?? '')
  const [first = '', second = ''] = ids
  t.match(await sendRequest(emulator, { key }), { text: 'two', headers: { 'x-cos-version-id': second } })
  t.equal((await sendRequest(emulator, { key, query: { versionId: first } })).text, 'one')
  const marker = (await sendRequest(emulator, { method: 'DELETE', key })).headers['x-cos-version-id'] ?? ''
  for (const query of [{}, { versionId: marker }]) {
    t.equal((await sendRequest(emulator, { key, query })).status, 404)
    t.equal((await sendRequest(emulator, { method: 'HEAD', key, query })).status, 404)
  }
  t.equal(
    readTag((await sendRequest(emulator, { key, query: { versionId: 'unknown' } })).text, 'Code'),
    'NoSuchVersion'
  )
  t.equal(
    (await sendRequest(emulator, { method: 'HEAD', key, query: { versionId: second } })).headers[
      'content-length'
    ],
    '3'
  )
})
