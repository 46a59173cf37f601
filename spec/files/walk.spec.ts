import { execFileSync } from 'node:child_process'
import { mkdir, realpath, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as O from 'fp-ts/lib/Option.js'
import t from 'tap'
import { CosException } from '../../lib/core/error.js'
import { walk, type WalkEntry, type WalkOptions } from '../../lib/files/walk.js'
import { toArray } from '../support/iterables.js'
import { createTree } from '../support/file-trees.js'

const optionsFor = (root: string, more: Partial<WalkOptions> = {}): WalkOptions => ({
  context: { operation: 'walk', bucket: '', key: O.none, attempts: 0 },
  root,
  symlinks: 'skip',
  shouldRead: () => true,
  isLockDirectory: () => false,
  ...more
})

const describeEntry = (found: ReadonlyArray<WalkEntry>): ReadonlyArray<string> =>
  found.map((one) => `${one._tag === 'Ignored' ? one.reason : one._tag} ${one.path}`)

const walkAll = async (root: string, more: Partial<WalkOptions> = {}): Promise<ReadonlyArray<string>> =>
  describeEntry((await toArray(walk(optionsFor(root, more)))).flat())

t.test('walk yields files and empty folders depth first, each folder sorted by name', async (t) => {
  const root = await createTree(t.testdir(), {
    'b/c': 'c',
    'b/a': 'a',
    a: 'a',
    empty: null,
    '.dot': 'd',
    'z/z/z': null,
    B: 'B'
  })
  t.same(await walkAll(root), [
    'File .dot',
    'File B',
    'File a',
    'File b/a',
    'File b/c',
    'EmptyFolder empty/',
    'EmptyFolder z/z/z/'
  ])
})

t.test('an empty root yields nothing; a missing root, or a file as root, is an error', async (t) => {
  const root = t.testdir({ empty: {}, file: '' })
  t.same(await walkAll(join(root, 'empty')), [])
  for (const [name, code] of [
    ['missing', 'ENOENT'],
    ['file', 'ENOTDIR']
  ] as const) {
    const failure: unknown = await walkAll(join(root, name)).catch((thrown: unknown) => thrown)
    t.ok(failure instanceof CosException)
    t.match(failure, { error: { _tag: 'FileError', code, path: join(root, name) } })
  }
})

t.test('Unicode names are yielded unchanged; names that are not UTF-8 are skipped', async (t) => {
  const root = t.testdir()
  const names = ['é', 'e\u0301', '\ufeffbom', '腾', '😀', '\uffff', 'a\nb', 'a\\b', '\u{10ffff}', '\ufffd']
  for (const name of names) await writeFile(join(root, name), name)
  await writeFile(Buffer.concat([Buffer.from(`${root}/`), Buffer.from([0x66, 0xff])]), 'x')
  await mkdir(Buffer.concat([Buffer.from(`${root}/`), Buffer.from([0xc3, 0x28])]))
  const found = await walkAll(root)
  for (const name of names) t.ok(found.includes(`File ${name}`), JSON.stringify(name))
  t.same(
    found.filter((line) => line.startsWith('NotUtf8')).sort(),
    ['NotUtf8 f\ufffd', 'NotUtf8 \ufffd('].sort()
  )
  t.equal(found.length, names.length + 2)
})

t.test('links are skipped, or followed unless they lead back to a containing folder', async (t) => {
  const dir = await realpath(t.testdir({ root: { a: { f: 'f' }, g: 'g' }, outside: { o: 'o' } }))
  const root = join(dir, 'root')
  for (const [name, to] of [
    ['dead', 'nowhere'],
    ['file', '../outside/o'],
    ['folder', '../outside'],
    ['self', 'self'],
    ['up', '.'],
    ['a/up', '..'],
    ['a/me', '../a'],
    ['top', '..']
  ] as const) {
    await symlink(to, join(root, name))
  }
  const links = ['a/me', 'a/up', 'dead', 'file', 'folder', 'self', 'top', 'up']
  t.same(
    (await walkAll(root)).filter((line) => line.startsWith('Link ')),
    links.map((path) => `Link ${path}`)
  )

  const found = await walkAll(root, { symlinks: 'follow' })
  for (const line of ['File file', 'File folder/o', 'File a/f', 'File g']) t.ok(found.includes(line), line)
  for (const path of ['a/me', 'a/up', 'dead', 'self', 'up']) t.ok(found.includes(`BrokenLink ${path}`), path)
  // The walk has not entered the folder above the root, so it reads it. The root, found again below it, is a `BrokenLink`.
  t.ok(found.includes('File top/outside/o'))
  t.ok(found.includes('BrokenLink top/root'))
})

t.test('a root that is a link is followed', async (t) => {
  const dir = t.testdir({ real: { f: 'f' } })
  await symlink('real', join(dir, 'link'))
  t.same(await walkAll(join(dir, 'link')), ['File f'])
})

t.test('FIFOs and temporary files of downloads are skipped', async (t) => {
  const root = await createTree(t.testdir(), { 'x.draft/part': 'p', f: 'f' })
  execFileSync('mkfifo', [join(root, 'fifo')])
  t.same(await walkAll(root, { isLockDirectory: (name) => name.endsWith('.draft') }), [
    'File f',
    'SpecialFile fifo',
    'PartialDownload x.draft/'
  ])
})

t.test('a folder is not read if shouldRead returns false', async (t) => {
  const root = await createTree(t.testdir(), { 'a/f': 'f', 'b/f': 'f' })
  t.same(await walkAll(root, { shouldRead: (path) => path !== 'a' }), ['File b/f'])
})

t.test('a folder removed during the walk is yielded as Unreadable, and the walk continues', async (t) => {
  const root = await createTree(t.testdir(), { '0': '0', 'a/f': 'f', 'b/f': 'f' })
  const found = walk(optionsFor(root))
  t.match(await found.next(), { value: [{ _tag: 'File', path: '0' }] })
  await rm(join(root, 'a'), { recursive: true })
  t.match((await toArray(found)).flat(), [
    { _tag: 'Unreadable', path: 'a/', error: { _tag: 'FileError', code: 'ENOENT', path: join(root, 'a/') } },
    { _tag: 'File', path: 'b/f' }
  ])
})

t.test('a consumer that breaks out of the loop ends the walk', async (t) => {
  const root = await createTree(t.testdir(), { 'a/b/c/f': 'f', g: 'g' })
  for await (const found of walk(optionsFor(root))) {
    t.match(found, [{ path: 'a/b/c/f' }])
    break
  }
})

t.test('the files of a large folder are yielded in several batches', async (t) => {
  const root = await createTree(
    t.testdir(),
    Object.fromEntries(Array.from({ length: 300 }, (_, n) => [`f${String(n)}`, '']))
  )
  const batches = await toArray(walk(optionsFor(root)))
  t.same(
    batches.map(({ length }) => length),
    [128, 128, 44]
  )
})
