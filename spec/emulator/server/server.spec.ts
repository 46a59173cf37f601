import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { Agent } from 'node:http'
import { createServer } from 'node:net'
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import * as E from 'fp-ts/lib/Either.js'
import t from 'tap'
import {
  formatEmulatorError,
  type EmulatorOptions,
  exampleCredentials,
  startEmulator
} from '../../../lib/emulator/index.js'
import { bundledPrograms } from '../../support/child-processes.js'
import { isLongForm } from '../../support/long-form.js'
import { waitFor } from '../../support/wait-for.js'
import { processorTime } from '../../support/processor-time.js'
import { settlesWithin } from '../../support/settles-within.js'
import { requestHead, openRawSocket } from '../../support/raw-socket.js'
import { sendRequest, startTestEmulator, initiate, readTags } from '../../support/signed.js'

t.test("startEmulator fails with InvalidOption and the field's name if an option is not valid", async (t) => {
  const cases: ReadonlyArray<readonly [EmulatorOptions, string]> = [
    [{ port: 70_000 }, 'port'],
    [{ port: 1.5 }, 'port'],
    [{ host: '' }, 'host'],
    [{ dir: '' }, 'dir'],
    [{ region: 'a/b' }, 'region'],
    [{ minPartSize: 0 }, 'minPartSize'],
    [{ buckets: ['no appid'] }, 'buckets.0'],
    [{ buckets: ['a-1', { name: 'Upper-1' }] }, 'buckets.1'],
    [{ buckets: ['a-1', 'a-1'] }, 'buckets.1'],
    [{ credentials: [{ secretId: '', secretKey: 'x' }] }, 'credentials.0'],
    [{ credentials: [exampleCredentials, { secretId: 'x', secretKey: ' y' }] }, 'credentials.1']
  ]
  for (const [options, field] of cases) {
    const started = await startEmulator(options)()
    t.match(started, E.left({ _tag: 'InvalidOption', field }), JSON.stringify(options))
    t.ok(E.isLeft(started) && formatEmulatorError(started.left).startsWith(`${field}: must be `))
  }
})

t.test('startEmulator fails with InvalidOption and a suggestion if an option is unknown', async (t) => {
  for (const [options, field, line] of [
    [{ ports: 1 }, 'ports', 'unknown option "ports" (did you mean "port"?)'],
    [{ bucket: ['a-1'] }, 'bucket', 'unknown option "bucket" (did you mean "buckets"?)'],
    [{ zzzzzzzzzz: 1 }, 'zzzzzzzzzz', 'unknown option "zzzzzzzzzz"'],
    [
      { buckets: [{ name: 'a-1', versionning: 'Enabled' }] },
      'buckets.0.versionning',
      'unknown option "buckets.0.versionning" (did you mean "versioning"?)'
    ],
    [
      { credentials: [{ secretId: 'a', secretKey: 'b', tokens: 'c' }] },
      'credentials.0.tokens',
      'unknown option "credentials.0.tokens" (did you mean "token"?)'
    ],
    [{ buckets: 'a-1' }, 'buckets', 'buckets: must be an array']
  ] as const) {
    const started = await startEmulator(options as unknown as EmulatorOptions)()
    t.match(started, E.left({ _tag: 'InvalidOption', field }))
    t.equal(E.isLeft(started) ? formatEmulatorError(started.left) : '', line)
  }
})

t.test('a directory belongs to one running emulator', async (t) => {
  const dir = t.testdir()
  const first = await startTestEmulator(t, { dir })
  const second = await startEmulator({ dir })()
  t.match(second, E.left({ _tag: 'DirectoryInUse', dir, pid: process.pid }))
  t.match(
    E.isLeft(second) ? formatEmulatorError(second.left) : '',
    new RegExp(`process ${String(process.pid)}\\b`)
  )
  await sendRequest(first, { method: 'PUT', key: 'k', body: 'x' })
  await first.close()
  const third = await startTestEmulator(t, { dir })
  t.equal((await sendRequest(third, { key: 'k' })).text, 'x')
})

