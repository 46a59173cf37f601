import { createHash } from 'node:crypto'
import t from 'tap'
import { completionXml, sendRequest, startTestEmulator, initiate, readTag } from '../../support/signed.js'

const put = { method: 'PUT', key: 'k', body: 'x' } as const
const md5 = `"${createHash('md5').update('x').digest('hex')}"`
const sse = 'x-cos-server-side-encryption'
const customer = {
  [`${sse}-customer-algorithm`]: 'AES256',
  [`${sse}-customer-key`]: 'MDEyMzQ1Njc4OUFCQ0RFRjAxMjM0NTY3ODlBQkNERUY=',
  [`${sse}-customer-key-md5`]: 'U5L61r7jcwdNvT7frmUG8g=='
}

t.test('HEAD and GET return the attributes of the PUT', async (t) => {
  const emulator = await startTestEmulator(t)
  const headers = {
    'content-type': 'text/plain',
    'cache-control': 'no-cache',
    'content-disposition': 'attachment',
    'content-encoding': 'gzip',
    'content-language': 'zh-CN',
    expires: 'never',
    'x-cos-meta-color': '%E7%BA%A2',
    'x-cos-storage-class': 'INTELLIGENT_TIERING',
    'x-cos-tagging': 'a=1&b=%E8%85%BE'
  }
  await sendRequest(emulator, { ...put, headers })
  const { 'x-cos-tagging': _tags, ...stored } = headers
  const expected = { ...stored, 'x-cos-storage-tier': 'FREQUENT', 'x-cos-tagging-count': '2', etag: md5 }
  t.match((await sendRequest(emulator, { method: 'HEAD', key: 'k' })).headers, {
    ...expected,
    'content-length': '1'
  })
  t.match((await sendRequest(emulator, { key: 'k' })).headers, expected)

  await sendRequest(emulator, put)
  const replaced = (await sendRequest(emulator, { key: 'k' })).headers
  t.equal(replaced['content-type'], 'application/octet-stream')
  for (const name of Object.keys(stored))
    if (name !== 'content-type') t.equal(replaced[name], undefined, name)
})

t.test('the Content-Type of an upload without one is that of the suffix', async (t) => {
  const emulator = await startTestEmulator(t)
  const typeOf = async (key: string): Promise<string | undefined> =>
    (await sendRequest(emulator, { method: 'HEAD', key })).headers['content-type']
  // As the tests of COS's Node SDK expect: keys, and bodies that are no ZIP file.
  for (const [key, type] of [
    ['1.zip', 'application/zip'],
    ['dir.zip/1', 'application/octet-stream'],
    ['a.b/ARCHIVE.ZIP', 'application/zip'],
    ['1.unknown', 'application/octet-stream'],
    ['constructor.constructor', 'application/octet-stream'],
    ['1', 'application/octet-stream']
  ] as const) {
    await sendRequest(emulator, { method: 'PUT', key, body: '12345', headers: { 'content-type': '' } })
    t.equal(await typeOf(key), type, key)
  }
  await sendRequest(emulator, { method: 'PUT', key: '1.zip', body: 'x', headers: { 'content-type': 'a/b' } })
  t.equal(await typeOf('1.zip'), 'a/b')
  const uploadId = await initiate(emulator, '1.txt')
  const part = { method: 'PUT', key: '1.txt', query: { uploadId, partNumber: '1' }, body: 'x' }
  const { etag = '' } = (await sendRequest(emulator, part)).headers
  const body = completionXml([etag])
  await sendRequest(emulator, { method: 'POST', key: '1.txt', query: { uploadId }, body })
  t.equal(await typeOf('1.txt'), 'text/plain')
  const source = { 'x-cos-copy-source': 'examplebucket-1250000000.cos.ap-guangzhou.myqcloud.com/1.txt' }
  await sendRequest(emulator, {
    method: 'PUT',
    key: 'copy.zip',
    headers: { ...source, 'content-length': '0' }
  })
  t.equal(await typeOf('copy.zip'), 'text/plain', 'a copy has the type of its source')
})

t.test('a PUT with invalid attributes fails and stores nothing', async (t) => {
  const emulator = await startTestEmulator(t)
  const cases: ReadonlyArray<readonly [Record<string, string>, string]> = [
    [{ 'x-cos-storage-class': 'GLACIER' }, 'NotSupportedStorageClass'],
    [{ 'x-cos-storage-class': 'MAZ_STANDARD' }, 'MAZOperationNotSupportOnOAZBucket'],
    [{ 'x-cos-acl': 'everyone' }, 'InvalidArgument'],
    [{ 'x-cos-grant-read': '100000000001' }, 'InvalidArgument'],
    [{ 'x-cos-meta-under_score': '1' }, 'InvalidArgument'],
    [{ 'x-cos-meta-long': 'x'.repeat(4097) }, 'MetadataTooLarge'],
    [{ 'x-cos-tagging': 'a=1&a=2' }, 'InvalidTag'],
    [{ 'x-cos-tagging': '=1' }, 'InvalidTag'],
    [{ 'x-cos-tagging': '%' }, 'InvalidTag'],
    [{ 'x-cos-tagging': Array.from({ length: 11 }, (_, n) => `k${String(n)}=v`).join('&') }, 'InvalidTag'],
    [{ [sse]: 'DES' }, 'InvalidArgument'],
    [{ [sse]: 'cos/kms', [`${sse}-context`]: 'bm90IGpzb24=' }, 'InvalidArgument'],
    [{ ...customer, [sse]: 'AES256' }, 'InvalidArgument'],
    [{ ...customer, [`${sse}-customer-key-md5`]: 'AAAAAAAAAAAAAAAAAAAAAA==' }, 'SsecDecryptHeaderInvalid'],
    [{ ...customer, [`${sse}-customer-key`]: 'c2hvcnQ=' }, 'SsecDecryptHeaderInvalid'],
    [{ [`${sse}-customer-algorithm`]: 'AES256' }, 'SsecDecryptHeaderInvalid']
  ]
  for (const [headers, code] of cases)
    t.equal(
      readTag((await sendRequest(emulator, { ...put, headers })).text, 'Code'),
      code,
      JSON.stringify(headers).slice(0, 80)
    )
  t.equal((await sendRequest(emulator, { key: 'k' })).status, 404)
})

