import { Agent } from 'node:http'
import t from 'tap'
import { sendRequest, startTestEmulator, readTag, type ReceivedResponse } from '../../support/signed.js'

const bucket = 'examplebucket-1250000000'
const key = 'dir/a b.txt'

t.test('an object is reached by COS hosts, custom domain, path style and absolute target', async (t) => {
  const emulator = await startTestEmulator(t, { buckets: [{ name: bucket, domains: ['files.example.com'] }] })
  await sendRequest(emulator, { method: 'PUT', key, body: 'x' })
  const hosts = [
    `${bucket}.cos.ap-guangzhou.myqcloud.com`,
    `${bucket}.cos.ap-elsewhere.tencentcos.cn`,
    `${bucket}.cos.accelerate.myqcloud.com:80`,
    `${bucket}.localhost`,
    `${bucket.toUpperCase()}.LOCALHOST:9000`,
    'files.example.com',
    'FILES.example.com:8080'
  ]
  for (const host of hosts) t.equal((await sendRequest(emulator, { key, host })).text, 'x', host)
  for (const host of ['127.0.0.1', 'localhost:9000', 'cos.ap-guangzhou.myqcloud.com', '[::1]:80']) {
    const whole = { host, key: `${bucket}/${key}` }
    t.equal((await sendRequest(emulator, whole)).text, 'x', `${host}, signed as it is`)
    const alone = { host, key, target: `/${bucket}/dir/a%20b.txt` }
    t.equal((await sendRequest(emulator, alone)).text, 'x', `${host}, signed as if the path began at the key`)
  }
  const target = `http://${bucket}.cos.ap-guangzhou.myqcloud.com/dir/a%20b.txt`
  t.equal((await sendRequest(emulator, { key, target })).text, 'x')
  t.match(await sendRequest(emulator, { host: 'unknown.example.com', key: 'no-such/x' }), {
    status: 404,
    text: /NoSuchBucket/
  })
})

t.test('a key is its path decoded once', async (t) => {
  const emulator = await startTestEmulator(t)
  const paths: Readonly<Record<string, string>> = {
    '/a%20b': 'a b',
    '/a+b': 'a+b',
    '/a%2520b': 'a%20b',
    '/a//b': 'a//b',
    '/a/..%2Fb': 'a/../b',
    '/a/../b': 'a/../b',
    '/%E8%85%BE': '腾',
    '//lead': '/lead'
  }
  for (const [target, name] of Object.entries(paths)) {
    t.equal(
      (await sendRequest(emulator, { method: 'PUT', key: name, target, body: target })).status,
      200,
      target
    )
    t.match(emulator.requests().at(-1), { key: name })
  }
  const code = async (target: string, name: string): Promise<string | undefined> =>
    readTag((await sendRequest(emulator, { method: 'PUT', key: name, target, body: 'x' })).text, 'Code')
  t.equal(await code('/%ff', 'x'), 'InvalidURI')
  t.equal(await code('/%1a', '\x1a'), 'InvalidObjectName')
  t.equal(await code(`/${'%E8%85%BE'.repeat(284)}`, '腾'.repeat(284)), 'KeyTooLong')
  t.equal(await code(`/${'%E8%85%BE'.repeat(283)}`, '腾'.repeat(283)), undefined)
})

t.test('unsupported requests return 501 NotImplemented and change nothing', async (t) => {
  const emulator = await startTestEmulator(t)
  await sendRequest(emulator, { method: 'PUT', key: 'k', body: 'x' })
  const input = [
    { method: 'PUT', key: 'k', query: { rename: '' } },
    { method: 'DELETE', key: 'k', query: { acl: '' } },
    { method: 'POST', key: 'k', query: { 'ci-process': '' } },
    { method: 'GET', key: 'k', query: { 'imageMogr2/thumbnail/!50p': '' } },
    { method: 'PUT', query: { bucketid: '' } },
    { method: 'PUT', query: { 'legal-hold': '' } },
    { method: 'POST' }
  ]
  for (const one of input) {
    const response = await sendRequest(emulator, { ...one, headers: { 'content-length': '0' } })
    t.match(
      response,
      { status: 501, text: /NotImplemented/ },
      `${one.method} ${JSON.stringify(one.query ?? {})}`
    )
  }
  const callback = { 'x-cos-callback': 'e30=' }
  t.equal(
    (await sendRequest(emulator, { method: 'PUT', key: 'k', body: 'y', headers: callback })).status,
    501
  )
  t.equal((await sendRequest(emulator, { key: 'k' })).text, 'x')
})

t.test('each response has a request id, and each error document its request', async (t) => {
  const emulator = await startTestEmulator(t)
  const began = Date.now()
  const response: ReadonlyArray<ReceivedResponse> = [
    await sendRequest(emulator, { method: 'PUT', key: 'k', body: 'x' }),
    await sendRequest(emulator, { key: 'k' }),
    await sendRequest(emulator, { key: 'nothing here' })
  ]
  const ids = response.map(({ headers }) => headers['x-cos-request-id'])
  t.equal(new Set(ids).size, 3)
  for (const { headers } of response) {
    t.equal(headers['server'], 'tencent-cos')
    const date = Date.parse(headers['date'] ?? '')
    t.ok(date >= began - 1000 && date <= Date.now())
  }
  const refused = response[2]!
  t.equal(refused.headers['content-type'], 'application/xml')
  t.equal(readTag(refused.text, 'Code'), 'NoSuchKey')
  t.equal(readTag(refused.text, 'Resource'), `${bucket}.cos.ap-guangzhou.myqcloud.com/nothing%20here`)
  t.equal(readTag(refused.text, 'RequestId'), refused.headers['x-cos-request-id'])
  t.equal(readTag(refused.text, 'TraceId'), refused.headers['x-cos-trace-id'])
  t.notOk(response[1]!.headers['x-cos-trace-id'])
})

t.test('HEAD has no body, errors included', async (t) => {
  const emulator = await startTestEmulator(t)
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  t.teardown(() => agent.destroy())
  for (const name of ['absent', 'absent too']) {
    const response = await sendRequest(emulator, { method: 'HEAD', key: name, agent })
    t.match(response, { status: 404, text: '' })
  }
  t.match(await sendRequest(emulator, { method: 'HEAD', credentials: null, key: 'x', agent }), {
    status: 403,
    text: ''
  })
  t.equal(emulator.openConnections(), 1, 'and the connection is as good as before')
})
