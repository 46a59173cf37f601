import t from 'tap'
import { sendRequest, startTestEmulator, initiate, readTag, readTags } from '../../support/signed.js'

const bucket = 'fresh-1250000000'

t.test('buckets are created, found, listed and deleted', async (t) => {
  const emulator = await startTestEmulator(t, { region: 'ap-beijing' })
  const empty = { headers: { 'content-length': '0' } }
  t.equal((await sendRequest(emulator, { method: 'HEAD', bucket })).status, 404)
  t.equal((await sendRequest(emulator, { method: 'PUT', bucket, ...empty })).status, 200)
  t.match(await sendRequest(emulator, { method: 'PUT', bucket, ...empty }), {
    status: 409,
    text: /BucketAlreadyOwnedByYou/
  })
  t.match(await sendRequest(emulator, { method: 'HEAD', bucket }), {
    status: 200,
    headers: { 'x-cos-bucket-region': 'ap-guangzhou' }
  })
  t.equal((await sendRequest(emulator, { method: 'HEAD' })).headers['x-cos-bucket-region'], 'ap-beijing')
  const all = await sendRequest(emulator, { host: 'service.cos.myqcloud.com' })
  t.strictSame(readTags(all.text, 'Name'), ['examplebucket-1250000000', bucket])
  await sendRequest(emulator, { method: 'PUT', bucket, key: 'k', body: 'x' })
  t.match(await sendRequest(emulator, { method: 'DELETE', bucket }), { status: 409, text: /BucketNotEmpty/ })
  await sendRequest(emulator, { method: 'DELETE', bucket, key: 'k' })
  const uploadId = await initiate(emulator, 'u', { bucket })
  t.equal(
    (await sendRequest(emulator, { method: 'DELETE', bucket })).status,
    409,
    'an open upload makes the bucket non-empty'
  )
  await sendRequest(emulator, { method: 'DELETE', bucket, key: 'u', query: { uploadId } })
  t.equal((await sendRequest(emulator, { method: 'DELETE', bucket })).status, 204)
  t.equal((await sendRequest(emulator, { method: 'HEAD', bucket })).status, 404)
})

t.test('a bucket is in the region of the host that created it', async (t) => {
  const dir = t.testdir()
  const first = await startTestEmulator(t, { dir })
  const at = (region: string, name = bucket): string => `${name}.cos.${region}.myqcloud.com`
  const headers = { 'content-length': '0' }
  await sendRequest(first, { method: 'PUT', bucket, host: at('ap-beijing'), headers })
  await sendRequest(first, {
    method: 'PUT',
    bucket: 'local-1250000000',
    host: 'local-1250000000.localhost',
    headers
  })
  await first.close()
  const emulator = await startTestEmulator(t, { dir })
  const put = { method: 'PUT', bucket, key: 'k', body: 'x' } as const
  for (const host of [
    at('ap-beijing'),
    `${bucket}.cos-internal.ap-beijing.tencentcos.cn`,
    `${bucket}.localhost`
  ])
    t.equal((await sendRequest(emulator, { ...put, host })).status, 200, host)
  t.equal((await sendRequest(emulator, { ...put, host: at('accelerate') })).status, 200)
  for (const request of [
    put,
    { bucket },
    { bucket, query: { location: '' } },
    { method: 'DELETE', bucket }
  ] as const) {
    const refused = await sendRequest(emulator, { ...request, host: at('ap-shanghai') })
    t.match(refused, { status: 404, text: /NoSuchBucket.*ap-beijing/ })
  }
  const head = await sendRequest(emulator, { method: 'HEAD', bucket, host: at('ap-beijing') })
  t.equal(head.headers['x-cos-bucket-region'], 'ap-beijing')
  const location = await sendRequest(emulator, { bucket, host: at('ap-beijing'), query: { location: '' } })
  t.equal(readTag(location.text, 'LocationConstraint'), 'ap-beijing')
  // The buckets of the options, and those made without a region, are reached in every region.
  for (const name of ['local-1250000000', 'examplebucket-1250000000'])
    t.equal((await sendRequest(emulator, { bucket: name, host: at('ap-shanghai', name) })).status, 200)
  const copy = async (region: string): Promise<number> =>
    (
      await sendRequest(emulator, {
        ...{ method: 'PUT', key: 'copy' },
        headers: { ...headers, 'x-cos-copy-source': `${at(region)}/k` }
      })
    ).status
  t.strictSame([await copy('ap-beijing'), await copy('ap-shanghai')], [200, 404])
})

