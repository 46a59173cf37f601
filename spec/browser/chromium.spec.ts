/**
 * Headless Chromium uses the emulator from a page of another origin, over HTTPS under COS's host names: with Tencent's
 * browser SDK, with URLs of `presign`, and with a form. It needs Debian's package `chromium`, or `CHROMIUM=/path`, and runs by
 * `npm run test:browser`.
 */
import { spawn } from 'node:child_process'
import { createHash, createHmac, X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer, type IncomingMessage } from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { connect } from 'node:tls'
import * as E from 'fp-ts/lib/Either.js'
import t, { type Test } from 'tap'
import type { Emulator } from '../../lib/emulator/index.js'
import { createClient, formatError, getObject, presign, putObject } from '../../lib/index.js'
import { sendRequest, startTestEmulator } from '../support/signed.js'

const Region = 'ap-guangzhou'
const bucket = 'examplebucket-1250000000'
const withoutRules = 'other-1250000000'
const hostOf = (name: string): string => `${name}.cos.${Region}.myqcloud.com`

const right = <A>(result: E.Either<Parameters<typeof formatError>[0], A>): A => {
  if (E.isLeft(result)) throw new Error(formatError(result.left))
  return result.right
}

/** The hash of the server's public key, by which Chromium trusts it without a change to the system. */
const keyHash = async ({ port, ca }: Emulator): Promise<string> => {
  const socket = connect({ host: '127.0.0.1', port, servername: hostOf(bucket), ca })
  await once(socket, 'secureConnect')
  const { raw } = socket.getPeerCertificate()
  socket.destroy()
  const key = new X509Certificate(raw).publicKey.export({ type: 'spki', format: 'der' })
  return createHash('sha256').update(key).digest('base64')
}

/** The fields of a form that may upload one key. */
const formOf = ({ credentials }: Emulator, key: string): Readonly<Record<string, string>> => {
  const hmac = (secret: string, message: string): string =>
    createHmac('sha1', secret).update(message).digest('hex')
  const now = Math.floor(Date.now() / 1000)
  const time = `${String(now - 60)};${String(now + 600)}`
  const signing = { 'q-sign-algorithm': 'sha1', 'q-ak': credentials.secretId }
  const conditions = [signing, { 'q-sign-time': time }, { key }, ['content-length-range', 1, 1_000_000]]
  const policy = JSON.stringify({ expiration: new Date((now + 600) * 1000).toISOString(), conditions })
  const digest = createHash('sha1').update(policy).digest('hex')
  return {
    ...{ key, policy: Buffer.from(policy).toString('base64'), ...signing, 'q-key-time': time },
    'q-signature': hmac(hmac(credentials.secretKey, time), digest)
  }
}

/** URLs of `presign`, valid for five minutes. */
const sign = async ({ credentials }: Emulator): Promise<Readonly<Record<string, string>>> => {
  const client = right(createClient({ region: Region, credentials }))
  const put = right(await presign(putObject({ bucket, key: 'presigned 腾', body: '' }), 300)(client)())
  const get = async (name: string, key: string): Promise<string> =>
    right(await presign(getObject({ bucket: name, key }), 300)(client)()).url
  const urls = {
    ...{ put: put.url, form: `https://${hostOf(bucket)}/` },
    ...{ get: await get(bucket, 'presigned 腾'), posted: await get(bucket, 'form/photo.png') },
    refused: await get(withoutRules, 'k')
  }
  await client.close()
  return urls
}

interface Page {
  readonly origin: string
  readonly results: Promise<unknown>
}

