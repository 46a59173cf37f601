import { execFileSync } from 'node:child_process'
import { existsSync, utimesSync, writeFileSync } from 'node:fs'
import { mkdir, readdir, realpath, rm, symlink, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import * as O from 'fp-ts/lib/Option.js'
import t from 'tap'
import type { FaultInput, Fault } from '../../../lib/emulator/index.js'
import { CosException } from '../../../lib/core/error.js'
import { withSignal } from '../../../lib/client/combinators.js'
import { createProgressWith } from '../../../lib/stages/progress.js'
import { streamObjects } from '../../../lib/transfers/list/stream-objects.js'
import { collect } from '../../../lib/transfers/shared/effect-stream.js'
import {
  uploadDirectory,
  type UploadDirectoryInput,
  type UploadDirectoryResult
} from '../../../lib/transfers/directory/upload-directory.js'
import { becomesTrue } from '../../support/wait-for.js'
import { bucket, startCos, type Cos } from '../../support/cos.js'
import { toArray } from '../../support/iterables.js'
import { settlesWithin } from '../../support/settles-within.js'
import { left, right } from '../../support/server.js'
import { createTree } from '../../support/file-trees.js'

type Input = Omit<UploadDirectoryInput, 'bucket'>

const upload = async (cos: Cos, input: Input): Promise<ReadonlyArray<UploadDirectoryResult>> =>
  right(await collect(uploadDirectory({ bucket, ...input }))(cos.client())())

const summarize = (entries: ReadonlyArray<UploadDirectoryResult>): ReadonlyArray<string> =>
  entries.map((one) => `${one._tag === 'Ignored' ? one.reason : one._tag} ${one.path}`).sort()

const keys = async (cos: Cos): Promise<ReadonlyArray<string>> =>
  right(await collect(streamObjects({ bucket }))(cos.client())()).map(({ key }) => key)

const refused = { response: { status: 403, code: 'AccessDenied' } } as const
const rejectAll =
  (...names: ReadonlyArray<string>) =>
  ({ operation, key }: FaultInput): Fault | undefined =>
    operation === 'PutObject' && names.includes(key) ? refused : undefined

t.test('uploadDirectory puts files under the prefix, and an object for each empty folder', async (t) => {
  const cos = await startCos(t)
  const directory = await createTree(t.testdir(), { 'a/b': 'b', '.c': '', e: null, 'f/g': null })
  const entries = await upload(cos, {
    directory,
    prefix: 'to/',
    contentType: 'text/x',
    metadata: { a: 'b' }
  })
  t.same(summarize(entries), ['Folder e/', 'Folder f/g/', 'Uploaded .c', 'Uploaded a/b'])
  t.same(await keys(cos), ['to/.c', 'to/a/b', 'to/e/', 'to/f/g/'])
  t.match(
    entries.find(({ path }) => path === 'a/b'),
    { key: 'to/a/b', uploaded: { size: 1, integrity: { _tag: 'Verified' } } }
  )
  const types = new Map(cos.emulator.requests().map(({ key, headers }) => [key, headers['content-type']]))
  t.equal(types.get('to/a/b'), 'text/x')
  t.not(types.get('to/e/'), 'text/x')

  const without = await startCos(t)
  await upload(without, { directory, emptyFolders: false })
  t.same(await keys(without), ['.c', 'a/b'], 'without prefix and folder objects')
})

t.test(
  'checkpoint is the directory that names uploads in parts, and the next run resumes them',
  async (t) => {
    let isRefusing = true
    const cos = await startCos(t, {
      fault: ({ operation, query }) =>
        isRefusing && operation === 'UploadPart' && query['partNumber'] === '2' ? refused : undefined
    })
    const tree = t.testdir({ source: {}, checkpoints: {} })
    const directory = await createTree(join(tree, 'source'), { large: 'x'.repeat(2 * 1024 * 1024) })
    const checkpoint = join(tree, 'checkpoints')
    const input = { directory, checkpoint, threshold: 0, partSize: 1024 * 1024, partConcurrency: 1 }
    t.same(summarize(await upload(cos, { ...input, onFailure: 'keep' })), ['Failed large'])
    t.equal((await readdir(checkpoint)).length, 1)
    isRefusing = false
    t.match(await upload(cos, input), [{ _tag: 'Uploaded', uploaded: { resumed: 1024 * 1024 } }])
    t.same(await readdir(checkpoint), [])
  }
)

t.test('a prefix without a final slash is the folder of that name', async (t) => {
  const cos = await startCos(t)
  const directory = await createTree(t.testdir(), { a: 'a', e: null })
  t.same(summarize(await upload(cos, { directory, prefix: 'photos' })), ['Folder e/', 'Uploaded a'])
  t.same(summarize(await upload(cos, { directory, prefix: 'photos/' })), ['Skipped a', 'Skipped e/'])
  t.same(await keys(cos), ['photos/a', 'photos/e/'])
})

t.test('a second run uploads only what has changed', async (t) => {
  const cos = await startCos(t)
  const directory = await createTree(t.testdir(), { a: 'aaaa', 'b/c': 'cccc', e: null, z: '' })
  await upload(cos, { directory })
  const puts = cos.count('PutObject')
  t.same(summarize(await upload(cos, { directory })), ['Skipped a', 'Skipped b/c', 'Skipped e/', 'Skipped z'])
  t.equal(cos.count('PutObject'), puts)
  await writeFile(join(directory, 'a'), 'AAAA')
  t.same(summarize(await upload(cos, { directory })), [
    'Skipped b/c',
    'Skipped e/',
    'Skipped z',
    'Uploaded a'
  ])
  t.same(summarize(await upload(cos, { directory, skip: 'never' })), [
    'Folder e/',
    'Uploaded a',
    'Uploaded b/c',
    'Uploaded z'
  ])
})

t.test('skip time keeps objects of the same size that are not older', async (t) => {
  const cos = await startCos(t)
  const directory = await createTree(t.testdir(), { a: 'aaaa', b: 'bbbb', c: 'cccc' })
  const old = new Date(Date.now() - 60_000)
  for (const name of ['a', 'b', 'c']) await utimes(join(directory, name), old, old)
  await upload(cos, { directory, skip: 'time' })
  await writeFile(join(directory, 'a'), 'AAAA')
  await utimes(join(directory, 'a'), old, old)
  await writeFile(join(directory, 'b'), 'BBBBB')
  await utimes(join(directory, 'b'), old, old)
  const later = new Date(Date.now() + 60_000)
  await utimes(join(directory, 'c'), later, later)
  t.same(summarize(await upload(cos, { directory, skip: 'time' })), ['Skipped a', 'Uploaded b', 'Uploaded c'])
})

t.test('include and exclude select files, and an excluded folder is not read', async (t) => {
  const cos = await startCos(t)
  const directory = await createTree(t.testdir(), {
    ...{ 'a.log': 'a', 'a.txt': 'a', 'x/b.log': 'b', 'x/tmp/c.log': 'c', 'x/tmp/e': null },
    ...{ '.git/d.log': 'd' }
  })
  const include = ['**/*.log', '**/e']
  const exclude = ['**/tmp/**', '.git/**']
  t.same(summarize(await upload(cos, { directory, include, exclude })), [
    'Uploaded a.log',
    'Uploaded x/b.log'
  ])
  t.same(await keys(cos), ['a.log', 'x/b.log'])
})

t.test('with onError continue a failure is a result', async (t) => {
  const cos = await startCos(t, { fault: rejectAll('b', 'e/') })
  const directory = await createTree(t.testdir(), { a: 'a', b: 'b', c: 'c', e: null })
  const entries = await upload(cos, { directory })
  t.same(summarize(entries), ['Failed b', 'Failed e/', 'Uploaded a', 'Uploaded c'])
  t.match(
    entries.find(({ path }) => path === 'b'),
    { key: 'b', error: { _tag: 'ServiceError', code: 'AccessDenied', context: { operation: 'PutObject' } } }
  )
})

t.test('with onError stop files in progress are finished and reported, and no more start', async (t) => {
  const cos = await startCos(t, { fault: rejectAll('03') })
  const names = Array.from({ length: 30 }, (_, at) => String(at).padStart(2, '0'))
  const directory = await createTree(t.testdir(), Object.fromEntries(names.map((name) => [name, name])))
  const entries: Array<UploadDirectoryResult> = []
  const failure: unknown = await (async () => {
    const stream = uploadDirectory({ bucket, directory, onError: 'stop', concurrency: 2 })
    for await (const entry of stream(cos.client())) entries.push(entry)
  })().catch((thrown: unknown) => thrown)
  t.ok(failure instanceof CosException)
  t.match(failure, { error: { _tag: 'ServiceError', code: 'AccessDenied' } })
  t.ok(entries.length <= 6, String(entries.length))
  t.same(
    await keys(cos),
    entries.flatMap((entry) => (entry._tag === 'Uploaded' ? [entry.path] : [])).sort(),
    'each object put is reported'
  )
})

t.test('a file or folder removed before its turn fails alone', async (t) => {
  const directory = await createTree(t.testdir(), { '0': '0', '1': '1', '2': '2', '3/x': 'x', '4/y': 'y' })
  const cos = await startCos(t)
  const stream = uploadDirectory({ bucket, directory, concurrency: 1 })(cos.client())
  const entries: Array<UploadDirectoryResult> = []
  for await (const entry of stream) {
    if (entry.path === '0') {
      // At this point only the names in the root directory have been read.
      await rm(join(directory, '2'))
      await symlink('nowhere', join(directory, '2'))
      await rm(join(directory, '3'), { recursive: true })
      await rm(join(directory, '4'), { recursive: true })
      await writeFile(join(directory, '4'), 'no folder by now')
    }
    entries.push(entry)
  }
  t.match(summarize(entries), ['Failed 2', 'Failed 3/', 'Failed 4/', 'Uploaded 0', 'Uploaded 1'])
  const codes = entries.map((one) => (one._tag === 'Failed' && 'code' in one.error ? one.error.code : ''))
  t.same(
    codes.filter((code) => code !== ''),
    ['ELOOP', 'ENOENT', 'ENOTDIR']
  )
})

t.test('with onError stop an unreadable folder ends the stream', async (t) => {
  const directory = await createTree(t.testdir(), { '0': '0', '1': '1', '2': '2', '3/x': 'x' })
  const cos = await startCos(t)
  const stream = uploadDirectory({ bucket, directory, concurrency: 1, onError: 'stop' })(cos.client())
  const failure: unknown = await (async () => {
    for await (const _ of stream) await rm(join(directory, '3'), { recursive: true, force: true })
  })().catch((thrown: unknown) => thrown)
  t.match(failure, { error: { _tag: 'FileError', code: 'ENOENT' } })
})

t.test('a file rewritten while it is uploaded yields Failed, and the others are uploaded', async (t) => {
  const directory = await createTree(t.testdir(), { a: 'a', b: 'old bytes', c: 'c' })
  const path = join(directory, 'b')
  let isRewritten = false
  // The file changes during the HEAD, after it was opened and before it is read.
  const cos = await startCos(t, {
    fault: ({ operation, key }) => {
      if (operation === 'HeadObject' && key === 'b' && !isRewritten) {
        isRewritten = true
        writeFileSync(path, 'new bytes')
        utimesSync(path, 1, 1)
      }
      return undefined
    }
  })
  const entries = await upload(cos, { directory, skip: 'crc64' })
  t.same(summarize(entries), ['Failed b', 'Uploaded a', 'Uploaded c'])
  t.match(
    entries.find(({ path: of }) => of === 'b'),
    { error: { _tag: 'SourceError' } }
  )
})

if (existsSync('/proc/version')) {
  t.test('a file that reports size 0 and has bytes yields Failed', async (t) => {
    const directory = await createTree(t.testdir(), { a: 'a' })
    await symlink('/proc/version', join(directory, 'version'))
    const cos = await startCos(t)
    const entries = await upload(cos, { directory, symlinks: 'follow' })
    t.same(summarize(entries), ['Failed version', 'Uploaded a'])
    t.match(
      entries.find(({ path }) => path === 'version'),
      { error: { _tag: 'FileError', code: 'ESIZE' } }
    )
    t.same(await keys(cos), ['a'])
  })
}

t.test('symlinks: skip yields Ignored for links, and follow uploads their targets', async (t) => {
  const dir = await realpath(t.testdir({ root: { f: 'f' }, outside: { o: 'o' } }))
  const directory = join(dir, 'root')
  await symlink('../outside', join(directory, 'folder'))
  await symlink('../outside/o', join(directory, 'file'))
  await symlink('.', join(directory, 'loop'))
  await symlink('nowhere', join(directory, 'dead'))
  const cos = await startCos(t)
  t.same(summarize(await upload(cos, { directory })), [
    ...['Link dead', 'Link file', 'Link folder', 'Link loop', 'Uploaded f']
  ])
  t.same(summarize(await upload(cos, { directory, symlinks: 'follow' })), [
    ...['BrokenLink dead', 'BrokenLink loop', 'Skipped f', 'Uploaded file', 'Uploaded folder/o']
  ])
})

t.test('a link that replaces a file before its turn is followed only if links are', async (t) => {
  for (const symlinks of ['skip', 'follow'] as const) {
    const dir = await realpath(t.testdir({ root: { 0: '0', 1: '1', 2: '2' }, outside: 'outside' }))
    const directory = join(dir, 'root')
    const cos = await startCos(t)
    const stream = uploadDirectory({ bucket, directory, concurrency: 1, symlinks })(cos.client())
    const entries: Array<UploadDirectoryResult> = []
    for await (const entry of stream) {
      if (entry.path === '0') {
        await rm(join(directory, '2'))
        await symlink('../outside', join(directory, '2'))
      }
      entries.push(entry)
    }
    t.same(summarize(entries), [
      ...(symlinks === 'skip' ? ['Failed 2'] : []),
      ...['Uploaded 0', 'Uploaded 1'],
      ...(symlinks === 'follow' ? ['Uploaded 2'] : [])
    ])
    if (symlinks === 'skip')
      t.match(
        entries.find(({ path }) => path === '2'),
        { error: { _tag: 'FileError', code: 'ELOOP' } }
      )
  }
})

t.test('pipes, names that no key can have and incomplete downloads are not uploaded', async (t) => {
  const directory = await createTree(t.testdir(), { 'f.cospipe-download/part': 'half', f: 'f', 'x\x1b': 'x' })
  execFileSync('mkfifo', [join(directory, 'fifo')])
  await mkdir(Buffer.concat([Buffer.from(`${directory}/`), Buffer.from([0xff])]))
  const cos = await startCos(t)
  const entries = await upload(cos, { directory })
  t.same(summarize(entries), [
    ...[
      'Failed x\x1b',
      'NotUtf8 \ufffd',
      'PartialDownload f.cospipe-download/',
      'SpecialFile fifo',
      'Uploaded f'
    ]
  ])
  t.match(
    entries.find(({ _tag }) => _tag === 'Failed'),
    { error: { _tag: 'InvalidInput', field: 'key' } }
  )
})

t.test('a path whose key is too long fails alone', async (t) => {
  const long = 'é'.repeat(120)
  const directory = await createTree(t.testdir(), {
    [`${long}/${long}/${long}/${long}`]: 'x',
    [`${long}/f`]: 'f'
  })
  const cos = await startCos(t)
  t.same(summarize(await upload(cos, { directory })), [
    `Failed ${long}/${long}/${long}/${long}`,
    `Uploaded ${long}/f`
  ])
})

t.test('an invalid input or a missing directory fails when the stream is read', async (t) => {
  const cos = await startCos(t)
  const failureOf = async (input: Input) =>
    left(await collect(uploadDirectory({ bucket, ...input }))(cos.client())())
  for (const [input, field] of [
    [{ directory: '' }, 'directory'],
    [{ directory: 'a\0b' }, 'directory'],
    [{ directory: '.', prefix: '/a/' }, 'prefix'],
    [{ directory: '.', prefix: '\ud800' }, 'prefix'],
    [{ directory: '.', concurrency: 0 }, 'concurrency'],
    [{ directory: '.', include: [''] }, 'include.0']
  ] as const) {
    t.match(await failureOf(input), { _tag: 'InvalidInput', field })
  }
  const missing = join(t.testdir(), 'missing')
  t.match(await failureOf({ directory: missing }), { _tag: 'FileError', code: 'ENOENT', path: missing })
  t.same(cos.operations(), [])
})

t.test('a reader that pauses applies backpressure', async (t) => {
  const names = Array.from({ length: 40 }, (_, at) => String(at))
  const directory = await createTree(t.testdir(), Object.fromEntries(names.map((name) => [name, name])))
  const cos = await startCos(t)
  const stream = uploadDirectory({ bucket, directory, concurrency: 3 })(cos.client())
  const reader = stream[Symbol.asyncIterator]()
  await reader.next()
  t.ok(await becomesTrue(() => cos.count('PutObject') >= 3))
  await setTimeout(50)
  t.ok(cos.count('PutObject') <= 4, String(cos.count('PutObject')))
  let more = 1
  while ((await reader.next()).done !== true) more += 1
  t.equal(more, 40)
})

t.test('a reader that stops, or a signal, ends all requests at once', async (t) => {
  const directory = await createTree(t.testdir(), { a: 'a', b: 'b', c: 'c', d: 'd' })
  for (const operation of ['HeadObject', 'PutObject']) {
    // Only the first request gets a response.
    const cos = await startCos(t, {
      fault: (request) =>
        request.operation === operation && request.count > 1 ? { delay: 60_000 } : undefined
    })
    const stream = uploadDirectory({ bucket, directory, concurrency: 3 })
    const reader = stream(cos.client())[Symbol.asyncIterator]()
    await reader.next()
    const waiting = reader.next()
    await setTimeout(20)
    t.ok(await settlesWithin(50, Promise.all([waiting, reader.return?.()])), `return, ${operation}`)

    const controller = new AbortController()
    // Another prefix: requests without a response were performed, and their objects would be skipped.
    const again = uploadDirectory({ bucket, directory, concurrency: 3, prefix: 'again/' })
    const running = withSignal(controller.signal)(collect(again))(cos.client())()
    await setTimeout(20)
    controller.abort()
    t.ok(await settlesWithin(50, running), `abort, ${operation}`)
    t.match(left(await running), { _tag: 'Aborted' })
  }
})

t.test('progress counts uploaded and skipped files, and ends with the stream', async (t) => {
  const directory = await createTree(t.testdir(), { a: 'aaaa', b: 'bb', c: '' })
  const cos = await startCos(t)
  for (const run of ['first', 'second']) {
    const progress = createProgressWith({ total: O.none, clock: () => performance.now() })
    await upload(cos, { directory, progress })
    const heard = await toArray(progress)
    t.match(heard.at(-1), { transferred: 6, parts: { inFlight: 0, done: 3 } }, run)
  }
})
