import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync } from 'node:fs'
import { chmod, lstat, mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { pipe } from 'fp-ts/lib/function.js'
import * as O from 'fp-ts/lib/Option.js'
import * as RTE from 'fp-ts/lib/ReaderTaskEither.js'
import t from 'tap'
import { crc64 } from '../../../lib/core/crc64.js'
import { withSignal } from '../../../lib/client/combinators.js'
import { send } from '../../../lib/client/send.js'
import type { Fault, FaultInput } from '../../../lib/emulator/index.js'
import { deleteObject } from '../../../lib/operations/delete-object.js'
import { getObject } from '../../../lib/operations/get-object.js'
import { headObject } from '../../../lib/operations/head-object.js'
import { putObject } from '../../../lib/operations/put-object.js'
import { downloadFile } from '../../../lib/transfers/download/download-file.js'
import { toFile } from '../../../lib/transfers/download/to-file.js'
import { bytesOf } from '../../support/bytes.js'
import { waitFor } from '../../support/wait-for.js'
import { bucket } from '../../support/cos.js'
import {
  at,
  bytes,
  abortAfterRanges,
  firstByteOf,
  tempDirectory,
  createDownloadFixture,
  assertDownloaded,
  assertUntouched,
  newProgress,
  partSize,
  createStallFault,
  countRecordedRanges
} from '../../support/download-fixture.js'
import { settlesWithin } from '../../support/settles-within.js'
import { left, right } from '../../support/server.js'

// -- results --
t.test('downloadFile saves objects of any size, in one range or several', async (t) => {
  for (const size of [0, 1, partSize - 1, partSize, partSize + 1, 7 * partSize]) {
    const body = bytes.subarray(0, size)
    const here = await createDownloadFixture(t, {}, body)
    const done = right(await downloadFile(here.input)(here.client())())
    await assertDownloaded(t, here, body)
    t.match(done, {
      file: join(here.dir, 'a.bin'),
      size,
      parts: Math.max(1, Math.ceil(size / partSize)),
      resumed: 0,
      integrity: { _tag: 'Verified', crc64: await crc64(body) }
    })
  }
})

t.test('up to the threshold one GET fetches the object, above it ranges, all with If-Match', async (t) => {
  const here = await createDownloadFixture(t)
  const { etag } = right(await send(headObject(at))(here.client())())
  for (const [threshold, count] of [
    [bytes.length, 1],
    [bytes.length - 1, 11]
  ] as const) {
    const before = here.operations().length
    const { parts } = right(await downloadFile({ ...here.input, threshold })(here.client())())
    t.equal(parts, count)
    const [head, ...gets] = here.emulator.requests().slice(before)
    t.equal(head?.operation, 'HeadObject')
    t.equal(gets.length, count)
    t.ok(gets.every(({ operation, headers }) => operation === 'GetObject' && headers['if-match'] === etag))
    await assertDownloaded(t, here)
  }
})

t.test('partSize doubles until 10,000 ranges suffice', async (t) => {
  const controller = new AbortController()
  const requested: Array<string | undefined> = []
  const large = { bucket, key: 'large', size: 100 * 1024 ** 3 }
  const here = await createDownloadFixture(t, {
    seed: [large],
    fault: ({ operation, headers }) => {
      if (operation !== 'GetObject') return undefined
      requested.push(headers['range'])
      controller.abort()
      return { delay: 60_000 }
    }
  })
  const input = { ...here.input, key: large.key, partSize: 1024 ** 2, concurrency: 1 }
  t.match(left(await withSignal(controller.signal)(downloadFile(input))(here.client())()), {
    _tag: 'Aborted'
  })
  t.same(requested, [`bytes=0-${String(16 * 1024 ** 2 - 1)}`])
  await assertUntouched(t, here)
})

t.test('a range that breaks off resumes at the next byte', async (t) => {
  let cuts = 0
  const here = await createDownloadFixture(t, {
    fault: ({ operation }) =>
      operation === 'GetObject' && (cuts += 1) % 2 === 1 ? { cut: { at: 'body', after: 30_000 } } : undefined
  })
  right(await downloadFile(here.input)(here.client())())
  await assertDownloaded(t, here)
  t.ok(here.fetched() < bytes.length + cuts * 16_384)
})

t.test('in a bucket with versions the download is pinned to one version', async (t) => {
  const stall = createStallFault()
  const here = await createDownloadFixture(t, {
    fault: stall.fault,
    buckets: [{ name: bucket, versioning: 'Enabled' }]
  })
  const { versionId } = right(await send(headObject(at))(here.client())())
  stall.from = 4 * partSize
  await abortAfterRanges(here, 4)
  const other = bytesOf(bytes.length, 2)
  await here.put(other)
  stall.from = Number.POSITIVE_INFINITY
  right(await downloadFile({ ...here.input, versionId: O.toUndefined(versionId) ?? '' })(here.client())())
  await assertDownloaded(t, here)
  t.ok(
    here.emulator
      .requests()
      .every(({ operation, query }) => operation !== 'GetObject' || 'versionId' in query)
  )
  right(await downloadFile(here.input)(here.client())())
  await assertDownloaded(t, here, other)
})

t.test('an object without CRC64 is downloaded as Unverifiable', async (t) => {
  const here = await createDownloadFixture(t, {
    fault: () => ({ headers: { 'x-cos-hash-crc64ecma': null } })
  })
  const { integrity } = right(await downloadFile(here.input)(here.client())())
  t.match(integrity, { _tag: 'Unverifiable', reason: 'NoChecksum', crc64: O.some(await crc64(bytes)) })
  await assertDownloaded(t, here)
})

t.test('progress counts fetched bytes and bytes of an earlier run', async (t) => {
  const stall = createStallFault()
  const here = await createDownloadFixture(t, { fault: stall.fault })
  stall.from = 4 * partSize
  await abortAfterRanges(here, 4)
  stall.from = Number.POSITIVE_INFINITY
  const progress = newProgress()
  right(await downloadFile({ ...here.input, progress })(here.client())())
  const seen = []
  for await (const snapshot of progress) seen.push(snapshot)
  t.match(seen.at(-1), { transferred: bytes.length, parts: { inFlight: 0, done: 11 } })
})

t.test('start, ranges and end are published on the diagnostics channels', async (t) => {
  const here = await createDownloadFixture(t, {}, bytes.subarray(0, 2 * partSize))
  const heard: Array<unknown> = []
  const hear = (event: unknown): void => void heard.push(event)
  for (const name of ['cospipe:transfer', 'cospipe:part']) {
    subscribe(name, hear)
    t.teardown(() => unsubscribe(name, hear))
  }
  right(await downloadFile({ ...here.input, concurrency: 1 })(here.client())())
  left(await downloadFile({ ...here.input, key: 'missing' })(here.client())())
  const about = { operation: 'downloadFile', bucket, key: at.key }
  const part = { ...about, size: partSize, direction: 'down', error: '' }
  t.same(heard, [
    { ...about, phase: 'start', transferred: 0, error: '' },
    { ...part, part: 1, phase: 'start' },
    { ...part, part: 1, phase: 'end' },
    { ...part, part: 2, phase: 'start' },
    { ...part, part: 2, phase: 'end' },
    { ...about, phase: 'end', transferred: 2 * partSize, error: '' },
    { ...about, key: 'missing', phase: 'start', transferred: 0, error: '' },
    { ...about, key: 'missing', phase: 'end', transferred: 0, error: 'ServiceError' }
  ])
})

// -- failures --
t.test('an object replaced meanwhile fails with ObjectChanged, and the next run starts over', async (t) => {
  const stall = createStallFault()
  const here = await createDownloadFixture(t, { fault: stall.fault })
  stall.from = 4 * partSize
  const running = downloadFile(here.input)(here.client({ timeouts: { idle: 200 } }))()
  await waitFor(async () => (await countRecordedRanges(here.dir)) >= 4)
  const other = bytesOf(bytes.length, 2)
  await here.put(other)
  stall.from = Number.POSITIVE_INFINITY
  t.match(left(await running), { _tag: 'ObjectChanged' })
  await assertUntouched(t, here)
  here.fetched()
  t.equal(right(await downloadFile(here.input)(here.client())()).resumed, 0)
  t.equal(here.fetched(), bytes.length)
  await assertDownloaded(t, here, other)
})

t.test('an object deleted meanwhile fails with ObjectChanged', async (t) => {
  const stall = createStallFault()
  const here = await createDownloadFixture(t, { fault: stall.fault })
  stall.from = 4 * partSize
  const running = downloadFile(here.input)(here.client({ timeouts: { idle: 200 } }))()
  await waitFor(async () => (await countRecordedRanges(here.dir)) >= 4)
  right(await send(deleteObject(at))(here.client())())
  t.match(left(await running), { _tag: 'ObjectChanged', got: O.none })
  await assertUntouched(t, here)
})

t.test('a changed byte fails with IntegrityError, and the partial file is discarded', async (t) => {
  let flips = 1
  const here = await createDownloadFixture(t, {
    fault: (request) => (firstByteOf(request) === 3 * partSize && flips-- > 0 ? { flip: 5 } : undefined)
  })
  t.match(left(await downloadFile(here.input)(here.client())()), {
    _tag: 'IntegrityError',
    check: 'crc64',
    part: O.none
  })
  await assertUntouched(t, here)
  t.equal(right(await downloadFile(here.input)(here.client())()).resumed, 0)
  await assertDownloaded(t, here)
})

t.test('the partial file is kept after a failed request', async (t) => {
  let broken = true
  const here = await createDownloadFixture(t, {
    fault: (request) =>
      broken && firstByteOf(request) >= 4 * partSize
        ? { response: { status: 403, code: 'AccessDenied' } }
        : undefined
  })
  t.match(left(await downloadFile({ ...here.input, concurrency: 1 })(here.client())()), {
    _tag: 'ServiceError',
    status: 403
  })
  await assertUntouched(t, here, tempDirectory)
  broken = false
  t.equal(right(await downloadFile(here.input)(here.client())()).resumed, 4 * partSize)
  await assertDownloaded(t, here)
})

t.test('after 404 and 304 no file remains', async (t) => {
  const here = await createDownloadFixture(t)
  t.match(left(await downloadFile({ ...here.input, key: 'other' })(here.client())()), {
    _tag: 'ServiceError',
    status: 404
  })
  const { etag } = right(await send(headObject(at))(here.client())())
  t.match(left(await downloadFile({ ...here.input, ifNoneMatch: etag })(here.client())()), {
    _tag: 'ServiceError',
    status: 304
  })
  await assertUntouched(t, here)
})

t.test('a target that is a directory, or in a missing one, fails with FileError', async (t) => {
  const here = await createDownloadFixture(t)
  await mkdir(join(here.dir, 'sub'))
  for (const [path, code] of [
    ['sub', 'EISDIR'],
    ['missing/a', 'ENOENT'],
    ['a.bin/a', 'ENOTDIR']
  ] as const) {
    const file = join(here.dir, path)
    t.match(left(await downloadFile({ ...here.input, file })(here.client())()), {
      _tag: 'FileError',
      path: file,
      code,
      context: { operation: 'downloadFile', bucket, key: O.some(at.key) }
    })
  }
  await assertUntouched(t, here, 'sub')
  t.same(await readdir(join(here.dir, 'sub')), [])
})

t.test('a target that becomes a directory meanwhile stays, and so does the partial file', async (t) => {
  const here = await createDownloadFixture(t)
  const file = join(here.dir, 'b')
  const progress = newProgress()
  const report: typeof progress.report = (event) => {
    if (event._tag === 'PartDone') mkdirSync(join(file, 'inside'), { recursive: true })
    progress.report(event)
  }
  const done = await downloadFile({ ...here.input, file, progress: { ...progress, report } })(here.client())()
  t.match(left(done), { _tag: 'FileError', code: /EISDIR|ENOTEMPTY|EPERM|EEXIST/ })
  t.same(await readdir(file), ['inside'])
  t.same((await readdir(here.dir)).sort(), ['a.bin', 'b', 'b.cospipe-download'])
})

t.test('an invalid input is refused before anything is sent', async (t) => {
  const here = await createDownloadFixture(t)
  const before = here.operations().length
  const broken: ReadonlyArray<readonly [string, object]> = [
    ['file', { file: '' }],
    ['file', { file: 'a/' }],
    ['file', { file: 'a\0b' }],
    ['file', { file: join(here.dir, tempDirectory, 'part') }],
    ['partSize', { partSize: 0 }],
    ['concurrency', { concurrency: 0 }],
    ['threshold', { threshold: -1 }],
    ['checkpoint', { checkpoint: '' }],
    ['checkpoint', { checkpoint: true }],
    ['onFailure', { onFailure: 'abort' }],
    ['durable', { durable: 'yes' }],
    ['progress', { progress: {} }],
    ['concurrency', { concurrency: 0 }]
  ]
  for (const [field, change] of broken) {
    const input = { ...here.input, ...change }
    t.match(left(await downloadFile(input)(here.client())()), { _tag: 'InvalidInput', field }, field)
  }
  t.equal(here.operations().length, before)
  await assertUntouched(t, here)
})

// -- links, modes --
t.test('symbolic links at target, temporary directory and partial file are not followed', async (t) => {
  const stall = createStallFault()
  const here = await createDownloadFixture(t, { fault: stall.fault })
  const outside = t.testdir({ victim: 'v' })
  const victim = join(outside, 'victim')
  const { input, dir } = { ...here, dir: here.dir }
  t.equal(dir, outside, 'tap creates one directory for each test')
  await writeFile(join(dir, 'a.bin'), 'old')

  // The file itself.
  await symlink(victim, join(dir, 'link'))
  right(await downloadFile({ ...input, file: join(dir, 'link') })(here.client())())
  t.notOk((await lstat(join(dir, 'link'))).isSymbolicLink())
  // The temporary directory.
  await mkdir(join(dir, 'elsewhere'))
  await symlink(join(dir, 'elsewhere'), join(dir, tempDirectory))
  right(await downloadFile(input)(here.client())())
  t.same(await readdir(join(dir, 'elsewhere')), [])
  t.ok((await lstat(join(dir, tempDirectory))).isSymbolicLink(), 'a link that is not ours is left')
  // The partial file and the journal.
  for (const name of ['part', 'journal']) {
    const file = join(dir, `${name}.bin`)
    const within = `${file}.cospipe-download`
    await mkdir(within, { mode: 0o700 })
    await symlink(victim, join(within, name))
    right(await downloadFile({ ...input, file })(here.client())())
    t.ok(bytes.equals(await readFile(file)))
  }
  t.equal(await readFile(victim, 'utf8'), 'v')
})

t.test('a replaced file keeps its mode, and a new file has that of the umask', async (t) => {
  const here = await createDownloadFixture(t)
  const mode = async (name: string): Promise<number> => (await stat(join(here.dir, name))).mode & 0o7777
  for (const old of [0o600, 0o640, 0o755, 0o444]) {
    await chmod(join(here.dir, 'a.bin'), old)
    right(await downloadFile(here.input)(here.client())())
    t.equal((await mode('a.bin')).toString(8), old.toString(8))
  }
  const umask = process.umask(0o027)
  t.teardown(() => process.umask(umask))
  right(await downloadFile({ ...here.input, file: join(here.dir, 'new') })(here.client())())
  t.equal((await mode('new')).toString(8), '640')
  await symlink('new', join(here.dir, 'link'))
  await chmod(join(here.dir, 'new'), 0o666)
  right(await downloadFile({ ...here.input, file: join(here.dir, 'link') })(here.client())())
  t.equal((await mode('link')).toString(8), '640', 'a link is replaced by a new file')
})

t.test('the partial file is readable by its owner alone', async (t) => {
  const stall = createStallFault()
  const here = await createDownloadFixture(t, { fault: stall.fault })
  await chmod(join(here.dir, 'a.bin'), 0o666)
  stall.from = 4 * partSize
  await abortAfterRanges(here, 4)
  for (const name of ['part', 'journal'])
    t.equal((await stat(join(here.dir, tempDirectory, name))).mode & 0o777, 0o600, name)
})

t.test('a target that is a pipe or a device fails with ENOTFILE and stays', async (t) => {
  const here = await createDownloadFixture(t)
  execFileSync('mkfifo', [join(here.dir, 'pipe')])
  await symlink('pipe', join(here.dir, 'to-pipe'))
  await symlink('/dev/null', join(here.dir, 'to-device'))
  for (const name of ['pipe', 'to-pipe', 'to-device']) {
    const file = join(here.dir, name)
    const { mode } = await lstat(file)
    t.match(left(await downloadFile({ ...here.input, file })(here.client())()), {
      _tag: 'FileError',
      code: 'ENOTFILE',
      path: file
    })
    t.match(left(await pipe(send(getObject(at)), RTE.chain(toFile(file)))(here.client())()), {
      _tag: 'FileError',
      code: 'ENOTFILE'
    })
    t.equal((await lstat(file)).mode, mode, name)
  }
  await assertUntouched(t, here, 'pipe', 'to-pipe', 'to-device')
})

t.test('a target that becomes a pipe meanwhile stays', async (t) => {
  const here = await createDownloadFixture(t)
  const file = join(here.dir, 'b')
  const progress = newProgress()
  const report: typeof progress.report = (event) => {
    if (event._tag === 'PartDone' && !existsSync(file)) execFileSync('mkfifo', [file])
    progress.report(event)
  }
  const done = await downloadFile({ ...here.input, file, progress: { ...progress, report } })(here.client())()
  t.match(left(done), { _tag: 'FileError', code: 'ENOTFILE' })
  t.ok((await lstat(file)).isFIFO())
})

// -- aborts --
t.test('an abort settles within 50 ms in any state, and the next run succeeds', async (t) => {
  const states: ReadonlyArray<readonly [string, (request: FaultInput) => Fault | undefined]> = [
    ['before the HEAD', ({ operation }) => (operation === 'HeadObject' ? { delay: 60_000 } : undefined)],
    ['before the first byte', ({ operation }) => (operation === 'GetObject' ? { delay: 60_000 } : undefined)],
    [
      'within the ranges',
      (request) => (firstByteOf(request) >= 0 ? { stall: { after: 1000, pause: 60_000 } } : undefined)
    ],
    [
      'between two attempts',
      ({ operation }) =>
        operation === 'GetObject'
          ? { response: { status: 503, code: 'SlowDown', headers: { 'retry-after': '60' } } }
          : undefined
    ]
  ]
  for (const [state, fault] of states) {
    let faulty = true
    const here = await createDownloadFixture(t, { fault: (request) => (faulty ? fault(request) : undefined) })
    const controller = new AbortController()
    const before = here.operations().length
    const running = withSignal(controller.signal)(downloadFile(here.input))(here.client())()
    const awaited = state === 'before the HEAD' ? 'HeadObject' : 'GetObject'
    await waitFor(() => here.operations().slice(before).includes(awaited))
    await setTimeout(50)
    controller.abort(new Error(state))
    t.ok(await settlesWithin(50, running), state)
    t.match(left(await running), { _tag: 'Aborted', reason: { message: state } })
    faulty = false
    // Immediately: nothing of the first run may block the next.
    right(await downloadFile(here.input)(here.client())())
    await assertDownloaded(t, here)
  }
})

t.test('if the signal has already fired, nothing is sent and no file is changed', async (t) => {
  const here = await createDownloadFixture(t)
  const before = here.operations().length
  const done = withSignal(AbortSignal.abort())(downloadFile(here.input))(here.client())()
  t.match(left(await done), { _tag: 'Aborted' })
  t.equal(here.operations().length, before)
  await assertUntouched(t, here)
})

t.test('parallel downloads to one file do not disturb each other', async (t) => {
  const here = await createDownloadFixture(t)
  const other = { bucket, key: 'other' }
  const otherBytes = bytesOf(bytes.length + 1, 5)
  right(await send(putObject({ ...other, body: otherBytes }))(here.client())())
  for (let round = 0; round < 5; round += 1) {
    const done = await Promise.all([
      downloadFile(here.input)(here.client())(),
      downloadFile({ ...here.input, ...other })(here.client())(),
      downloadFile(here.input)(here.client())()
    ])
    t.same(
      done.map((one) => right(one).integrity._tag),
      ['Verified', 'Verified', 'Verified']
    )
    const there = await readFile(join(here.dir, 'a.bin'))
    t.ok(there.equals(bytes) || there.equals(otherBytes), 'one of the two, complete')
    t.same(await readdir(here.dir), ['a.bin'])
  }
})
