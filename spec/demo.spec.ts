/** The demo as its reader runs it: a separate process, real files, a real server. */
import { spawn, type ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import t, { type Test } from 'tap'
import { exampleCredentials, script, type EmulatorOptions } from '../lib/emulator/index.js'
import { collect, streamObjectVersions } from '../lib/index.js'
import { bundledPrograms } from './support/child-processes.js'
import { bucket, startCos, type Cos } from './support/cos.js'
import { right } from './support/server.js'

const MiB = 1024 * 1024
const demo = join(bundledPrograms, 'bench/demo.js')

interface ExitResult {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

interface Run {
  readonly process: ChildProcess
  readonly ended: Promise<ExitResult>
}

const startDemo = (
  t: Test,
  path: string,
  environment: Readonly<Record<string, string>>,
  ...flags: ReadonlyArray<string>
): Run => {
  const { PATH, HOME } = process.env
  const child = spawn(process.execPath, [demo, path, ...flags], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH, HOME, ...environment }
  })
  t.teardown(() => child.kill('SIGKILL'))
  const waitForEnd = async (): Promise<ExitResult> => {
    const [stdout, stderr, [code]] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      once(child, 'exit') as Promise<[number | null]>
    ])
    return { code, stdout, stderr }
  }
  return { process: child, ended: waitForEnd() }
}

/** An emulator, and the environment variables that direct the demo to it. */
const ownBucket = async (t: Test, options: EmulatorOptions = {}) => {
  const cos = await startCos(t, options)
  return {
    cos,
    environment: {
      COS_BUCKET: bucket,
      COS_REGION: 'ap-guangzhou',
      COS_SECRET_ID: exampleCredentials.secretId,
      COS_SECRET_KEY: exampleCredentials.secretKey,
      COS_ADDRESS: cos.emulator.address,
      COS_SCHEME: 'http'
    }
  }
}

/** The entries of the bucket, with old versions and delete markers. */
const left = async ({ client }: Cos): Promise<ReadonlyArray<unknown>> =>
  right(await collect(streamObjectVersions({ bucket }))(client())())

/** The keys of the requests of these operations. */
const keysOf = ({ emulator }: Cos, ...operations: ReadonlyArray<string>): ReadonlyArray<string> =>
  emulator
    .requests()
    .flatMap(({ operation, key, status }) => (operations.includes(operation) && status < 300 ? [key] : []))
    .sort()

t.test('without credentials a file goes to an emulator and back, and nothing is left', async (t) => {
  const dir = t.testdir({ temp: {} })
  writeFileSync(join(dir, 'some.bin'), randomBytes(9 * MiB))
  const temp = join(dir, 'temp')
  const { code, stdout, stderr } = await startDemo(t, join(dir, 'some.bin'), { TMPDIR: temp }).ended
  t.equal(stderr, '')
  t.equal(code, 0)
  t.match(stdout, /an emulator of COS on this machine/)
  t.match(stdout, /^ {2}bytes +9\.0 MiB, gzipped from 9\.0 MiB$/m)
  t.match(stdout, /^ {2}parts +2 up, 2 down$/m)
  t.match(stdout, /^ {2}up +\d+\.\d [KM]iB\/s/m)
  t.match(stdout, /^ {2}down +\d+\.\d [KM]iB\/s/m)
  t.match(stdout, /^ {2}peak memory +\d+\.\d MiB, of it \d+\.\d MiB in buffers$/m)
  t.match(stdout, /^ {2}SHA-256 +equal, 1 of 1$/m)
  t.match(stdout, /^ {2}CRC64 +verified, 1 of 1$/m)
  t.same(readdirSync(temp), [])
})

