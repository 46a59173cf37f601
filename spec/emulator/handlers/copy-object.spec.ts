import { createHash } from 'node:crypto'
import t from 'tap'
import { crc64 } from '../../../lib/core/crc64.js'
import {
  sendRequest,
  type RequestInput,
  completionXml,
  startTestEmulator,
  initiate,
  readTag,
  type ReceivedResponse
} from '../../support/signed.js'

const bucket = 'examplebucket-1250000000'
const other = 'other-1250000000'
const host = `${bucket}.cos.ap-guangzhou.myqcloud.com`
const from = (path: string, headers: Record<string, string> = {}): Record<string, string> => ({
  'content-length': '0',
  'x-cos-copy-source': `${host}/${path}`,
  ...headers
})
const sse = 'x-cos-server-side-encryption'
const buckets = [bucket, { name: other, versioning: 'Enabled' as const }]

t.test('a copy keeps bytes and headers, but not storage class, ACL and encryption', async (t) => {
  for (const dir of [undefined, t.testdir()]) {
    const emulator = await startTestEmulator(t, { buckets, ...(dir === undefined ? {} : { dir }) })
    const copied = { 'x-cos-meta-a': '1', 'content-type': 'text/plain', 'x-cos-tagging': 'a=1' }
    const notCopied = { 'x-cos-storage-class': 'STANDARD_IA', 'x-cos-acl': 'public-read', [sse]: 'AES256' }
    const put = await sendRequest(emulator, {
      method: 'PUT',
      key: '源 +1',
      body: 'bytes',
      headers: { ...copied, ...notCopied }
    })
    const source = encodeURIComponent('源 +1')
    const response = await sendRequest(emulator, {
      method: 'PUT',
      bucket: other,
      key: 'copy',
      headers: from(source)
    })
    t.equal(response.status, 200)
    t.equal(response.headers['content-length'], undefined, 'the response is chunked')
    t.equal(readTag(response.text, 'ETag'), put.headers['etag']?.replaceAll('"', '&quot;'))
    t.equal(readTag(response.text, 'CRC64'), String(await crc64(Buffer.from('bytes'))))
    t.match(readTag(response.text, 'LastModified'), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)
    t.equal(readTag(response.text, 'VersionId'), response.headers['x-cos-version-id'])
    await sendRequest(emulator, { method: 'DELETE', key: '源 +1' })
    const copy = await sendRequest(emulator, { bucket: other, key: 'copy' })
    t.equal(copy.text, 'bytes', 'the copy exists after its source is deleted')
    t.match(copy.headers, { 'x-cos-meta-a': '1', 'content-type': 'text/plain', 'x-cos-tagging-count': '1' })
    t.notOk(copy.headers['x-cos-storage-class'] ?? copy.headers[sse])
    t.equal((await sendRequest(emulator, { bucket: other, key: 'copy', credentials: null })).status, 403)
  }
})

t.test('the Replaced directives replace all headers and all tags', async (t) => {
  const emulator = await startTestEmulator(t)
  await sendRequest(emulator, {
    method: 'PUT',
    key: 'k',
    body: 'x',
    headers: { 'x-cos-meta-a': '1', 'x-cos-tagging': 'a=1' }
  })
  const headers = from('k', {
    'x-cos-metadata-directive': 'Replaced',
    'x-cos-tagging-directive': 'Replaced',
    'x-cos-meta-b': '2',
    'x-cos-storage-class': 'STANDARD_IA'
  })
  t.equal(
    (await sendRequest(emulator, { method: 'PUT', key: 'k', headers })).status,
    200,
    'the source may be the target'
  )
  const got = (await sendRequest(emulator, { key: 'k' })).headers
  t.match(got, { 'x-cos-meta-b': '2', 'x-cos-storage-class': 'STANDARD_IA' })
  t.notOk(got['x-cos-meta-a'] ?? got['x-cos-tagging-count'])
  const withoutDirective = await sendRequest(emulator, { method: 'PUT', key: 'k', headers: from('k') })
  t.match(
    withoutDirective,
    { status: 400, text: /InvalidRequest/ },
    'without Replaced, copying onto itself fails'
  )
})

t.test('the copy of an object without an MD5 ETag has none either', async (t) => {
  const emulator = await startTestEmulator(t)
  const uploadId = await initiate(emulator, 'parts')
  const part = await sendRequest(emulator, {
    method: 'PUT',
    key: 'parts',
    query: { partNumber: '1', uploadId },
    body: 'x'
  })
  const body = completionXml([part.headers['etag'] ?? ''])
  await sendRequest(emulator, { method: 'POST', key: 'parts', query: { uploadId }, body })
  await sendRequest(emulator, { method: 'PUT', key: 'whole', body: 'x' })
  const md5 = `&quot;${createHash('md5').update('x').digest('hex')}&quot;`
  const etag = async (path: string, headers = {}): Promise<string | undefined> =>
    readTag(
      (await sendRequest(emulator, { method: 'PUT', key: 'copy', headers: from(path, headers) })).text,
      'ETag'
    )
  t.equal(await etag('whole'), md5)
  t.equal(await etag('whole', { [sse]: 'AES256' }), md5)
  t.not(await etag('whole', { [sse]: 'cos/kms' }), md5)
  t.match(await etag('parts'), /^&quot;[0-9a-f]{32}-1&quot;$/)
})

