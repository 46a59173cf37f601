import * as E from 'fp-ts/lib/Either.js'
import t from 'tap'
import { authenticate } from '../../../lib/emulator/http/authenticate.js'
import {
  type RequestInput,
  sendRequest,
  startTestEmulator,
  readTag,
  statusAndCode
} from '../../support/signed.js'
import { signatureVectors } from '../../support/vectors.js'

const key = "a b/c+d%20~!'()*腾😀"

t.test('recorded signatures of other SDKs are accepted, altered ones are not', async (t) => {
  for (const vector of signatureVectors()) {
    const { secretId, secretKey, method, path, query, authorization } = vector
    const lower = Object.fromEntries(
      Object.entries(vector.headers).map(([name, value]) => [
        name.toLowerCase(),
        // As Node receives it: one character for each byte.
        Buffer.from(value).toString('latin1')
      ])
    )
    const now = Number(vector.keyTime.split(';')[0]) * 1000
    const request = { method, signedPaths: [path], query, headers: { ...lower, authorization } }
    const checked = authenticate([{ secretId, secretKey }], request, now)
    t.strictSame(checked, E.right({ anonymous: false }), vector.name)
    const shorter = { ...request, signedPaths: [path.slice(0, -1)] }
    t.ok(E.isLeft(authenticate([{ secretId, secretKey }], shorter, now)))
  }
})

t.test('a signature is accepted in the header, in the URL and as the sign parameter', async (t) => {
  const emulator = await startTestEmulator(t)
  t.equal((await sendRequest(emulator, { method: 'PUT', key, body: 'x' })).status, 200)
  t.equal((await sendRequest(emulator, { key, presigned: true })).text, 'x')
  const query = { 'response-content-type': 'text/html; charset=utf-8' }
  const shown = await sendRequest(emulator, { key, presigned: true, query })
  t.equal(shown.headers['content-type'], 'text/html; charset=utf-8')
  t.equal((await sendRequest(emulator, { method: 'PUT', key: 'up', presigned: true, body: 'y' })).status, 200)
})

t.test('a request that differs from the signed one fails with SignatureDoesNotMatch', async (t) => {
  const emulator = await startTestEmulator(t)
  await sendRequest(emulator, { method: 'PUT', key: 'k', body: 'x' })
  const { secretId } = emulator.credentials
  const cases: ReadonlyArray<readonly [string, RequestInput, string]> = [
    ['another key', { credentials: { secretId, secretKey: 'another' } }, '403 SignatureDoesNotMatch'],
    ['nobody', { credentials: { secretId: 'AKIDnobody', secretKey: 'x' } }, '403 InvalidAccessKeyId'],
    ['no signature', { credentials: null }, '403 AccessDenied'],
    ['another path', { target: '/other' }, '403 SignatureDoesNotMatch'],
    [
      'a parameter that is missing',
      { query: { versionId: 'null' }, target: '/k' },
      '403 SignatureDoesNotMatch'
    ],
    [
      'no signature worth the name',
      { credentials: null, headers: { authorization: 'Bearer x' } },
      '403 AccessDenied'
    ],
    [
      'half a signature',
      { credentials: null, headers: { authorization: `q-sign-algorithm=sha1&q-ak=${secretId}` } },
      '403 AccessDenied'
    ]
  ]
  for (const [name, input, expected] of cases)
    t.equal(statusAndCode(await sendRequest(emulator, { key: 'k', ...input })), expected, name)
  // A parameter that was not signed is let through, as COS does unless a bucket says otherwise.
  t.equal((await sendRequest(emulator, { key: 'k', target: '/k?unsigned=1' })).status, 200)
})

t.test('an expired signature fails with AccessDenied, a wrong clock with RequestTimeTooSkewed', async (t) => {
  const at = Date.parse('2024-05-01T00:00:00Z')
  const minutes = (count: number): number => count * 60_000
  const emulator = await startTestEmulator(t, { now: () => at })
  await sendRequest(emulator, { method: 'PUT', key: 'k', body: 'x', now: at })
  const cases: ReadonlyArray<readonly [string, RequestInput, string]> = [
    ['now', {}, '200 '],
    ['five minutes ago', { now: at - minutes(5) }, '200 '],
    ['ten minutes ahead', { now: at + minutes(10) }, '200 '],
    ['an hour ahead', { now: at + minutes(60) }, '403 RequestTimeTooSkewed'],
    ['an hour ago', { now: at - minutes(60) }, '403 RequestTimeTooSkewed'],
    ['just run out', { now: at - minutes(20) }, '403 AccessDenied'],
    ['a URL of yesterday', { now: at - minutes(60 * 24), presigned: true }, '403 AccessDenied'],
    [
      'a URL of yesterday for two days',
      { now: at - minutes(1440), presigned: true, validFor: 172_800 },
      '200 '
    ]
  ]
  for (const [name, input, expected] of cases) {
    const response = await sendRequest(emulator, { key: 'k', now: at, ...input })
    t.equal(statusAndCode(response), expected, name)
    t.equal(response.headers['date'], 'Wed, 01 May 2024 00:00:00 GMT', 'the emulator tells its own time')
    if (expected.endsWith('AccessDenied')) t.equal(readTag(response.text, 'Message'), 'Request has expired')
  }
})

