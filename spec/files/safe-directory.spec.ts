import { mkdir, readdir, readlink, realpath, rename, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { displayPath } from '../../lib/files/open-directory.js'
import { openRootDirectory, ensureParent, type RootDirectory } from '../../lib/files/safe-directory.js'

interface Teardown {
  readonly teardown: (clean: () => unknown) => unknown
}

const openRoot = async (
  t: Teardown,
  directory: string,
  assumed: Parameters<typeof openRootDirectory>[1] = {}
): Promise<RootDirectory> => {
  const opened = await openRootDirectory(directory, assumed)
  t.teardown(opened.release)
  return opened
}

/** The real path of a parent, or what blocks it. */
const check = async (root: string, ...folders: ReadonlyArray<string>): Promise<string> => {
  const parent = await ensureParent(root, folders)
  if (parent._tag === 'Blocked') return parent.by
  const path = displayPath(parent.folder)
  await parent.release()
  return path
}

/** Handles of this process that are open on a directory or below it. */
const openBelow = async (directory: string): Promise<ReadonlyArray<string>> => {
  const paths = await Promise.all(
    (await readdir('/proc/self/fd')).map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => ''))
  )
  return paths.filter((path) => path.startsWith(directory))
}

t.test('openRootDirectory creates a missing directory and leaves nothing in it', async (t) => {
  const directory = join(t.testdir(), 'a', 'b')
  const { root, naming } = await openRoot(t, directory)
  t.equal(displayPath(root), await realpath(directory))
  t.same(await readdir(root), [])
  t.equal(naming.windows, process.platform === 'win32')
  if (process.platform === 'linux') t.equal(naming.foldsCase, false)
  t.equal((await openRoot(t, directory, { caseInsensitive: true })).naming.foldsCase, true)
})

t.test('openRootDirectory follows a link to the directory', async (t) => {
  const dir = t.testdir({ real: {} })
  await symlink('real', join(dir, 'link'))
  t.equal(displayPath((await openRoot(t, join(dir, 'link'))).root), await realpath(join(dir, 'real')))
})

t.test('openRootDirectory fails with EEXIST if a file has its path', async (t) => {
  const dir = t.testdir({ file: '' })
  await t.rejects(openRootDirectory(join(dir, 'file'), {}), { code: 'EEXIST' })
})

// Linux uses handles. The path variant, for other systems, is tested on Linux too.
const ways: ReadonlyArray<readonly [string, (t: Teardown, directory: string) => Promise<string>]> = [
  ['by handle', async (t, directory) => (await openRoot(t, directory)).root],
  ['by path', async (_, directory) => directory]
]

for (const [way, rootOf] of ways) {
  t.test(`ensureParent creates missing folders, ${way}`, async (t) => {
    const directory = await realpath(t.testdir({ a: {} }))
    const root = await rootOf(t, directory)
    t.equal(await check(root, 'a', 'b', 'c'), join(directory, 'a', 'b', 'c'))
    t.equal(await check(root, 'a', 'b', 'c'), join(directory, 'a', 'b', 'c'))
    t.equal(await check(root), directory)
  })

  t.test(`links and files block ensureParent, and no folder is created behind them, ${way}`, async (t) => {
    const dir = await realpath(t.testdir({ root: { file: '' }, outside: { inner: {} } }))
    const directory = join(dir, 'root')
    await symlink('../outside', join(directory, 'out'))
    await symlink('.', join(directory, 'loop'))
    await symlink('nowhere', join(directory, 'dead'))
    const root = await rootOf(t, directory)
    for (const name of ['out', 'loop', 'dead']) {
      t.equal(await check(root, name), 'a link', name)
      t.equal(await check(root, name, 'inner', 'new'), 'a link', name)
    }
    t.equal(await check(root, 'file', 'x'), 'a file')
    t.same(await readdir(join(dir, 'outside', 'inner')), [])
  })
}

t.test('by path, ensureParent is blocked if the root was replaced by a link', async (t) => {
  const dir = await realpath(t.testdir({ real: {} }))
  await symlink('real', join(dir, 'root'))
  t.equal(await check(join(dir, 'root'), 'a'), 'a link')
})

if (process.platform === 'linux') {
  t.test('replacing a folder by a link after ensureParent does not redirect files', async (t) => {
    const dir = await realpath(t.testdir({ root: { a: { b: {} } }, outside: {} }))
    const { root } = await openRoot(t, join(dir, 'root'))
    const parent = await ensureParent(root, ['a', 'b'])
    if (parent._tag === 'Blocked') return t.fail('blocked')
    for (const path of ['root/a', 'root']) {
      await rename(join(dir, path), join(dir, `${path}.moved`))
      await symlink(join(dir, 'outside'), join(dir, path))
    }
    await writeFile(join(parent.folder, 'file'), '')
    await mkdir(join(root, 'c'))
    await parent.release()
    t.same(await readdir(join(dir, 'outside')), [])
    t.same(await readdir(join(dir, 'root.moved', 'a.moved', 'b')), ['file'])
    t.ok((await readdir(join(dir, 'root.moved'))).includes('c'))
    return undefined
  })

  t.test('every directory is closed when its last user has released it', async (t) => {
    const dir = await realpath(t.testdir({ file: '' }))
    const { root, release } = await openRootDirectory(dir, {})
    const parent = await ensureParent(root, ['a', 'b'])
    t.equal(await check(root, 'file'), 'a file')
    await release()
    t.same(await openBelow(dir), [join(dir, 'a', 'b')])
    if (parent._tag === 'Clear') await parent.release()
    t.same(await openBelow(dir), [])
    await t.rejects(ensureParent(root, ['a']), { code: 'EBADF' }, 'the file descriptor may have been reused')
  })
}