t.test('the lock of another live process is respected, and that of a dead one is taken over', async (t) => {
  const dir = t.testdir()
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' })
  t.teardown(() => child.kill('SIGKILL'))
  const pid = child.pid ?? 0
  writeFileSync(join(dir, 'lock'), JSON.stringify({ pid }))
  t.match(await startEmulator({ dir })(), E.left({ _tag: 'DirectoryInUse', pid }))
  child.kill('SIGKILL')
  await once(child, 'exit')
  await (await startTestEmulator(t, { dir })).close()
  // A process id that was assigned again: this process, with another start time.
  writeFileSync(join(dir, 'lock'), JSON.stringify({ pid: process.pid, started: '1' }))
  await (await startTestEmulator(t, { dir })).close()
  writeFileSync(join(dir, 'lock'), 'torn')
  await (await startTestEmulator(t, { dir })).close()
  t.notOk(existsSync(join(dir, 'lock')))
})

t.test('of emulators that start at once on one directory, one succeeds', async (t) => {
  for (let round = 0; round < (isLongForm ? 200 : 5); round += 1) {
    const dir = join(t.testdir(), String(round))
    mkdirSync(dir)
    const dead = JSON.stringify({ pid: 2 ** 22 + 1 })
    const hash = createHash('sha256').update(dead).digest('hex').slice(0, 16)
    writeFileSync(join(dir, 'lock'), dead)
    // A process that died while it took the lock over.
    if (round % 2 === 1) writeFileSync(join(dir, `lock.${hash}`), dead)
    const started = await Promise.all(Array.from({ length: 8 }, () => startEmulator({ dir })()))
    const running = started.flatMap((one) => (E.isRight(one) ? [one.right] : []))
    t.equal(running.length, 1)
    await Promise.all(running.map(({ close }) => close()))
    t.same(
      readdirSync(dir).filter((name) => name.startsWith('lock')),
      []
    )
  }
})

t.test(
  'a directory that cannot be created is an error',
  { skip: process.platform !== 'linux' },
  async (t) => {
    const started = startEmulator({ dir: '/proc/no-such/directory' })()
    t.ok(await settlesWithin(2000, started))
    t.match(await started, E.left({ _tag: 'CannotStore', dir: '/proc/no-such/directory' }))
  }
)

t.test('startEmulator fails with CannotListen or CannotStore', async (t) => {
  const taken = createServer().listen(0, '127.0.0.1')
  await once(taken, 'listening')
  t.teardown(() => taken.close())
  const address = taken.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  t.match(await startEmulator({ port })(), E.left({ _tag: 'CannotListen', code: 'EADDRINUSE', port }))
  const dir = `${t.testdir({ file: 'x' })}/file`
  t.match(await startEmulator({ dir })(), E.left({ _tag: 'CannotStore', dir }))
  const seed = [{ bucket: 'nobodys-1', key: 'x' }]
  t.match(await startEmulator({ seed })(), E.left({ _tag: 'CannotStore' }))
})

t.test('each call of the task starts another emulator', async (t) => {
  const task = startEmulator()
  const [first, second] = [await task(), await task()]
  if (E.isLeft(first) || E.isLeft(second)) throw new Error('no emulator')
  t.not(first.right.port, second.right.port)
  await sendRequest(first.right, { method: 'PUT', key: 'k', body: 'x' })
  t.equal((await sendRequest(second.right, { key: 'k' })).status, 404)
  await Promise.all([first.right.close(), second.right.close(), second.right.close()])
  t.equal(first.right.openConnections(), 0)
  await t.rejects(sendRequest(first.right, { key: 'k', agent: new Agent() }), { code: 'ECONNREFUSED' })
})

t.test('close ends running requests and all connections at once', async (t) => {
  const emulator = await startTestEmulator(t, { fault: () => ({ delay: 60_000 }) })
  const waiting = sendRequest(emulator, { key: 'k' })
  const upload = await openRawSocket(emulator.port)
  upload.send(
    `${requestHead(emulator, { method: 'PUT', key: 'k', headers: { 'content-length': '100' } })}half`
  )
  await waitFor(() => emulator.openConnections() >= 2)
  const closed = Promise.allSettled([waiting, emulator.close()])
  t.ok(await settlesWithin(1000, closed))
  const [ended] = await closed
  t.equal(ended.status, 'rejected')
  t.equal(emulator.openConnections(), 0)
})

