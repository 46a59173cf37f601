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
    text: /BucketAlreadyExists/
  })
  t.match(await sendRequest(emulator, { method: 'HEAD', bucket }), {
    status: 200,
    headers: { 'x-cos-bucket-region': 'ap-beijing' }
  })
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

t.test('PUT Bucket fails for an invalid name, an existing bucket and an anonymous request', async (t) => {
  const emulator = await startTestEmulator(t)
  const put = { method: 'PUT', host: '127.0.0.1', headers: { 'content-length': '0' } } as const
  t.match(await sendRequest(emulator, { ...put, key: 'Upper' }), { status: 400, text: /InvalidBucketName/ })
  t.equal((await sendRequest(emulator, { ...put, key: bucket, credentials: null })).status, 403)
  t.equal(
    (
      await sendRequest(emulator, {
        ...put,
        key: bucket,
        headers: { ...put.headers, 'x-cos-acl': 'default' }
      })
    ).status,
    400
  )
  t.equal((await sendRequest(emulator, { host: '127.0.0.1', credentials: null })).status, 403)
  t.equal(
    (await sendRequest(emulator, { ...put, key: bucket, body: '<CreateBucketConfiguration/>', headers: {} }))
      .status,
    501
  )
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