t.test('temporary credentials require their token until it expires', async (t) => {
  let now = Date.now()
  const temporary = { secretId: 'AKIDtemporary', secretKey: 's', token: 'a/b+c==', expires: now + 1000 }
  const emulator = await startTestEmulator(t, { credentials: [temporary], now: () => now })
  const { token: _token, ...bare } = temporary
  t.equal((await sendRequest(emulator, { method: 'PUT', key: 'k', body: 'x' })).status, 200)
  t.equal((await sendRequest(emulator, { key: 'k', presigned: true })).status, 200)
  t.equal(
    statusAndCode(await sendRequest(emulator, { key: 'k', credentials: bare })),
    '403 InvalidAccessKeyId'
  )
  t.equal(
    statusAndCode(await sendRequest(emulator, { key: 'k', credentials: { ...bare, token: 'x' } })),
    '403 AccessDenied'
  )
  now += 2000
  t.equal(statusAndCode(await sendRequest(emulator, { key: 'k' })), '400 ExpiredToken')
})

t.test('anonymous requests are allowed by the ACL of the bucket or the object', async (t) => {
  const buckets = [
    { name: 'private-1250000000' },
    { name: 'read-1250000000', acl: 'public-read' as const },
    { name: 'write-1250000000', acl: 'public-read-write' as const }
  ]
  const emulator = await startTestEmulator(t, { buckets })
  const statuses = async (input: RequestInput): Promise<ReadonlyArray<number>> =>
    Promise.all(
      buckets.map(
        async ({ name }) =>
          (await sendRequest(emulator, { credentials: null, bucket: name, ...input })).status
      )
    )
  for (const { name } of buckets) {
    await sendRequest(emulator, { method: 'PUT', bucket: name, key: 'plain', body: 'x' })
    const acl = { 'x-cos-acl': 'public-read' }
    await sendRequest(emulator, { method: 'PUT', bucket: name, key: 'open', body: 'x', headers: acl })
    await sendRequest(emulator, {
      method: 'PUT',
      bucket: name,
      key: 'shut',
      body: 'x',
      headers: { 'x-cos-acl': 'private' }
    })
    const sse = { 'x-cos-server-side-encryption': 'AES256' }
    await sendRequest(emulator, { method: 'PUT', bucket: name, key: 'sse', body: 'x', headers: sse })
  }
  t.strictSame(await statuses({ key: 'plain' }), [403, 200, 200])
  t.strictSame(await statuses({ key: 'open' }), [200, 200, 200])
  t.strictSame(await statuses({ key: 'shut' }), [403, 403, 403])
  t.strictSame(await statuses({ key: 'sse' }), [403, 403, 403], 'what is encrypted is for those who sign')
  t.strictSame(await statuses({ key: 'absent' }), [403, 404, 404])
  t.strictSame(await statuses({ key: 'open', query: { 'response-expires': '0' } }), [400, 400, 400])
  t.strictSame(await statuses({}), [403, 200, 200], 'a listing')
  t.strictSame(await statuses({ method: 'PUT', key: 'new', body: 'x' }), [403, 403, 200])
  t.strictSame(await statuses({ method: 'DELETE', key: 'plain' }), [403, 403, 204])
  t.strictSame(await statuses({ query: { versioning: '' } }), [403, 403, 403])
})

t.test('requests() contains no secret', async (t) => {
  const token = 'a token'
  const emulator = await startTestEmulator(t, {
    credentials: [{ secretId: 'AKIDx', secretKey: 'the key', token }]
  })
  const key = Buffer.alloc(32, 1).toString('base64')
  const headers = { 'x-cos-server-side-encryption-customer-key': key }
  await sendRequest(emulator, { key: 'k', headers })
  await sendRequest(emulator, { key: 'k', presigned: true })
  const shown = JSON.stringify(emulator.requests())
  for (const secret of ['the key', token, key]) t.notOk(shown.includes(secret))
  t.notMatch(shown, /q-signature[=":]+[0-9a-f]{40}/)
})
