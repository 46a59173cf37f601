import { execFileSync } from 'node:child_process'
import { lstat, realpath, symlink, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import * as O from 'fp-ts/lib/Option.js'
import t from 'tap'
import { CosException } from '../../../lib/core/error.js'
import type { EmulatorOptions, SeedObject } from '../../../lib/emulator/index.js'
import { withSignal } from '../../../lib/client/combinators.js'
import { send } from '../../../lib/client/send.js'
import { putObject } from '../../../lib/operations/put-object.js'
import { createProgressWith } from '../../../lib/stages/progress.js'
import {
  downloadDirectory,
  type DownloadDirectoryInput,
  type DownloadDirectoryResult
} from '../../../lib/transfers/directory/download-directory.js'
import { collect } from '../../../lib/transfers/shared/effect-stream.js'
import { becomesTrue } from '../../support/wait-for.js'
import { bucket, startCos, type Cos } from '../../support/cos.js'
import { toArray } from '../../support/iterables.js'
import { isLongForm } from '../../support/long-form.js'
import { settlesWithin } from '../../support/settles-within.js'
import { left, right } from '../../support/server.js'
import { createTree, readTree } from '../../support/file-trees.js'

type Input = Omit<DownloadDirectoryInput, 'bucket'>

const download = async (cos: Cos, input: Input): Promise<ReadonlyArray<DownloadDirectoryResult>> =>
  right(await collect(downloadDirectory({ bucket, ...input }))(cos.client())())

const summarize = (entries: ReadonlyArray<DownloadDirectoryResult>): ReadonlyArray<string> =>
  entries.map((one) => `${one._tag} ${one._tag === 'UnsafeKey' ? one.key : one.path}`).sort()

/** Seeds objects. A number is a size in zero bytes, which any key can have; text is put by a request. */
const startWithObjects = async (
  t: { readonly teardown: (clean: () => unknown) => unknown },
  objects: Readonly<Record<string, string | number>>,
  options: EmulatorOptions = {}
): Promise<Cos> => {
  const seed: ReadonlyArray<SeedObject> = Object.entries(objects).flatMap(([key, size]) =>
    typeof size === 'number' ? [{ bucket, key, size }] : []
  )
  const cos = await startCos(t, { ...options, seed })
  for (const [key, body] of Object.entries(objects)) {
    if (typeof body === 'string') right(await send(putObject({ bucket, key, body }))(cos.client())())
  }
  return cos
}

t.test('downloadDirectory writes objects as files, and keys that end in a slash as folders', async (t) => {
  const cos = await startWithObjects(t, {
    'p/': 0,
    'p/a/b': 'b',
    'p/.c': '',
    'p/e/': 0,
    'p/f/g/': 0,
    'q/x': 'x'
  })
  const directory = join(t.testdir(), 'new', 'in')
  const entries = await download(cos, { directory, prefix: 'p/' })
  t.same(summarize(entries), ['Downloaded .c', 'Downloaded a/b', 'Folder ', 'Folder e/', 'Folder f/g/'])
  t.match(
    entries.find((entry) => entry._tag === 'Downloaded' && entry.path === 'a/b'),
    { key: 'p/a/b', downloaded: { size: 1, integrity: { _tag: 'Verified' } } }
  )
  t.same(await readTree(directory), {
    '.c': 'file ',
    'a/': 'folder',
    'a/b': 'file b',
    'e/': 'folder',
    'f/': 'folder',
    'f/g/': 'folder'
  })
})

t.test('a prefix without a final slash is the folder of that name', async (t) => {
  const cos = await startWithObjects(t, { site: 'x', sitemap: 'm', 'site/a': 'a', 'site-old/a': 'o' })
  for (const prefix of ['site', 'site/']) {
    const directory = join(t.testdir(), prefix)
    t.same(summarize(await download(cos, { directory, prefix })), ['Downloaded a'])
    t.same(await readTree(directory), { a: 'file a' })
  }
})

t.test('a second run transfers only what has changed on either side', async (t) => {
  const cos = await startWithObjects(t, { a: 'aaaa', 'b/c': 'cccc', 'e/': 0, z: '' })
  const directory = t.testdir()
  await download(cos, { directory })
  const gets = cos.count('GetObject')
  t.same(summarize(await download(cos, { directory })), [
    'Folder e/',
    'Skipped a',
    'Skipped b/c',
    'Skipped z'
  ])
  t.equal(cos.count('GetObject'), gets)
  await writeFile(join(directory, 'a'), 'AAAA')
  t.same(summarize(await download(cos, { directory })), [
    ...['Downloaded a', 'Folder e/', 'Skipped b/c', 'Skipped z']
  ])
  t.same(summarize(await download(cos, { directory, skip: 'never' })), [
    ...['Downloaded a', 'Downloaded b/c', 'Downloaded z', 'Folder e/']
  ])
  t.equal((await readTree(directory))['a'], 'file aaaa')
})

t.test('skip time keeps files of the same size that are not older, without a HEAD', async (t) => {
  const cos = await startWithObjects(t, { a: 'aaaa', b: 'bbbb', c: 'cccc' })
  const directory = await createTree(t.testdir(), { a: 'AAAA', b: 'BBBBB', c: 'CCCC' })
  const later = new Date(Date.now() + 60_000)
  for (const name of ['a', 'b']) await utimes(join(directory, name), later, later)
  await utimes(join(directory, 'c'), 0, 0)
  t.same(summarize(await download(cos, { directory, skip: 'time' })), [
    'Downloaded b',
    'Downloaded c',
    'Skipped a'
  ])
  t.equal(cos.count('HeadObject'), 0)
})

t.test('include and exclude select keys below the prefix', async (t) => {
  const cos = await startWithObjects(t, {
    'p/a.log': 'a',
    'p/a.txt': 'a',
    'p/x/b.log': 'b',
    'p/x/tmp/c.log': 'c',
    'p/x/tmp/': 0
  })
  const directory = t.testdir()
  const globs = { include: ['**/*.log'], exclude: ['**/tmp/**'] }
  t.same(summarize(await download(cos, { directory, prefix: 'p/', ...globs })), [
    'Downloaded a.log',
    'Downloaded x/b.log'
  ])
  t.same(Object.keys(await readTree(directory)), ['a.log', 'x/', 'x/b.log'])
})

t.test('a failure is a result, or ends the stream with onError stop', async (t) => {
  const names = Array.from({ length: 20 }, (_, at) => `f${String(at).padStart(2, '0')}`)
  const cos = await startWithObjects(t, Object.fromEntries(names.map((name) => [name, name])), {
    fault: ({ operation, key }) =>
      operation === 'GetObject' && key === 'f03'
        ? { response: { status: 403, code: 'AccessDenied' } }
        : undefined
  })
  const directory = t.testdir()
  const entries = await download(cos, { directory })
  t.same(
    entries.filter(({ _tag }) => _tag !== 'Downloaded').map(({ _tag, key }) => [_tag, key]),
    [['Failed', 'f03']]
  )
  t.equal(entries.length, 20)
  t.notOk(Object.keys(await readTree(directory)).includes('f03'), 'nothing is left of it')

  const before = cos.count('GetObject')
  const stopping = downloadDirectory({ bucket, directory, onError: 'stop', concurrency: 2, skip: 'never' })
  const failure: unknown = await toArray(stopping(cos.client())).catch((thrown: unknown) => thrown)
  t.ok(failure instanceof CosException)
  t.match(failure, { error: { _tag: 'ServiceError', code: 'AccessDenied' } })
  t.ok(cos.count('GetObject') - before <= 7)
})

t.test('an object whose name the file system refuses fails alone', async (t) => {
  const long = 'x'.repeat(300)
  const cos = await startWithObjects(t, { [long]: 1, [`${long}/a`]: 1, b: 'b', 'c\x1a': 1 })
  const directory = t.testdir()
  const entries = await download(cos, { directory })
  t.same(summarize(entries), ['Downloaded b', 'Failed c\x1a', `Failed ${long}`, `Failed ${long}/a`])
  t.same(
    entries.flatMap((one) => (one._tag === 'Failed' && 'code' in one.error ? [one.error.code] : [])),
    ['ENAMETOOLONG', 'ENAMETOOLONG']
  )
  t.same(await readTree(directory), { b: 'file b' })
})

t.test('the stream fails if the listing fails or the directory cannot be created', async (t) => {
  const cos = await startWithObjects(
    t,
    { a: 'a' },
    {
      fault: ({ operation }) =>
        operation === 'ListObjects' ? { response: { status: 403, code: 'AccessDenied' } } : undefined
    }
  )
  const dir = t.testdir({ file: '' })
  const failureOf = async (directory: string) =>
    left(await collect(downloadDirectory({ bucket, directory }))(cos.client())())
  t.match(await failureOf(join(dir, 'in')), { _tag: 'ServiceError', code: 'AccessDenied' })
  t.match(await failureOf(join(dir, 'file')), { _tag: 'FileError', code: 'EEXIST' })
  t.match(await failureOf(join(dir, 'file', 'in')), { _tag: 'FileError', code: 'ENOTDIR' })
  t.match(await failureOf(''), { _tag: 'InvalidInput', field: 'directory' })
})

t.test('an object deleted after it was listed fails alone', async (t) => {
  const cos = await startWithObjects(
    t,
    { a: 'a', b: 'b' },
    {
      fault: ({ operation, key }) =>
        /^(?:Head|Get)Object$/.test(operation) && key === 'b' ? { response: { status: 404 } } : undefined
    }
  )
  t.same(summarize(await download(cos, { directory: t.testdir() })), ['Downloaded a', 'Failed b'])
})

t.test('a small object takes one GET; one replaced since the listing is fetched as it is now', async (t) => {
  const cos = await startWithObjects(
    t,
    { a: 'aaaa', b: 'bbbb', c: '' },
    {
      // As if the listing had an older ETag. The first GET is for a, the second for b.
      fault: ({ operation, count }) =>
        operation === 'GetObject' && count === 2
          ? { response: { status: 412, code: 'PreconditionFailed' } }
          : undefined
    }
  )
  const directory = t.testdir()
  t.same(summarize(await download(cos, { directory, concurrency: 1 })), [
    'Downloaded a',
    'Downloaded b',
    'Downloaded c'
  ])
  t.same(await readTree(directory), { a: 'file aaaa', b: 'file bbbb', c: 'file ' })
  const requests = ['ListObjects', 'GetObject', 'GetObject', 'HeadObject', 'GetObject', 'HeadObject']
  t.same(cos.operations().slice(-requests.length), requests)
})

// -- files that exist in the directory --
t.test('files and links at the path of a file are replaced, and never written through', async (t) => {
  const dir = await realpath(t.testdir({ in: {}, outside: { o: 'old' } }))
  const directory = join(dir, 'in')
  await writeFile(join(directory, 'file'), 'old')
  await symlink('../outside/o', join(directory, 'link'))
  await symlink('../outside', join(directory, 'folder'))
  execFileSync('ln', [join(dir, 'outside', 'o'), join(directory, 'hard')])
  const names = ['file', 'link', 'folder', 'hard']
  const cos = await startWithObjects(t, Object.fromEntries(names.map((name) => [name, 'new'])))
  t.same(summarize(await download(cos, { directory })), names.map((name) => `Downloaded ${name}`).sort())
  t.same(await readTree(directory), Object.fromEntries([...names].sort().map((name) => [name, 'file new'])))
  t.same(await readTree(join(dir, 'outside')), { o: 'file old' })
})

t.test('a pipe at the path of a file stays, and its key yields UnsafeKey', async (t) => {
  const directory = t.testdir({})
  execFileSync('mkfifo', [join(directory, 'pipe')])
  const cos = await startWithObjects(t, { pipe: 'new', other: 'o' })
  t.same(summarize(await download(cos, { directory })), ['Downloaded other', 'UnsafeKey pipe'])
  t.ok((await lstat(join(directory, 'pipe'))).isFIFO())
})

t.test('a folder at the path of a file stays, and a file at the path of a folder', async (t) => {
  const directory = await createTree(t.testdir(), { 'a/kept': 'k', b: 'b' })
  const cos = await startWithObjects(t, { a: 'x', 'b/c': 'x', 'b/d/': 0, 'b/': 0 })
  t.same(summarize(await download(cos, { directory })), [
    'UnsafeKey a',
    'UnsafeKey b/',
    'UnsafeKey b/c',
    'UnsafeKey b/d/'
  ])
  t.same(await readTree(directory), { 'a/': 'folder', 'a/kept': 'file k', b: 'file b' })
})

t.test('of two keys that need one path as file and folder, one yields UnsafeKey', async (t) => {
  for (const concurrency of [1, 5]) {
    const cos = await startWithObjects(t, { a: 'a', 'a/b': 'b', 'a/c/d': 'd' })
    const directory = t.testdir()
    const entries = await download(cos, { directory, concurrency })
    const there = entries.filter(({ _tag }) => _tag === 'Downloaded').map(({ key }) => key)
    t.equal(entries.filter(({ _tag }) => _tag === 'UnsafeKey').length + there.length, 3)
    const files = Object.entries(await readTree(directory)).filter(([, what]) => what !== 'folder')
    t.same(
      files.map(([path]) => path),
      [...there].sort(),
      summarize(entries).join(', ')
    )
    t.ok(there.length >= 1)
    if (concurrency === 1) t.same(there, ['a'])
  }
})

t.test('an object with bytes whose key ends in a slash yields UnsafeKey', async (t) => {
  const cos = await startWithObjects(t, { 'a/': 'bytes' })
  const directory = t.testdir()
  t.match(await download(cos, { directory }), [
    { _tag: 'UnsafeKey', key: 'a/', reason: 'the key of a folder, but the object has bytes' }
  ])
  t.same(await readTree(directory), {})
})

t.test('keys with names reserved for incomplete downloads yield UnsafeKey', async (t) => {
  const cos = await startWithObjects(t, {
    ...{ 'x.cospipe-download': 1, 'x.cospipe-download/': 0, 'x.cospipe-download/part': 1 },
    ...{ 'X.COSPIPE-DOWNLOAD/a/b': 1, 'x.co\u017fpipe-download/journal/': 0, x: 'x' }
  })
  const directory = t.testdir()
  t.equal((await download(cos, { directory })).filter(({ _tag }) => _tag === 'UnsafeKey').length, 5)
  t.same(await readTree(directory), { x: 'file x' })
})

t.test('if the file system ignores case, the first of two keys that differ in case is written', async (t) => {
  const cos = await startWithObjects(t, {
    A: 'A',
    a: 'a',
    'B/x': 'x',
    'b/y': 'y',
    'B/z': 'z',
    é: 'c',
    'e\u0301': 'd',
    'B/': 0
  })
  const directory = t.testdir()
  const folding = await download(cos, { directory, caseInsensitive: true })
  t.same(summarize(folding), [
    ...['Downloaded A', 'Downloaded B/x', 'Downloaded B/z', 'Downloaded e\u0301', 'Folder B/'],
    ...['UnsafeKey a', 'UnsafeKey b/y', 'UnsafeKey é']
  ])
  t.same(
    summarize(await download(cos, { directory, caseInsensitive: false })).filter((one) =>
      one.startsWith('Unsafe')
    ),
    []
  )
})

// -- hostile keys --
/** Numbers that depend only on the seed. */
const dice = (seed: number) => {
  let x = seed >>> 0
  return (sides: number): number => {
    x = (Math.imul(x, 1664525) + 1013904223) >>> 0
    return Math.floor((x / 2 ** 32) * sides)
  }
}

const seedOfKeys = Number(process.env['SEED'] ?? 20_240_229)

t.test(`hostile keys write nothing outside of the folder (SEED=${String(seedOfKeys)})`, async (t) => {
  const roll = dice(seedOfKeys)
  const pick = <A>(all: readonly [A, ...ReadonlyArray<A>]): A => all[roll(all.length)] ?? all[0]
  const word = (): string =>
    pick(['a', 'etc', 'passwd', 'x..y', '...', '.ssh', '~', 'é', '%2e%2e', ' ', 'in'])
  const words = (most: number): ReadonlyArray<string> => Array.from({ length: roll(most + 1) }, word)
  const key = (...segments: ReadonlyArray<string>): string =>
    [...words(3), ...segments, ...words(3)].join('/')
  let number = 0
  const unique = (): string => `u${String((number += 1))}`
  const kinds: ReadonlyArray<() => string> = [
    () => key('..', unique()),
    () => key('.', unique()),
    () => key(unique(), '..', '..', '..', unique()),
    () => `${'../'.repeat(1 + roll(12))}${unique()}`,
    () => `/${key(unique())}`,
    () => `//${key(unique())}`,
    () => key(unique(), '', unique()),
    () => `${key(unique())}/${pick(['..', '.', '/', '../', './'])}`,
    () => key(`${unique()}\0${word()}`),
    () => key(`..\0${unique()}`),
    () => key(`${pick(['..\\', 'a\\..\\..\\', 'C:\\..\\'])}${unique()}`),
    () => `${pick(['C:/../', 'c:/./', 'd:..\\..\\', 'C://'])}${key(unique())}`,
    () =>
      key(`${unique()}${pick(['.cospipe-download', '.COSPIPE-download'])}`, pick(['part', 'journal', 'x/y'])),
    () => key(`${unique()}.cospipe-download`),
    () => `${pick(['link', 'deep/link', 'up', 'absolute', 'dead', 'self'])}/${key(unique())}`,
    () => `${pick(['link', 'deep/link', 'up', 'absolute'])}/${unique()}/`,
    () => `file/${key(unique())}`,
    () => key(unique() + pick(['x', 'é', '😀']).repeat(260)),
    () => key(`${unique()}${pick(['\x18', '\x1b'])}`),
    () => `Twins/${unique()}`
  ]
  const hostile = new Set<string>()
  const count = isLongForm ? 2000 : 500
  while (hostile.size < count) {
    const made = kinds[hostile.size % kinds.length]?.() ?? ''
    if (Buffer.byteLength(made) <= 850) hostile.add(made)
  }
  const fine = Array.from({ length: 40 }, () => `${['fine', ...words(3)].join('/')}/${unique()}.`)

  const dir = await realpath(t.testdir())
  const directory = join(dir, 'parent', 'in')
  await createTree(dir, {
    ...{ 'outside/secret': 's', 'outside/inner/secret': 's', 'parent/in.txt': 'n', 'parent/etc/passwd': 'p' },
    ...{ 'parent/in/file': 'f', 'parent/in/deep': null, 'parent/in/twins/x': 'x' },
    ...{
      'parent/in/link': { link: '../../outside' },
      'parent/in/deep/link': { link: '../../../outside/inner' }
    },
    ...{ 'parent/in/up': { link: '..' }, 'parent/in/absolute': { link: join(dir, 'outside') } },
    ...{ 'parent/in/dead': { link: '../../nowhere' }, 'parent/in/self': { link: 'self' } }
  })
  const isInside = ([path]: readonly [string, string]): boolean => path.startsWith('parent/in/')
  const before = Object.entries(await readTree(dir))

  // In key order, TWINS/first precedes all keys of Twins/: each of those must yield UnsafeKey.
  const first = 'TWINS/first'
  const cos = await startCos(t, {
    seed: [...hostile, ...fine, first].map((one, at) => ({ bucket, key: one, size: at % 3 }))
  })
  const entries = await download(cos, { directory, caseInsensitive: true, concurrency: 8 })

  const after = Object.entries(await readTree(dir))
  t.same(
    after.filter((one) => !isInside(one)),
    before.filter((one) => !isInside(one)),
    'nothing outside has changed'
  )
  t.same(
    entries.filter(({ _tag, key: of }) => hostile.has(of) && _tag !== 'UnsafeKey' && _tag !== 'Failed'),
    [],
    'each hostile key is refused'
  )
  const byKey = new Map(entries.map((entry) => [entry.key, entry]))
  t.equal(byKey.size, count + 41)
  for (const one of hostile) if (!byKey.has(one)) t.fail(`no result for ${JSON.stringify(one)}`)
  const failed = entries.flatMap((entry) => (entry._tag === 'Failed' ? [entry.error] : []))
  t.same(
    new Set(failed.map((error) => (error._tag === 'FileError' ? error.code : error._tag))),
    new Set(['ENAMETOOLONG', 'InvalidInput'])
  )
  t.ok(
    failed.length <= count / 10,
    'only names that the file system refuses and keys that no request can carry'
  )

  // Inside, only the files of the harmless keys are new.
  const old = new Set(before.map(([path]) => path))
  const files = after.filter(([path, what]) => what !== 'folder' && !old.has(path)).map(([path]) => path)
  t.same(files, [...fine, first].map((one) => `parent/in/${one}`).sort())
  for (const [path, what] of before) if (what !== 'folder') t.equal(new Map(after).get(path), what, path)
})

// -- readers --
t.test('a reader that pauses applies backpressure', async (t) => {
  const names = Array.from({ length: 40 }, (_, at) => String(at))
  const cos = await startWithObjects(t, Object.fromEntries(names.map((name) => [name, 3])))
  const reader = downloadDirectory({ bucket, directory: t.testdir(), concurrency: 3 })(cos.client())[
    Symbol.asyncIterator
  ]()
  await reader.next()
  t.ok(await becomesTrue(() => cos.count('GetObject') >= 3))
  await setTimeout(50)
  t.ok(cos.count('GetObject') <= 4, String(cos.count('GetObject')))
  let more = 1
  while ((await reader.next()).done !== true) more += 1
  t.equal(more, 40)
})

t.test('a reader that stops, or a signal, ends all requests at once and leaves no files', async (t) => {
  for (const operation of ['ListObjects', 'HeadObject', 'GetObject']) {
    // Only the request for key a gets a response.
    const first = operation === 'ListObjects' ? 0 : 1
    const cos = await startWithObjects(
      t,
      { a: 3, b: 3, c: 3, d: 3 },
      {
        fault: (request) =>
          request.operation === operation && request.key !== 'a' ? { delay: 60_000 } : undefined
      }
    )
    const directory = t.testdir()
    // Small objects are fetched without a HEAD.
    const threshold = operation === 'HeadObject' ? 0 : 1024
    const stream = downloadDirectory({ bucket, directory, concurrency: 3, threshold })
    const reader = stream(cos.client())[Symbol.asyncIterator]()
    if (first > 0) await reader.next()
    const waiting = reader.next()
    await setTimeout(20)
    t.ok(await settlesWithin(50, Promise.all([waiting, reader.return?.()])), `return, ${operation}`)

    const controller = new AbortController()
    const running = withSignal(controller.signal)(collect(stream))(cos.client())()
    await setTimeout(20)
    controller.abort()
    t.ok(await settlesWithin(50, running), `abort, ${operation}`)
    t.match(left(await running), { _tag: 'Aborted' })
    await setTimeout(20)
    // Folders may be removed while they are read.
    const listRemaining = async (): Promise<ReadonlyArray<string>> =>
      Object.keys(await readTree(directory).catch(() => ({ removed: '' })))
    t.ok(await becomesTrue(async () => (await listRemaining()).every((path) => path === 'a')), operation)
  }
})

t.test('return during the comparison of a large file settles within 50 ms', async (t) => {
  const size = 400 * 1024 * 1024
  const cos = await startWithObjects(t, { big: size })
  const directory = t.testdir()
  // A sparse file takes no room, but its checksum takes a while.
  execFileSync('truncate', ['-s', String(size), join(directory, 'big')])
  const reader = downloadDirectory({ bucket, directory })(cos.client())[Symbol.asyncIterator]()
  const waiting = reader.next()
  t.ok(await becomesTrue(() => cos.count('HeadObject') === 1))
  t.ok(await settlesWithin(50, Promise.all([waiting, reader.return?.()])))
  t.match(await waiting, { done: true })
})

t.test('progress counts downloaded and skipped objects, and ends with the stream', async (t) => {
  const cos = await startWithObjects(t, { a: 'aaaa', b: 'bb', c: '' })
  const directory = t.testdir()
  for (const run of ['first', 'second']) {
    const progress = createProgressWith({ total: O.none, clock: () => performance.now() })
    await download(cos, { directory, progress })
    t.match((await toArray(progress)).at(-1), { transferred: 6, parts: { inFlight: 0 } }, run)
  }
})
