import { createHash } from 'node:crypto'
import t from 'tap'
import type { Emulator } from '../../../lib/emulator/index.js'
import {
  type ReceivedResponse,
  type RequestInput,
  readTag,
  readTags,
  sendRequest,
  startTestEmulator,
  statusAndCode
} from '../../support/signed.js'

type Headers = Readonly<Record<string, string>>

const bucket = 'examplebucket-1250000000'
const host = `${bucket}.cos.ap-guangzhou.myqcloud.com`

const put = (
  emulator: Emulator,
  key: string,
  body: string,
  headers: Headers = {}
): Promise<ReceivedResponse> => sendRequest(emulator, { method: 'PUT', key, body, headers })

const putLink = (
  emulator: Emulator,
  key: string,
  target: string,
  headers: Headers = {},
  credentials: Emulator['credentials'] | null = emulator.credentials
): Promise<ReceivedResponse> =>
  sendRequest(emulator, {
    ...{ method: 'PUT', key, query: { symlink: '' }, credentials },
    headers: { 'content-length': '0', 'x-cos-symlink-target': target, ...headers }
  })

const getLink = (emulator: Emulator, key: string, query: Headers = {}): Promise<ReceivedResponse> =>
  sendRequest(emulator, { key, query: { symlink: '', ...query } })

const get = (emulator: Emulator, key: string, input: RequestInput = {}): Promise<ReceivedResponse> =>
  sendRequest(emulator, { ...input, key })

const md5 = (text: string): string => createHash('md5').update(text).digest('hex')

t.test('GET and HEAD of a link return the content and the headers of its target', async (t) => {
  const emulator = await startTestEmulator(t)
  const type = { 'content-type': 'text/plain', 'x-cos-meta-color': 'red' }
  const written = await put(emulator, 'dir/target.txt', 'hello', type)
  const linked = await putLink(emulator, 'link', 'dir/target.txt', { 'x-cos-meta-color': 'blue' })
  t.match(linked, { status: 200, text: '', headers: { etag: `"${md5('dir/target.txt')}"` } })
  t.notOk(linked.headers['x-cos-hash-crc64ecma'], 'a link has no CRC64')
  const { 'x-cos-hash-crc64ecma': crc64, etag } = written.headers
  const expected = { ...type, etag, 'x-cos-hash-crc64ecma': crc64, 'content-length': '5' }
  t.match(await get(emulator, 'link'), { status: 200, text: 'hello', headers: expected })
  t.match(await get(emulator, 'link', { method: 'HEAD' }), { status: 200, text: '', headers: expected })
  t.match(await get(emulator, 'link', { headers: { range: 'bytes=1-2' } }), { status: 206, text: 'el' })
  t.equal((await get(emulator, 'link', { headers: { 'if-none-match': etag ?? '' } })).status, 304)
  await put(emulator, 'dir/target.txt', 'changed')
  t.equal((await get(emulator, 'link')).text, 'changed', 'of the latest version of the target')
})

t.test('GET symlink returns the target and the headers of the link', async (t) => {
  const emulator = await startTestEmulator(t, { buckets: [{ name: bucket, acl: 'public-read-write' }] })
  await put(emulator, 'a b/腾', 'hello')
  // The Python and Java SDKs send the key as it is, in UTF-8; the Go SDK percent-encodes it, slashes included.
  for (const target of [Buffer.from('a b/腾').toString('latin1'), 'a%20b%2F%E8%85%BE']) {
    const headers = { 'x-cos-meta-color': 'blue', 'x-cos-tagging': 'a=1' }
    // Unsigned: the helper signs text, not bytes.
    await putLink(emulator, 'link', target, headers, null)
    const link = await getLink(emulator, 'link')
    t.match(link, { status: 200, text: '', headers: { 'content-length': '0', etag: `"${md5('a b/腾')}"` } })
    t.match(link.headers, {
      ...{ 'x-cos-symlink-target': target, 'x-cos-meta-color': 'blue', 'x-cos-tagging-count': '1' },
      'last-modified': /GMT$/
    })
    t.equal((await get(emulator, 'link')).text, 'hello')
  }
  t.equal(statusAndCode(await getLink(emulator, 'a b/腾')), '400 NotSymlink')
  t.equal(statusAndCode(await getLink(emulator, 'absent')), '404 NoSuchKey')
})