/** The page's server, of another origin than the buckets'. */
const servePage = async (t: Test, input: () => Promise<unknown>): Promise<Page> => {
  let done: (results: unknown) => void = () => undefined
  const results = new Promise((resolve) => (done = resolve))
  const sdk = createRequire(import.meta.url).resolve('cos-js-sdk-v5/dist/cos-js-sdk-v5.js')
  const html = '<!doctype html><script src="/sdk.js"></script><script type="module" src="/page.mjs"></script>'
  const respond = async (request: IncomingMessage): Promise<readonly [type: string, body: string]> => {
    switch (request.url) {
      case '/':
        return ['text/html', html]
      case '/sdk.js':
        return ['text/javascript', readFileSync(sdk, 'utf8')]
      case '/page.mjs':
        return ['text/javascript', readFileSync(join(import.meta.dirname, 'page.mjs'), 'utf8')]
      case '/input':
        return ['application/json', JSON.stringify(await input())]
      case '/results':
        done(JSON.parse(await text(request)))
        return ['text/plain', '']
      default:
        return ['text/plain', '']
    }
  }
  const server = createServer((request, response) => {
    respond(request)
      .then(([type, body]) => response.writeHead(200, { 'content-type': `${type}; charset=utf-8` }).end(body))
      .catch((thrown: unknown) => response.destroy(thrown instanceof Error ? thrown : undefined))
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return { origin: `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`, results }
}

const putRules = (emulator: Emulator, origin: string): Promise<{ readonly status: number }> => {
  const methods = ['GET', 'PUT', 'POST', 'DELETE', 'HEAD']
  const rule = [
    `<AllowedOrigin>${origin}</AllowedOrigin>`,
    ...methods.map((method) => `<AllowedMethod>${method}</AllowedMethod>`),
    '<AllowedHeader>*</AllowedHeader><ExposeHeader>ETag</ExposeHeader>',
    '<ExposeHeader>x-cos-request-id</ExposeHeader><MaxAgeSeconds>5</MaxAgeSeconds>'
  ].join('')
  const body = `<CORSConfiguration><CORSRule>${rule}</CORSRule></CORSConfiguration>`
  return sendRequest(emulator, { method: 'PUT', query: { cors: '' }, body })
}

/** Opens a page until the test ends. Rejects if there is no Chromium, or if it ends before. */
const openPage = async (t: Test, url: string, emulator: Emulator): Promise<never> => {
  const child = spawn(
    process.env['CHROMIUM'] ?? 'chromium',
    [
      ...['--headless=new', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--no-first-run'],
      ...[`--user-data-dir=${t.testdir()}`, `--proxy-server=http://${emulator.address}`],
      ...['--disable-background-networking', '--disable-component-update', '--disable-sync'],
      ...[`--ignore-certificate-errors-spki-list=${await keyHash(emulator)}`, url]
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] }
  )
  let printed = ''
  child.stderr.on('data', (chunk) => (printed += String(chunk)))
  t.teardown(async () => {
    if (child.exitCode !== null || child.pid === undefined) return
    child.removeAllListeners('exit')
    child.kill('SIGKILL')
    await once(child, 'close')
  })
  return new Promise((_, reject) => {
    child.on('error', (cause) =>
      reject(new Error('This spec needs Chromium: apt-get install chromium, or CHROMIUM=/path', { cause }))
    )
    child.on('exit', (code) =>
      reject(new Error(`Chromium ended with ${String(code)}: ${printed.slice(-2000)}`))
    )
  })
}

t.test('a page of another origin uploads and downloads in Chromium', { timeout: 60_000 }, async (t) => {
  const emulator = await startTestEmulator(t, { tls: true, buckets: [bucket, withoutRules] })
  await sendRequest(emulator, { method: 'PUT', bucket: withoutRules, key: 'k', body: 'x' })
  const { secretId, secretKey } = emulator.credentials
  const page = await servePage(t, async () => ({
    at: { Bucket: bucket, Region },
    credentials: { SecretId: secretId, SecretKey: secretKey },
    ...{ form: formOf(emulator, 'form/photo.png'), urls: await sign(emulator) }
  }))
  t.equal((await putRules(emulator, page.origin)).status, 200)
  const results = await Promise.race([page.results, openPage(t, `${page.origin}/`, emulator)])

  const found = Object.entries(results as Record<string, Record<string, unknown>>)
  t.equal(found.length, 5)
  const keys: Readonly<Record<string, string>> = {
    'the SDK puts and gets': 'sdk/a b+腾.bin',
    'the SDK uploads in parts': 'sdk/big',
    'presigned URLs put and get': 'presigned 腾',
    'a form uploads': 'form/photo.png'
  }
  for (const [name, result] of found) {
    const key = keys[name]
    if (key === undefined) t.strictSame(result, { refused: true }, name)
    else {
      const { headers, body } = await sendRequest(emulator, { key })
      const sha256 = createHash('sha256').update(body).digest('hex')
      t.strictSame(result, { etag: headers['etag'], sent: sha256, received: sha256 }, name)
    }
  }
  const operations = new Set(emulator.requests().map(({ operation }) => operation))
  for (const name of [
    'OptionsObject',
    'PutObject',
    'GetObject',
    'UploadPart',
    'CompleteMultipartUpload',
    'PostObject'
  ])
    t.ok(operations.has(name), name)
})