t.test("a copy fails with COS's code if its source is not valid", async (t) => {
  const emulator = await startTestEmulator(t, {
    buckets: [...buckets, 'third-1250000000'],
    seed: [{ bucket, key: 'huge', size: 5 * 1024 ** 3 + 1 }]
  })
  await sendRequest(emulator, { method: 'PUT', key: 'k', body: 'x' })
  await sendRequest(emulator, {
    method: 'PUT',
    key: 'cold',
    body: 'x',
    headers: { 'x-cos-storage-class': 'ARCHIVE' }
  })
  await sendRequest(emulator, { method: 'PUT', bucket: other, key: 'gone', body: 'x' })
  const marked = await sendRequest(emulator, { method: 'DELETE', bucket: other, key: 'gone' })
  const marker = marked.headers['x-cos-version-id'] ?? ''
  const elsewhere = `${other}.cos.ap-guangzhou.myqcloud.com`
  const cases: ReadonlyArray<readonly [string, number, string]> = [
    [`${host}/absent`, 404, 'NoSuchKey'],
    ['nobodys-1250000000.cos.x.myqcloud.com/k', 404, 'NoSuchBucket'],
    [`${host}/k?versionId=unknown`, 404, 'NoSuchVersion'],
    [`${elsewhere}/gone`, 404, 'NoSuchKey'],
    [`${elsewhere}/gone?versionId=${marker}`, 400, 'InvalidRequest'],
    [`${host}/cold`, 403, 'InvalidObjectState'],
    [`${host}/huge`, 400, 'EntityTooLarge'],
    [`https://${host}/k`, 400, 'InvalidCopySource'],
    [`${host}/`, 400, 'InvalidCopySource'],
    ['k', 400, 'InvalidCopySource'],
    [`${host}/%ff`, 400, 'InvalidCopySource']
  ]
  const copy = (source: string, input: RequestInput = {}): Promise<ReceivedResponse> =>
    sendRequest(emulator, {
      method: 'PUT',
      key: 'copy',
      headers: { 'content-length': '0', 'x-cos-copy-source': source },
      ...input
    })
  for (const [source, status, code] of cases) {
    const response = await copy(source)
    t.strictSame([response.status, readTag(response.text, 'Code')], [status, code], source)
  }
  for (const source of [`/${bucket}/k`, `${bucket}.cos.accelerate.tencentcos.cn/k`])
    t.equal((await copy(source)).status, 200, source)
  const directive = { 'x-cos-metadata-directive': 'REPLACE' }
  t.equal((await copy(`${host}/k`, { headers: from('k', directive) })).status, 400)
  const forbid = from('k', { 'x-cos-forbid-overwrite': 'true' })
  t.equal((await copy('', { headers: forbid })).status, 409)
})

t.test('a copy reads one version of its source, under conditions', async (t) => {
  const emulator = await startTestEmulator(t, { buckets })
  const first = await sendRequest(emulator, { method: 'PUT', bucket: other, key: 'k', body: 'one' })
  await sendRequest(emulator, { method: 'PUT', bucket: other, key: 'k', body: 'two' })
  const id = first.headers['x-cos-version-id'] ?? ''
  const source = `${other}.cos.ap-guangzhou.myqcloud.com/k?versionId=${id}`
  const copy = (headers: Record<string, string>): Promise<ReceivedResponse> =>
    sendRequest(emulator, {
      method: 'PUT',
      bucket: other,
      key: 'k',
      headers: { 'content-length': '0', 'x-cos-copy-source': source, ...headers }
    })
  const etag = first.headers['etag'] ?? ''
  for (const [name, value] of [
    ['if-match', '"other"'],
    ['if-none-match', etag],
    ['if-modified-since', 'Wed, 01 May 2999 00:00:00 GMT'],
    ['if-unmodified-since', 'Wed, 01 May 2019 00:00:00 GMT']
  ] as const)
    t.match(
      await copy({ [`x-cos-copy-source-${name}`]: value }),
      { status: 412, text: /PreconditionFailed/ },
      name
    )
  const response = await copy({ 'x-cos-copy-source-if-match': etag })
  t.match(response, { status: 200, headers: { 'x-cos-copy-source-version-id': id } })
  t.equal(
    (await sendRequest(emulator, { bucket: other, key: 'k' })).text,
    'one',
    'an old version becomes the latest'
  )
})