t.test('GET Service lists the buckets of one region, or all', async (t) => {
  const emulator = await startTestEmulator(t)
  const host = `${bucket}.cos.ap-beijing.myqcloud.com`
  await sendRequest(emulator, { method: 'PUT', bucket, host, headers: { 'content-length': '0' } })
  const list = async (host: string, query: Readonly<Record<string, string>> = {}) => {
    const { text } = await sendRequest(emulator, { host, query })
    return readTags(text, 'Name').map((name, at) => [name, readTags(text, 'Location')[at]])
  }
  const own = ['examplebucket-1250000000', 'ap-guangzhou']
  const other = [bucket, 'ap-beijing']
  t.strictSame(await list('service.cos.myqcloud.com'), [own, other])
  t.strictSame(await list('service.cos.myqcloud.com', { region: 'ap-beijing' }), [other])
  t.strictSame(await list('service.cos.myqcloud.com', { region: 'ap-guangzhou' }), [own])
  t.strictSame(await list('cos.ap-guangzhou.myqcloud.com'), [own])
})

t.test('versioning can be enabled and suspended, but not removed', async (t) => {
  const emulator = await startTestEmulator(t)
  const status = async (): Promise<string | undefined> =>
    readTag((await sendRequest(emulator, { query: { versioning: '' } })).text, 'Status')
  const put = (word: string) =>
    sendRequest(emulator, {
      method: 'PUT',
      query: { versioning: '' },
      body: `<VersioningConfiguration><Status>${word}</Status></VersioningConfiguration>`
    })
  t.equal(await status(), undefined)
  t.equal((await put('Enabled')).status, 200)
  t.equal(await status(), 'Enabled')
  t.equal((await put('Suspended')).status, 200)
  t.equal(await status(), 'Suspended')
  t.match(await put('Off'), { status: 400, text: /MalformedXML/ })
})

t.test('GET ACL returns the ACL and grants of the write', async (t) => {
  const emulator = await startTestEmulator(t, { buckets: [{ name: bucket, acl: 'public-read-write' }] })
  const headers = {
    'x-cos-acl': 'public-read',
    'x-cos-grant-full-control': 'id="100000000001",id="100000000002"',
    'x-cos-grant-read-acp': 'uin="3"'
  }
  await sendRequest(emulator, { method: 'PUT', bucket, key: 'k', body: 'x', headers })
  const response = await sendRequest(emulator, { bucket, key: 'k', query: { acl: '' } })
  t.equal(response.headers['x-cos-acl'], 'public-read')
  t.strictSame(readTags(response.text, 'Permission'), [
    'FULL_CONTROL',
    'READ',
    'READ_ACP',
    'FULL_CONTROL',
    'FULL_CONTROL'
  ])
  t.strictSame(readTags(response.text, 'ID').slice(2), ['3', '100000000001', '100000000002'])
  const whole = await sendRequest(emulator, { bucket, query: { acl: '' } })
  t.strictSame(readTags(whole.text, 'Permission'), ['FULL_CONTROL', 'READ', 'WRITE'])
  t.equal((await sendRequest(emulator, { bucket, key: 'absent', query: { acl: '' } })).status, 404)
  t.equal(
    (await sendRequest(emulator, { bucket, key: 'k', query: { acl: '' }, credentials: null })).status,
    403
  )
})
