import { createHash, createHmac } from 'node:crypto'
import t from 'tap'
import { type Emulator, exampleCredentials } from '../../../lib/emulator/index.js'
import { type ReceivedResponse, readTag, sendRequest, startTestEmulator } from '../../support/signed.js'

type Fields = Readonly<Record<string, string>>

const boundary = '----WebKitFormBoundaryABC'

const form = (fields: Fields, file: string, name = 'photo.png'): string =>
  [
    ...Object.entries(fields).map(
      ([field, value]) =>
        `--${boundary}\r\nContent-Disposition: form-data; name="${field}"\r\n\r\n${value}\r\n`
    ),
    `--${boundary}\r\nContent-Disposition: form-data; name="file"; filename="${name}"\r\nContent-Type: image/png\r\n\r\n${file}`,
    `\r\n--${boundary}--\r\n`
  ].join('')

const hmac = (key: string, text: string): string => createHmac('sha1', key).update(text).digest('hex')

/** The fields of a signed policy. */
const sign = (conditions: ReadonlyArray<unknown>, expiresIn = 60_000, now = Date.now()): Fields => {
  const { secretId, secretKey } = exampleCredentials
  const seconds = Math.floor(now / 1000)
  const time = `${String(seconds - 60)};${String(seconds + 600)}`
  const policy = JSON.stringify({
    expiration: new Date(now + expiresIn).toISOString(),
    conditions: [{ 'q-sign-algorithm': 'sha1' }, { 'q-ak': secretId }, { 'q-sign-time': time }, ...conditions]
  })
  const digest = createHash('sha1').update(policy).digest('hex')
  return {
    policy: Buffer.from(policy).toString('base64'),
    ...{ 'q-sign-algorithm': 'sha1', 'q-ak': secretId, 'q-key-time': time },
    'q-signature': hmac(hmac(secretKey, time), digest)
  }
}

const post = (emulator: Emulator, body: string | AsyncIterable<Uint8Array>): Promise<ReceivedResponse> =>
  sendRequest(emulator, {
    ...{ method: 'POST', credentials: null, body },
    headers: { 'content-type': `multipart/form-data; boundary=${boundary}`, 'content-md5': '' }
  })

t.test('a form with a signed policy stores its file, with the headers of its fields', async (t) => {
  const emulator = await startTestEmulator(t)
  const file = `\r\n--${boundary.slice(0, -1)}\r\n not the end 腾`
  const fields = {
    ...{
      key: 'a/${filename}',
      'Content-Type': 'image/png',
      'x-cos-meta-color': 'rot-grün',
      acl: 'public-read'
    },
    ...sign([
      { bucket: 'examplebucket-1250000000' },
      ['starts-with', '$key', 'a/'],
      ['content-length-range', 1, 99]
    ])
  }
  const stored = await post(emulator, form(fields, file, 'C:\\fotos\\bild 腾.png'))
  t.match(stored, { status: 204, text: '' })
  t.equal(stored.headers['etag'], `"${createHash('md5').update(file).digest('hex')}"`)
  t.match(stored.headers['location'], /\/a\/bild%20%E8%85%BE\.png$/)
  const got = await sendRequest(emulator, { key: 'a/bild 腾.png', credentials: null })
  t.equal(got.text, file)
  t.equal(got.headers['content-type'], 'image/png')
  t.equal(Buffer.from(got.headers['x-cos-meta-color'] ?? '', 'latin1').toString(), 'rot-grün')
})

t.test('the response has the status, the document or the redirect that the form names', async (t) => {
  const emulator = await startTestEmulator(t)
  const postTo = (fields: Fields): Promise<ReceivedResponse> =>
    post(emulator, form({ key: 'k', ...sign([]), ...fields }, 'x'))
  t.equal((await postTo({ success_action_status: '200' })).status, 200)
  const document = await postTo({ success_action_status: '201' })
  t.equal(document.status, 201)
  t.match(
    [readTag(document.text, 'Bucket'), readTag(document.text, 'Key')],
    ['examplebucket-1250000000', 'k']
  )
  const redirect = await postTo({ success_action_redirect: 'http://localhost/done?a=1' })
  t.equal(redirect.status, 303)
  const { searchParams } = new URL(redirect.headers['location'] ?? '')
  t.match(Object.fromEntries(searchParams), { a: '1', key: 'k', etag: document.headers['etag'] })
})

t.test('a form is read whatever the sizes of its chunks', async (t) => {
  const emulator = await startTestEmulator(t)
  const text = form({ key: 'k', ...sign([]) }, `\r\n--${boundary.slice(0, -1)}x`)
  const inBytes = async function* (): AsyncGenerator<Uint8Array> {
    for (const byte of Buffer.from(text)) yield Uint8Array.of(byte)
  }
  t.equal((await post(emulator, inBytes())).status, 204)
  t.equal((await sendRequest(emulator, { key: 'k' })).text, `\r\n--${boundary.slice(0, -1)}x`)
})

t.test(
  'a form fails if its policy, its signature or its structure is wrong, and stores nothing',
  async (t) => {
    const emulator = await startTestEmulator(t)
    const code = async (fields: Fields, file = 'x'): Promise<string> => {
      const { status, text } = await post(emulator, form(fields, file))
      return `${String(status)} ${readTag(text, 'Code') ?? ''}: ${readTag(text, 'Message') ?? ''}`
    }
    const key = { key: 'k' }
    t.match(await code(key), '403 AccessDenied')
    t.match(
      await code({ ...key, ...sign([['starts-with', '$key', 'a/']]) }),
      /Condition key key doesn&apos;t match the value a\//
    )
    t.match(await code({ ...key, ...sign([{ acl: 'private' }]) }), '403 AccessDenied')
    t.match(await code({ ...key, ...sign([], -1000) }), 'You post object request has been expired')
    t.match(await code({ ...key, ...sign([['content-length-range', 2, 9]]) }), '400 EntityTooSmall')
    t.match(await code({ ...key, ...sign([['content-length-range', 0, 1]]) }, 'xyz'), '400 EntityTooLarge')
    t.match(await code({ ...key, ...sign([]), 'q-signature': '0' }), '403 SignatureDoesNotMatch')
    t.match(await code({ ...key, ...sign([]), 'q-ak': 'other' }), '403 InvalidAccessKeyId')
    t.match(await code({ ...key, ...sign([], 60_000, Date.now() - 3600_000) }), 'Request has expired')
    t.match(await code({ ...key, ...sign([[1, 2, 3]]) }), '400 MalformedPolicy')
    t.match(await code(sign([])), '400 InvalidArgument: The form has no field')
    t.match(await code({ ...key, ...sign([]), 'x-cos-meta-a': 'b\r\nc: d' }), '400 InvalidArgument')
    const whole = form({ ...key, ...sign([]) }, 'xyz')
    t.match((await post(emulator, whole.slice(0, -12))).text, 'IncompleteBody', 'no boundary after the file')
    t.match((await post(emulator, 'no form')).text, 'MalformedPOSTRequest')
    t.match((await post(emulator, `--${boundary}--\r\n`)).text, 'MalformedPOSTRequest')
    t.equal((await sendRequest(emulator, { key: 'k' })).status, 404)
  }
)

t.test('anyone may post a form to a public-read-write bucket', async (t) => {
  const emulator = await startTestEmulator(t, {
    buckets: [{ name: 'examplebucket-1250000000', acl: 'public-read-write' }]
  })
  t.equal((await post(emulator, form({ key: 'k' }, 'x'))).status, 204)
})
