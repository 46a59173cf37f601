import t from 'tap'
import type { Emulator } from '../../../lib/emulator/index.js'
import { type ReceivedResponse, readTag, sendRequest, startTestEmulator } from '../../support/signed.js'

type Headers = Readonly<Record<string, string>>

const rules = `<CORSConfiguration>
  <CORSRule>
    <AllowedOrigin>https://*.example.com</AllowedOrigin><AllowedOrigin>http://localhost:3000</AllowedOrigin>
    <AllowedMethod>GET</AllowedMethod><AllowedMethod>PUT</AllowedMethod>
    <AllowedHeader>Authorization</AllowedHeader><AllowedHeader>x-cos-*</AllowedHeader>
    <ExposeHeader>ETag</ExposeHeader><ExposeHeader>x-cos-request-id</ExposeHeader>
    <MaxAgeSeconds>500</MaxAgeSeconds>
  </CORSRule>
  <CORSRule><AllowedOrigin>*</AllowedOrigin><AllowedMethod>HEAD</AllowedMethod></CORSRule>
</CORSConfiguration>`

const putRules = (emulator: Emulator, body = rules): Promise<ReceivedResponse> =>
  sendRequest(emulator, { method: 'PUT', query: { cors: '' }, body })

const preflight = (
  emulator: Emulator,
  origin: string,
  method: string,
  names?: string
): Promise<ReceivedResponse> =>
  sendRequest(emulator, {
    ...{ method: 'OPTIONS', key: 'k', credentials: null },
    headers: {
      ...{ origin, 'access-control-request-method': method },
      ...(names === undefined ? {} : { 'access-control-request-headers': names })
    }
  })

t.test('a preflight is answered by the first rule that allows origin, method and headers', async (t) => {
  const emulator = await startTestEmulator(t)
  await putRules(emulator)
  const allowed = await preflight(emulator, 'https://a.example.com', 'PUT', 'authorization, X-Cos-Meta-A')
  t.match(allowed, {
    status: 200,
    headers: {
      ...{
        'access-control-allow-origin': 'https://a.example.com',
        'access-control-allow-methods': 'GET,PUT'
      },
      ...{ 'access-control-allow-headers': 'authorization,x-cos-meta-a', 'access-control-max-age': '500' },
      ...{ 'access-control-expose-headers': 'ETag,x-cos-request-id', vary: /Origin/ }
    }
  })
  const any = await preflight(emulator, 'https://elsewhere.test', 'HEAD')
  t.match(any, { status: 200, headers: { 'access-control-allow-origin': '*' } })
  for (const [origin, method, names] of [
    ['https://example.com', 'PUT'],
    ['https://a.example.com.evil.test', 'PUT'],
    ['https://a.example.com', 'DELETE'],
    ['https://a.example.com', 'PUT', 'content-type']
  ] as const)
    t.match(
      await preflight(emulator, origin, method, names),
      { status: 403, text: /AccessForbidden/ },
      origin
    )
  t.equal((await preflight(emulator, 'http://localhost:3000', 'GET')).status, 200)
})

t.test('a preflight of a presigned URL is not verified as a signed request', async (t) => {
  const emulator = await startTestEmulator(t, { cors: ['*'] })
  const headers = { origin: 'http://a', 'access-control-request-method': 'PUT' }
  const response = await sendRequest(emulator, { method: 'OPTIONS', key: 'k', presigned: true, headers })
  t.equal(response.status, 200)
})

t.test('responses and errors have the headers that let a page read them', async (t) => {
  const emulator = await startTestEmulator(t)
  const get = async (origin: string): Promise<Headers> =>
    (await sendRequest(emulator, { key: 'none', headers: { origin } })).headers
  t.equal((await get('http://localhost:3000'))['access-control-allow-origin'], undefined, 'without rules')
  await putRules(emulator)
  t.match(await get('http://localhost:3000'), {
    ...{
      'access-control-allow-origin': 'http://localhost:3000',
      'access-control-expose-headers': 'ETag,x-cos-request-id'
    }
  })
  t.equal((await get('http://other.test'))['access-control-allow-origin'], undefined)
  t.equal((await sendRequest(emulator, { key: 'none' })).headers['access-control-allow-origin'], undefined)
  t.equal((await sendRequest(emulator, { method: 'DELETE', query: { cors: '' } })).status, 204)
  t.equal(
    (await get('http://localhost:3000'))['access-control-allow-origin'],
    undefined,
    'after the deletion'
  )
})

t.test('the option cors allows its origins in buckets without rules', async (t) => {
  const emulator = await startTestEmulator(t, { cors: ['http://localhost:3000'] })
  const origin = 'http://localhost:3000'
  t.match(await preflight(emulator, origin, 'DELETE', 'anything'), {
    status: 200,
    headers: { 'access-control-allow-headers': 'anything', 'access-control-expose-headers': '*' }
  })
  t.equal((await preflight(emulator, 'http://localhost:3001', 'GET')).status, 403)
  await putRules(emulator)
  t.equal((await preflight(emulator, origin, 'DELETE')).status, 403, 'the rules of the bucket win')
})

t.test('CORS rules that are not valid fail', async (t) => {
  const emulator = await startTestEmulator(t)
  const code = async (rule: string): Promise<string | undefined> =>
    readTag((await putRules(emulator, `<CORSConfiguration>${rule}</CORSConfiguration>`)).text, 'Code')
  const rule = (origin: string, method: string, age = '1'): string =>
    `<CORSRule><AllowedOrigin>${origin}</AllowedOrigin><AllowedMethod>${method}</AllowedMethod><MaxAgeSeconds>${age}</MaxAgeSeconds></CORSRule>`
  t.equal(await code(rule('*', 'PATCH')), 'InvalidArgument')
  t.equal(await code(rule('*.*', 'GET')), 'InvalidArgument')
  t.equal(await code(rule('*', 'GET', 'x')), 'InvalidArgument')
  t.equal(await code('<CORSRule/>'), 'InvalidArgument')
  t.equal(await code(''), 'MalformedXML')
  t.equal(await code(rule('*', 'GET')), undefined)
})
