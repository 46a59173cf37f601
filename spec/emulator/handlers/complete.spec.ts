import t from 'tap'
import {
  type RequestInput,
  sendRequest,
  completionXml,
  startTestEmulator,
  initiate,
  readTag,
  type ReceivedResponse
} from '../../support/signed.js'

const key = 'k'
const mib = 1024 * 1024

const createUpload = async (
  t: Parameters<typeof startTestEmulator>[0],
  sizes: ReadonlyArray<number>,
  input: Partial<RequestInput> = {}
) => {
  const emulator = await startTestEmulator(t)
  const uploadId = await initiate(emulator, key, input)
  const etags: Array<string> = []
  for (const [at, size] of sizes.entries()) {
    const query = { partNumber: String(at + 1), uploadId }
    const response = await sendRequest(emulator, { method: 'PUT', key, query, body: Buffer.alloc(size, at) })
    etags.push(response.headers['etag'] ?? '')
  }
  const complete = (body: string, more: Partial<RequestInput> = {}): Promise<ReceivedResponse> =>
    sendRequest(emulator, { method: 'POST', key, query: { uploadId }, body, ...more })
  return { emulator, uploadId, etags, complete }
}

const listXml = (...parts: ReadonlyArray<readonly [number | string, string]>): string =>
  `<CompleteMultipartUpload>${parts
    .map(([number, etag]) => `<Part><PartNumber>${String(number)}</PartNumber><ETag>${etag}</ETag></Part>`)
    .join('')}</CompleteMultipartUpload>`

t.test('a completion with a wrong list fails and leaves the upload open', async (t) => {
  const { emulator, etags, complete } = await createUpload(t, [mib, mib, 5])
  const [one = '', two = '', three = ''] = etags
  const cases: ReadonlyArray<readonly [string, string]> = [
    [listXml([2, two], [1, one], [3, three]), 'InvalidPartOrder'],
    [listXml([1, one], [1, one]), 'InvalidPartOrder'],
    [listXml([1, one], [3, three]), 'InvalidPart'],
    [listXml([2, two], [3, three]), 'InvalidPart'],
    [listXml([1, one], [2, two], [3, three], [4, three]), 'InvalidPart'],
    [listXml([1, two], [2, one], [3, three]), 'InvalidPart'],
    [listXml(), 'MalformedXML'],
    [listXml([0, one]), 'MalformedXML'],
    [listXml(['one', one]), 'MalformedXML'],
    [listXml([1, '']), 'MalformedXML'],
    ['<CompleteMultipartUpload>', 'MalformedXML'],
    ['', 'MissingRequestBodyError'],
    [`<CompleteMultipartUpload>${' '.repeat(mib)}</CompleteMultipartUpload>`, 'XMLSizeLimit']
  ]
  for (const [body, code] of cases)
    t.equal(readTag((await complete(body)).text, 'Code'), code, body.slice(0, 120))
  // ETags are compared without quotes. Parts that are not listed are dropped.
  const done = await complete(listXml([1, one.replaceAll('"', '')], [2, two]))
  t.equal(done.status, 200)
  t.equal((await sendRequest(emulator, { method: 'HEAD', key })).headers['content-length'], String(2 * mib))
  t.match(
    await complete(listXml([1, one])),
    { status: 404, text: /NoSuchUpload/ },
    'a second completion finds no upload'
  )
})

t.test('a completion fails with EntityTooSmall if a part before the last is below the minimum', async (t) => {
  const { etags, complete } = await createUpload(t, [mib - 1, mib, 1])
  t.match(await complete(completionXml(etags)), { status: 400, text: /EntityTooSmall/ })
})

t.test('an upload can have 10,000 parts', async (t) => {
  const emulator = await startTestEmulator(t, { minPartSize: 1 })
  const uploadId = await initiate(emulator, key)
  const put = (number: number): Promise<ReceivedResponse> =>
    sendRequest(emulator, { method: 'PUT', key, query: { partNumber: String(number), uploadId }, body: 'x' })
  t.match(await put(10_001), { status: 400, text: /InvalidArgument/ })
  t.match(await put(0), { status: 400, text: /InvalidArgument/ })
  const last = await put(10_000)
  t.equal(last.status, 200)
  // The other parts are not uploaded, to save 10,000 requests: the list must not exceed the XML limit.
  const body = completionXml(Array.from({ length: 10_000 }, () => last.headers['etag'] ?? ''))
  t.ok(body.length > 850_000)
  const response = await sendRequest(emulator, { method: 'POST', key, query: { uploadId }, body })
  t.equal(readTag(response.text, 'Code'), 'InvalidPart')
})

t.test('x-cos-forbid-overwrite fails a completion', async (t) => {
  const { emulator, etags, complete } = await createUpload(t, [1])
  await sendRequest(emulator, { method: 'PUT', key, body: 'first' })
  const headers = { 'x-cos-forbid-overwrite': 'true' }
  t.match(await complete(completionXml(etags), { headers }), { status: 409, text: /FileAlreadyExists/ })
  t.equal((await sendRequest(emulator, { key })).text, 'first')
  t.equal((await complete(completionXml(etags))).status, 200)
})

t.test('of two parallel completions, one fails with NoSuchUpload', async (t) => {
  const { etags, complete } = await createUpload(t, [1])
  const both = await Promise.all([complete(completionXml(etags)), complete(completionXml(etags))])
  t.strictSame(both.map(({ status }) => status).toSorted(), [200, 404])
})

t.test('a part whose upload ends during its body fails with NoSuchUpload', async (t) => {
  const { emulator, uploadId } = await createUpload(t, [1])
  const slow = async function* (): AsyncGenerator<Uint8Array, void, undefined> {
    yield Buffer.from('a')
    await sendRequest(emulator, { method: 'DELETE', key, query: { uploadId } })
    yield Buffer.from('b')
  }
  const response = await sendRequest(emulator, {
    method: 'PUT',
    key,
    query: { partNumber: '2', uploadId },
    headers: { 'content-length': '2' },
    body: slow()
  })
  t.match(response, { status: 404, text: /NoSuchUpload/ })
  t.equal((await sendRequest(emulator, { method: 'DELETE', key, query: { uploadId } })).status, 404)
})

t.test('a completion returns x-cos-version-id even while versioning is suspended', async (t) => {
  for (const [versioning, id] of [
    ['Enabled', /^.{20,}$/],
    ['Suspended', /^null$/]
  ] as const) {
    const emulator = await startTestEmulator(t, {
      buckets: [{ name: 'examplebucket-1250000000', versioning }]
    })
    const uploadId = await initiate(emulator, key)
    const part = await sendRequest(emulator, {
      method: 'PUT',
      key,
      query: { partNumber: '1', uploadId },
      body: 'x'
    })
    const body = completionXml([part.headers['etag'] ?? ''])
    const done = await sendRequest(emulator, { method: 'POST', key, query: { uploadId }, body })
    t.match(done.headers['x-cos-version-id'], id)
  }
})

t.test('a completion with a callback fails with NotImplemented and leaves the upload open', async (t) => {
  const { emulator, etags, complete } = await createUpload(t, [1])
  for (const name of ['x-cos-callback', 'pic-operations']) {
    const response = await complete(completionXml(etags), { headers: { [name]: 'e30=' } })
    t.match(response, { status: 501, text: /NotImplemented/ }, name)
  }
  t.equal((await sendRequest(emulator, { key })).status, 404)
  t.equal((await complete(completionXml(etags))).status, 200)
})