t.test('the Content-Type of a link is that of the suffix of its target, or of its key', async (t) => {
  const emulator = await startTestEmulator(t)
  for (const [key, target, type] of [
    ['a.txt', 'b.jpeg', 'image/jpeg'],
    ['a.txt', 'b', 'text/plain'],
    ['a', 'b', 'application/octet-stream']
  ] as const) {
    await putLink(emulator, key, target)
    t.equal((await getLink(emulator, key)).headers['content-type'], type, `${key} to ${target}`)
  }
})

t.test('a link is listed with its own size and ETag, and is deleted without its target', async (t) => {
  const emulator = await startTestEmulator(t)
  await put(emulator, 'target', 'hello world')
  await putLink(emulator, 'link', 'target')
  const { text } = await sendRequest(emulator, {})
  t.strictSame(readTags(text, 'Key'), ['link', 'target'])
  t.strictSame(readTags(text, 'Size'), ['6', '11'])
  t.strictSame(readTags(text, 'StorageClass'), ['STANDARD', 'STANDARD'])
  t.equal(readTag(text, 'ETag')?.replaceAll('&quot;', ''), md5('target'))
  t.equal((await sendRequest(emulator, { method: 'DELETE', key: 'link' })).status, 204)
  t.equal(statusAndCode(await get(emulator, 'link')), '404 NoSuchKey')
  t.equal((await get(emulator, 'target')).text, 'hello world')
})

t.test('a read of a link fails if its target is gone, or is a link', async (t) => {
  const emulator = await startTestEmulator(t)
  t.equal((await putLink(emulator, 'link', 'target')).status, 200, 'the target need not exist')
  t.equal(statusAndCode(await get(emulator, 'link')), '404 NoSuchKey')
  t.equal((await getLink(emulator, 'link')).headers['x-cos-symlink-target'], 'target')
  await put(emulator, 'target', 'x')
  await putLink(emulator, 'second', 'link')
  t.equal(statusAndCode(await get(emulator, 'second')), '400 InvalidRequest')
  await putLink(emulator, 'itself', 'itself')
  t.equal(statusAndCode(await get(emulator, 'itself')), '400 InvalidRequest')
  t.equal((await getLink(emulator, 'second')).headers['x-cos-symlink-target'], 'link')
})

t.test('versions of a link are its own, and each may have another target', async (t) => {
  const emulator = await startTestEmulator(t, { buckets: [{ name: bucket, versioning: 'Enabled' }] })
  await put(emulator, 'a', 'first')
  await put(emulator, 'b', 'second')
  const version = async (target: string): Promise<string> =>
    (await putLink(emulator, 'link', target)).headers['x-cos-version-id'] ?? ''
  const [first, second] = [await version('a'), await version('b')]
  t.match(await getLink(emulator, 'link'), {
    headers: { 'x-cos-symlink-target': 'b', 'x-cos-version-id': second }
  })
  t.match(await getLink(emulator, 'link', { versionId: first }), {
    headers: { 'x-cos-symlink-target': 'a', 'x-cos-version-id': first }
  })
  const older = await get(emulator, 'link', { query: { versionId: first } })
  t.match(older, { text: 'first', headers: { 'x-cos-version-id': first } })
  t.equal(statusAndCode(await getLink(emulator, 'link', { versionId: 'absent' })), '404 NoSuchVersion')
  const { text } = await sendRequest(emulator, { query: { versions: '', prefix: 'link' } })
  t.strictSame(readTags(text, 'VersionId'), [second, first])
  await sendRequest(emulator, { method: 'DELETE', key: 'link' })
  t.equal(statusAndCode(await getLink(emulator, 'link')), '404 NoSuchKey', 'a delete marker')
  t.equal((await getLink(emulator, 'link', { versionId: second })).status, 200)
})