t.test('with credentials a folder goes to the bucket they are for, and nothing is left there', async (t) => {
  const { cos, environment } = await ownBucket(t, { buckets: [{ name: bucket, versioning: 'Enabled' }] })
  const dir = t.testdir({ 'a.txt': 'a', empty: '', deep: { er: { 'b c.txt': 'b'.repeat(1000) } } })
  const { code, stdout, stderr } = await startDemo(t, dir, environment).ended
  t.equal(stderr, '')
  t.equal(code, 0)
  t.match(stdout, new RegExp(`3 file\\(s\\), as they are, to ${bucket} in ap-guangzhou and back`))
  t.match(stdout, /^ {2}SHA-256 +equal, 3 of 3$/m)
  t.match(stdout, /^ {2}copied +3 objects/m)
  t.match(stdout, /^ {2}second run +moved nothing: 3 skipped up, 3 down$/m)
  const made = keysOf(cos, 'PutObject')
  t.same(
    made.map((key) => key.replace(/^cospipe-demo-\w+\//, '')),
    ['there/a.txt', 'there/deep/er/b c.txt', 'there/empty']
  )
  t.same(await left(cos), [])
})

t.test('--encrypt sends no plaintext, and the bytes come back', async (t) => {
  const { cos, environment } = await ownBucket(t)
  const dir = t.testdir({ 'a.txt': 'a'.repeat(1000), deep: { 'b.txt': 'b' } })
  for (const [path, count] of [
    [join(dir, 'a.txt'), 1],
    [dir, 2]
  ] as const) {
    const { code, stdout, stderr } = await startDemo(t, path, environment, '--encrypt').ended
    t.equal(stderr, '')
    t.equal(code, 0)
    t.match(stdout, /, encrypted by a key of this run, to examplebucket/)
    t.match(stdout, new RegExp(`^ {2}SHA-256 +equal, ${String(count)} of ${String(count)}$`, 'm'))
  }
  const puts = cos.emulator.requests().filter(({ operation }) => operation === 'PutObject')
  t.equal(puts.length, 3)
  for (const { headers } of puts) t.ok(headers['x-cos-meta-cospipe-sealed'])
  t.same(await left(cos), [])
})

t.test('bytes that come back changed end it with an error, and without a secret', async (t) => {
  const { cos, environment } = await ownBucket(t, {
    fault: script([{ operation: 'GetObject', fault: { flip: 100 } }])
  })
  const dir = t.testdir({ 'a.txt': randomBytes(1000).toString('hex') })
  const { code, stdout, stderr } = await startDemo(t, join(dir, 'a.txt'), environment).ended
  t.equal(code, 1)
  t.match(stderr, /^\ndownloadStream examplebucket-1250000000\/cospipe-demo-\w+\/a\.txt\.gz: crc64 differs/)
  t.notMatch(stdout, /SHA-256/)
  t.notMatch(stdout + stderr, new RegExp(exampleCredentials.secretKey))
  t.equal(keysOf(cos, 'PutObject').length, 1)
  t.same(await left(cos), [])
})

t.test('a Ctrl-C ends the upload, and its parts are deleted', async (t) => {
  let onUpload: () => void = () => undefined
  const begun = new Promise<void>((settle) => {
    onUpload = settle
  })
  const { cos, environment } = await ownBucket(t, {
    fault: ({ operation }) => {
      if (operation !== 'UploadPart') return undefined
      onUpload()
      return { delay: 60_000 }
    }
  })
  const dir = t.testdir()
  writeFileSync(join(dir, 'some.bin'), randomBytes(17 * MiB))
  const run = startDemo(t, join(dir, 'some.bin'), environment)
  await begun
  run.process.kill('SIGINT')
  const { code, stderr } = await run.ended
  t.equal(code, 130)
  t.match(stderr, /^\nuploadStream examplebucket-1250000000\/\S+: aborted by signal/)
  t.same(keysOf(cos, 'AbortMultipartUpload'), keysOf(cos, 'CreateMultipartUpload'))
  t.equal(keysOf(cos, 'AbortMultipartUpload').length, 1)
})

t.test('what cannot begin says why', async (t) => {
  const { environment } = await ownBucket(t)
  const dir = t.testdir({ 'a.txt': 'a', nothing: {} })
  const file = join(dir, 'a.txt')
  const ends = await Promise.all(
    (
      [
        [file, { ...environment, COS_BUCKET: 'Nonsense' }],
        [file, { ...environment, COS_SECRET_KEY: '' }],
        [join(dir, 'missing'), environment],
        [join(dir, 'nothing'), environment]
      ] as const
    ).map(([path, its]) => startDemo(t, path, its).ended)
  )
  t.same(
    ends.map(({ code }) => code),
    [1, 1, 1, 1]
  )
  const [bucketless, secretless, missing, nothing] = ends.map(({ stderr }) => stderr)
  t.match(bucketless, /uploadStream Nonsense\/\S+: bucket: must be a bucket name/)
  t.match(secretless, /COS_SECRET_KEY: environment variable is not set/)
  t.match(missing, /ENOENT/)
  t.match(nothing, /there is no file in/)
})