t.test('a PUT of more than 5 GiB fails before its body is read', async (t) => {
  const emulator = await startTestEmulator(t)
  const headers = { 'content-length': String(5 * 1024 ** 3 + 1), expect: '100-continue' }
  const response = await sendRequest(emulator, { ...put, headers, body: '' })
  t.match(response, { status: 400, text: /EntityTooLarge/ })
})

t.test('x-cos-forbid-overwrite applies only without versioning', async (t) => {
  const buckets = [
    'examplebucket-1250000000',
    { name: 'versioned-1250000000', versioning: 'Enabled' as const }
  ]
  const emulator = await startTestEmulator(t, { buckets })
  const headers = { 'x-cos-forbid-overwrite': 'true' }
  t.equal((await sendRequest(emulator, { ...put, headers })).status, 200)
  t.match(await sendRequest(emulator, { ...put, headers, body: 'y' }), {
    status: 409,
    text: /FileAlreadyExists/
  })
  t.equal((await sendRequest(emulator, { key: 'k' })).text, 'x')
  await sendRequest(emulator, { method: 'DELETE', key: 'k' })
  const both = await Promise.all(['1', '2'].map((body) => sendRequest(emulator, { ...put, headers, body })))
  t.strictSame(both.map(({ status }) => status).toSorted(), [200, 409], 'one of two parallel writes succeeds')
  const bucket = 'versioned-1250000000'
  for (const body of ['1', '2'])
    t.equal((await sendRequest(emulator, { ...put, bucket, headers, body })).status, 200)
})

t.test("encryption headers are returned, and reads require the customer's key", async (t) => {
  const emulator = await startTestEmulator(t)
  const response = await sendRequest(emulator, { ...put, headers: { [sse]: 'AES256' } })
  t.match(response.headers, { [sse]: 'AES256', etag: md5 })
  const kms = { [sse]: 'cos/kms', [`${sse}-cos-kms-key-id`]: 'mine', [`${sse}-context`]: 'e30=' }
  const { etag, ...echoed } = (await sendRequest(emulator, { ...put, key: 'kms', headers: kms })).headers
  t.match(echoed, { [sse]: 'cos/kms', [`${sse}-cos-kms-key-id`]: 'mine' })
  t.match(etag, /^"[0-9a-f]{32}"$/)
  t.not(etag, md5, 'the ETag is not the MD5')

  const own = await sendRequest(emulator, { ...put, key: 'own', headers: customer })
  t.match(own.headers, {
    [`${sse}-customer-algorithm`]: 'AES256',
    [`${sse}-customer-key-md5`]: 'U5L61r7jcwdNvT7frmUG8g=='
  })
  t.not(own.headers['etag'], md5)
  t.equal((await sendRequest(emulator, { key: 'own', headers: customer })).text, 'x')
  const other = Buffer.alloc(32, 7)
  const wrong = {
    ...customer,
    [`${sse}-customer-key`]: other.toString('base64'),
    [`${sse}-customer-key-md5`]: createHash('md5').update(other).digest('base64')
  }
  for (const method of ['GET', 'HEAD'])
    for (const headers of [{}, wrong])
      t.equal((await sendRequest(emulator, { method, key: 'own', headers })).status, 400)
  t.equal(
    (await sendRequest(emulator, { key: 'k', headers: customer })).status,
    400,
    'nor is one input for that none gave'
  )
  t.match(await sendRequest(emulator, { key: 'k', headers: { [sse]: 'AES256' } }), {
    text: /SSEHeaderNotAllowed/
  })

  const uploadId = await initiate(emulator, 'parts', { headers: customer })
  const part = { method: 'PUT', key: 'parts', query: { partNumber: '1', uploadId }, body: 'x' } as const
  t.equal((await sendRequest(emulator, part)).status, 400)
  t.equal((await sendRequest(emulator, { ...part, headers: wrong })).status, 400)
  t.equal((await sendRequest(emulator, { ...part, headers: customer })).status, 200)
  t.notMatch(JSON.stringify(emulator.requests()), customer[`${sse}-customer-key`])
})
