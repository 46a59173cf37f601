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

const begun = async (
  t: Parameters<typeof startTestEmulator>[0],
  sizes: ReadonlyArray<number>,
  asked: Partial<RequestInput> = {}
) => {
  const emulator = await startTestEmulator(t)
  const uploadId = await initiate(emulator, key, asked)
  const etags: Array<string> = []
  for (const [at, size] of sizes.entries()) {
    const query = { partNumber: String(at + 1), uploadId }
    const told = await sendRequest(emulator, { method: 'PUT', key, query, body: Buffer.alloc(size, at) })
    etags.push(told.headers['etag'] ?? '')
  }
  const complete = (body: string, more: Partial<RequestInput> = {}): Promise<ReceivedResponse> =>
    sendRequest(emulator, { method: 'POST', key, query: { uploadId }, body, ...more })
  return { emulator, uploadId, etags, complete }
}

const listed = (...parts: ReadonlyArray<readonly [number | string, string]>): string =>
  `<CompleteMultipartUpload>${parts
    .map(([number, etag]) => `<Part><PartNumber>${String(number)}</PartNumber><ETag>${etag}</ETag></Part>`)
    .join('')}</CompleteMultipartUpload>`

t.test('a list that does not fit the parts completes nothing, and can be put right', async (t) => {
  const { emulator, etags, complete } = await begun(t, [mib, mib, 5])
  const [one = '', two = '', three = ''] = etags
  const cases: ReadonlyArray<readonly [string, string]> = [
    [listed([2, two], [1, one], [3, three]), 'InvalidPartOrder'],
    [listed([1, one], [1, one]), 'InvalidPartOrder'],
    [listed([1, one], [3, three]), 'InvalidPart'],
    [listed([2, two], [3, three]), 'InvalidPart'],
    [listed([1, one], [2, two], [3, three], [4, three]), 'InvalidPart'],
    [listed([1, two], [2, one], [3, three]), 'InvalidPart'],
    [listed(), 'MalformedXML'],
    [listed([0, one]), 'MalformedXML'],
    [listed(['one', one]), 'MalformedXML'],
    [listed([1, '']), 'MalformedXML'],
    ['<CompleteMultipartUpload>', 'MalformedXML'],
    ['', 'MissingRequestBodyError'],
    [`<CompleteMultipartUpload>${' '.repeat(mib)}</CompleteMultipartUpload>`, 'XMLSizeLimit']
  ]
  for (const [body, code] of cases)
    t.equal(readTag((await complete(body)).text, 'Code'), code, body.slice(0, 120))
  // ETags without quotes mean the same; parts that are not listed are left out.
  const done = await complete(listed([1, one.replaceAll('"', '')], [2, two]))
  t.equal(done.status, 200)
  t.equal((await sendRequest(emulator, { method: 'HEAD', key })).headers['content-length'], String(2 * mib))
  t.match(await complete(listed([1, one])), { status: 404, text: /NoSuchUpload/ }, 'an upload ends once')
})

t.test('only the last part may be small', async (t) => {
  const { etags, complete } = await begun(t, [mib - 1, mib, 1])
  t.match(await complete(completionXml(etags)), { status: 400, text: /EntityTooSmall/ })
})

t.test('ten thousand parts go in', async (t) => {
  const emulator = await startTestEmulator(t, { minPartSize: 1 })
  const uploadId = await initiate(emulator, key)
  const put = (number: number): Promise<ReceivedResponse> =>
    sendRequest(emulator, { method: 'PUT', key, query: { partNumber: String(number), uploadId }, body: 'x' })
  t.match(await put(10_001), { status: 400, text: /InvalidArgument/ })
  t.match(await put(0), { status: 400, text: /InvalidArgument/ })
  const last = await put(10_000)
  t.equal(last.status, 200)
  // The others are not worth ten thousand requests: what counts is that the list of them is not too long.
  const body = completionXml(Array.from({ length: 10_000 }, () => last.headers['etag'] ?? ''))
  t.ok(body.length > 850_000)
  const told = await sendRequest(emulator, { method: 'POST', key, query: { uploadId }, body })
  t.equal(readTag(told.text, 'Code'), 'InvalidPart')
})

t.test('an object that must not be overwritten is not', async (t) => {
  const { emulator, etags, complete } = await begun(t, [1])
  await sendRequest(emulator, { method: 'PUT', key, body: 'first' })
  const headers = { 'x-cos-forbid-overwrite': 'true' }
  t.match(await complete(completionXml(etags), { headers }), { status: 409, text: /FileAlreadyExists/ })
  t.equal((await sendRequest(emulator, { key })).text, 'first')
  t.equal((await complete(completionXml(etags))).status, 200)
})

t.test('of two completions at once one is too late', async (t) => {
  const { etags, complete } = await begun(t, [1])
  const both = await Promise.all([complete(completionXml(etags)), complete(completionXml(etags))])
  t.strictSame(both.map(({ status }) => status).toSorted(), [200, 404])
})

t.test('a part that comes after the end is for nothing', async (t) => {
  const { emulator, uploadId } = await begun(t, [1])
  const slow = async function* (): AsyncGenerator<Uint8Array, void, undefined> {
    yield Buffer.from('a')
    await sendRequest(emulator, { method: 'DELETE', key, query: { uploadId } })
    yield Buffer.from('b')
  }
  const told = await sendRequest(emulator, {
    method: 'PUT',
    key,
    query: { partNumber: '2', uploadId },
    headers: { 'content-length': '2' },
    body: slow()
  })
  t.match(told, { status: 404, text: /NoSuchUpload/ })
  t.equal((await sendRequest(emulator, { method: 'DELETE', key, query: { uploadId } })).status, 404)
})

t.test('the version is named, as PUT does not while versioning is suspended', async (t) => {
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

t.test('whom it would have to tell, it does not pass over in silence: the upload stays open', async (t) => {
  const { emulator, etags, complete } = await begun(t, [1])
  for (const name of ['x-cos-callback', 'pic-operations']) {
    const told = await complete(completionXml(etags), { headers: { [name]: 'e30=' } })
    t.match(told, { status: 501, text: /NotImplemented/ }, name)
  }
  t.equal((await sendRequest(emulator, { key })).status, 404)
  t.equal((await complete(completionXml(etags))).status, 200)
})