t.test('a directory keeps objects and open uploads for the next emulator', async (t) => {
  const dir = t.testdir()
  const first = await startTestEmulator(t, { dir })
  await sendRequest(first, { method: 'PUT', key: 'k', body: 'kept', headers: { 'x-cos-meta-a': '1' } })
  const uploadId = await initiate(first, 'u')
  await sendRequest(first, { method: 'PUT', key: 'u', query: { partNumber: '7', uploadId }, body: 'part' })
  await first.close()
  const second = await startTestEmulator(t, {
    dir,
    buckets: [{ name: 'examplebucket-1250000000', acl: 'public-read' }]
  })
  const response = await sendRequest(second, { key: 'k', credentials: null })
  t.match(response, { status: 200, text: 'kept', headers: { 'x-cos-meta-a': '1' } })
  t.strictSame(readTags((await sendRequest(second, { key: 'u', query: { uploadId } })).text, 'PartNumber'), [
    '7'
  ])
})

t.test('acknowledged objects survive kill -9', async (t) => {
  const dir = t.testdir()
  const cli = join(bundledPrograms, 'lib/emulator/cli.js')
  const child = spawn(process.execPath, [cli, '--dir', dir], {
    stdio: ['ignore', 'pipe', 'inherit']
  })
  t.teardown(() => child.kill('SIGKILL'))
  const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string]
  const port = Number(/:(\d+)$/.exec(line)?.[1])
  const remote = { port, credentials: exampleCredentials } as Awaited<ReturnType<typeof startTestEmulator>>
  const acknowledged: Array<string> = []
  const writeKeys = async (name: string): Promise<void> => {
    for (let n = 0; ; n += 1) {
      const key = `${name}/${String(n)}`
      const response = await sendRequest(remote, { method: 'PUT', key, body: key.repeat(500) })
      if (response.status === 200) acknowledged.push(key)
    }
  }
  const writers = ['a', 'b', 'c'].map((name) => writeKeys(name).catch(() => undefined))
  await waitFor(() => acknowledged.length >= 60)
  child.kill('SIGKILL')
  await Promise.all(writers)

  const emulator = await startTestEmulator(t, { dir })
  for (const key of acknowledged) {
    const response = await sendRequest(emulator, { key })
    if (response.text !== key.repeat(500)) t.fail(`${key} is not what it was`)
  }
  t.ok(acknowledged.length >= 60)
})

t.test('seed objects exist at the start, and 50 TiB of them take no memory', async (t) => {
  const bucket = 'examplebucket-1250000000'
  const seed = [
    { bucket, key: 'huge', size: 50 * 1024 ** 4, modified: 1_700_000_000_000 },
    { bucket, key: 'cold', storageClass: 'ARCHIVE' }
  ]
  const emulator = await startTestEmulator(t, { seed })
  const head = await sendRequest(emulator, { method: 'HEAD', key: 'huge' })
  t.equal(head.headers['content-length'], String(50 * 1024 ** 4))
  t.equal(head.headers['last-modified'], 'Tue, 14 Nov 2023 22:13:20 GMT')
  const last = { range: `bytes=${String(50 * 1024 ** 4 - 3)}-` }
  t.strictSame((await sendRequest(emulator, { key: 'huge', headers: last })).body, Buffer.alloc(3))
  t.equal((await sendRequest(emulator, { key: 'cold' })).status, 403)
})

/** Of the keys of a bucket, and of the CPU time for a page of them, in milliseconds. */
const [manyKeys, mostTime] = isLongForm ? [100_000, 2000] : [40_000, 800]

t.test(`a page of ${String(manyKeys)} keys takes less than ${String(mostTime)} ms of CPU time`, async (t) => {
  const bucket = 'examplebucket-1250000000'
  const seed = Array.from({ length: manyKeys }, (_, n) => ({
    bucket,
    key: `dir/${String(n).padStart(6, '0')}`
  }))
  const emulator = await startTestEmulator(t, { seed })
  const before = processorTime()
  const response = await sendRequest(emulator, { query: { marker: 'dir/020000', 'max-keys': '1000' } })
  t.strictSame(
    [readTags(response.text, 'Key')[0], readTags(response.text, 'Key').length],
    ['dir/020001', 1000]
  )
  t.ok(processorTime() - before < mostTime)
})

t.test('requests() keeps the newest keepRequests records', async (t) => {
  const heard: Array<string> = []
  const emulator = await startTestEmulator(t, { keepRequests: 2, onRequest: ({ key }) => heard.push(key) })
  for (const key of ['a', 'b', 'c']) await sendRequest(emulator, { key })
  t.strictSame(
    emulator.requests().map(({ key }) => key),
    ['b', 'c']
  )
  t.strictSame(heard, ['a', 'b', 'c'])
})
