import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import t from 'tap'
import { exampleCredentials } from '../../lib/emulator/index.js'
import { bundledPrograms } from '../support/child-processes.js'
import { sendRequest, type RequestInput } from '../support/signed.js'

const cli = join(bundledPrograms, 'lib/emulator/cli.js')

interface ExitResult {
  readonly code: number | null
  readonly signal: string | null
  readonly out: string
  readonly err: string
}

interface Running {
  readonly ended: Promise<ExitResult>
  /** Its first line. */
  readonly line: Promise<string>
  readonly kill: (signal: NodeJS.Signals) => void
}

const run = (
  t: { readonly teardown: (clean: () => unknown) => unknown },
  ...args: ReadonlyArray<string>
): Running => {
  const child = spawn(process.execPath, [cli, ...args])
  t.teardown(() => child.kill('SIGKILL'))
  let out = ''
  let err = ''
  child.stdout.on('data', (chunk) => (out += String(chunk)))
  child.stderr.on('data', (chunk) => (err += String(chunk)))
  const closed = once(child, 'close')
  return {
    ended: closed.then(([code, signal]: ReadonlyArray<unknown>) => ({
      code: typeof code === 'number' ? code : null,
      signal: typeof signal === 'string' ? signal : null,
      out,
      err
    })),
    line: new Promise((resolve) => {
      child.stdout.on('data', () => {
        if (out.includes('\n')) resolve(out.trimEnd())
      })
      child.on('close', () => resolve(out))
    }),
    kill: (signal) => child.kill(signal)
  }
}

t.test('the command prints one line, applies its options, and ends on SIGTERM', async (t) => {
  const secretKey = 'a-key-of-my-own'
  const running = run(
    t,
    ...['--dir', t.testdir(), '--bucket', 'mine-1250000000', '--region', 'ap-beijing'],
    ...['--bucket', 'other-1250000000,versioning=Enabled,acl=public-read'],
    ...['--secret-id', 'AKIDmine', '--secret-key', secretKey]
  )
  const line = await running.line
  t.match(line, /^cospipe-emulator listens on http:\/\/127\.0\.0\.1:\d+$/)
  const emulator = { port: Number(/\d+$/.exec(line)?.[0]) } as Parameters<typeof sendRequest>[0]
  const mine = { credentials: { secretId: 'AKIDmine', secretKey } } satisfies RequestInput
  const response = await sendRequest(emulator, { ...mine, method: 'HEAD', bucket: 'mine-1250000000' })
  t.equal(response.headers['x-cos-bucket-region'], 'ap-beijing')
  const put = await sendRequest(emulator, {
    ...mine,
    method: 'PUT',
    bucket: 'other-1250000000',
    key: 'k',
    body: 'x'
  })
  t.ok(put.headers['x-cos-version-id'])
  t.equal(
    (await sendRequest(emulator, { credentials: null, bucket: 'other-1250000000', key: 'k' })).text,
    'x'
  )
  t.equal(
    (await sendRequest(emulator, { credentials: exampleCredentials, bucket: 'mine-1250000000' })).status,
    403
  )
  running.kill('SIGTERM')
  const { code, out, err } = await running.ended
  t.equal(code, 0)
  t.equal(out.trimEnd(), line)
  t.equal(err, '')
  t.notOk(line.includes(secretKey))
})

t.test('the command exits with 2 if an option is not valid', async (t) => {
  const { code, out, err } = await run(t, '--bucket', 'no appid').ended
  t.equal(code, 2)
  t.match(err, /^cospipe-emulator: buckets\.0: must be /)
  t.equal(out, '')
})

t.test('a program that trusts the certificate of --tls-ca reaches the emulator by HTTPS', async (t) => {
  const ca = join(t.testdir(), 'ca.pem')
  const running = run(t, '--tls', '--tls-ca', ca)
  const line = await running.line
  t.match(line, /^cospipe-emulator listens on https:\/\/127\.0\.0\.1:\d+$/)
  const program = `console.log((await fetch('https://localhost:${/\d+$/.exec(line)?.[0] ?? ''}/')).status)`
  const env = { ...process.env, NODE_EXTRA_CA_CERTS: ca }
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], { env })
  let out = ''
  child.stdout.on('data', (chunk) => (out += String(chunk)))
  await once(child, 'close')
  t.equal(out.trim(), '403')
})