t.test('an unsigned read of a link needs the right to read the link and its target', async (t) => {
  const emulator = await startTestEmulator(t)
  const readable = { 'x-cos-acl': 'public-read' }
  await put(emulator, 'public', 'x', readable)
  await put(emulator, 'private', 'x')
  await putLink(emulator, 'both', 'public', readable)
  await putLink(emulator, 'to private', 'private', readable)
  await putLink(emulator, 'closed', 'public')
  await putLink(emulator, 'to nothing', 'absent', readable)
  const code = async (key: string): Promise<string> =>
    statusAndCode(await get(emulator, key, { credentials: null }))
  t.equal(await code('both'), '200 ')
  for (const key of ['to private', 'closed', 'to nothing']) t.equal(await code(key), '403 AccessDenied', key)
  t.match(await sendRequest(emulator, { key: 'both', query: { symlink: '' }, credentials: null }), {
    status: 200,
    headers: { 'x-cos-symlink-target': 'public' }
  })
  const unsigned = { method: 'PUT', key: 'new', query: { symlink: '' }, credentials: null }
  const target = { 'content-length': '0', 'x-cos-symlink-target': 'public' }
  t.equal(statusAndCode(await sendRequest(emulator, { ...unsigned, headers: target })), '403 AccessDenied')
})

t.test('PUT symlink fails without a valid target, and for an attribute that a link has not', async (t) => {
  const emulator = await startTestEmulator(t)
  const code = async (target: string, headers: Headers = {}): Promise<string> =>
    statusAndCode(await putLink(emulator, 'link', target, headers))
  t.equal(await code(''), '400 InvalidArgument')
  t.equal(await code('k'.repeat(851)), '400 KeyTooLong')
  t.equal(await code('target', { 'x-cos-storage-class': 'ARCHIVE' }), '501 NotImplemented')
  t.equal(await code('target', { 'x-cos-server-side-encryption': 'AES256' }), '501 NotImplemented')
  t.equal(statusAndCode(await get(emulator, 'link')), '404 NoSuchKey', 'nothing was stored')
  await put(emulator, 'link', 'x')
  t.equal(await code('target', { 'x-cos-forbid-overwrite': 'true' }), '409 FileAlreadyExists')
  t.equal(await code('100%'), '200 ', 'a percent sign that encodes nothing')
  t.equal((await put(emulator, 'link', 'y')).status, 200)
  t.equal((await get(emulator, 'link')).text, 'y', 'an object replaces a link')
})

t.test('operations other than GET and HEAD do not follow a link', async (t) => {
  const emulator = await startTestEmulator(t)
  await put(emulator, 'target', 'x')
  await putLink(emulator, 'link', 'target')
  const headers = { 'content-length': '0', 'x-cos-copy-source': `${host}/link` }
  t.equal(
    statusAndCode(await sendRequest(emulator, { method: 'PUT', key: 'copy', headers })),
    '501 NotImplemented'
  )
  const query = { append: '', position: '6' }
  const appended = await sendRequest(emulator, { method: 'POST', key: 'link', query, body: 'y' })
  t.equal(statusAndCode(appended), '409 ObjectNotAppendable')
  const acl = { 'content-length': '0', 'x-cos-acl': 'public-read' }
  await sendRequest(emulator, { method: 'PUT', key: 'link', query: { acl: '' }, headers: acl })
  t.equal((await get(emulator, 'link')).text, 'x', 'a link with another ACL is still a link')
  t.equal(statusAndCode(await get(emulator, 'target', { credentials: null })), '403 AccessDenied')
})

t.test('a link survives a restart', async (t) => {
  const dir = t.testdir()
  const first = await startTestEmulator(t, { dir })
  await put(first, 'target', 'hello')
  await putLink(first, 'link', 'target', { 'x-cos-meta-color': 'blue' })
  await first.close()
  const second = await startTestEmulator(t, { dir })
  t.equal((await get(second, 'link')).text, 'hello')
  t.match((await getLink(second, 'link')).headers, {
    ...{ 'x-cos-symlink-target': 'target', 'x-cos-meta-color': 'blue', etag: `"${md5('target')}"` }
  })
})
