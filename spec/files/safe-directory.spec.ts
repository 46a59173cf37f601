import { readdir, realpath, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { openRootDirectory, ensureParent } from '../../lib/files/safe-directory.js'

t.test('a folder is made where it is missing, and nothing of the finding out stays', async (t) => {
  const root = join(t.testdir(), 'a', 'b')
  const footing = await openRootDirectory(root, {})
  t.equal(footing.root, await realpath(root))
  t.same(await readdir(root), [])
  t.equal(footing.naming.windows, process.platform === 'win32')
  if (process.platform === 'linux') t.equal(footing.naming.foldsCase, false)
  t.equal((await openRootDirectory(root, { caseInsensitive: true })).naming.foldsCase, true)
})

t.test('a folder behind a link is where the link leads', async (t) => {
  const dir = t.testdir({ real: {} })
  await symlink('real', join(dir, 'link'))
  t.equal((await openRootDirectory(join(dir, 'link'), {})).root, await realpath(join(dir, 'real')))
})

t.test('a file in the place of the folder is an error', async (t) => {
  const dir = t.testdir({ file: '' })
  await t.rejects(openRootDirectory(join(dir, 'file'), {}), { code: 'EEXIST' })
})

t.test('the way is made, whatever of it is there already', async (t) => {
  const root = await realpath(t.testdir({ a: {} }))
  t.same(await ensureParent(root, ['a', 'b', 'c']), { _tag: 'Clear', folder: join(root, 'a', 'b', 'c') })
  t.same(await ensureParent(root, ['a', 'b', 'c']), { _tag: 'Clear', folder: join(root, 'a', 'b', 'c') })
  t.same(await ensureParent(root, []), { _tag: 'Clear', folder: root })
})

t.test('links and files block it, and nothing is made behind them', async (t) => {
  const dir = await realpath(t.testdir({ root: { file: '' }, outside: { inner: {} } }))
  const root = join(dir, 'root')
  await symlink('../outside', join(root, 'out'))
  await symlink('.', join(root, 'loop'))
  await symlink('nowhere', join(root, 'dead'))
  for (const name of ['out', 'loop', 'dead']) {
    t.same(await ensureParent(root, [name]), { _tag: 'Blocked', by: 'a link' }, name)
    t.same(await ensureParent(root, [name, 'inner', 'new']), { _tag: 'Blocked', by: 'a link' }, name)
  }
  t.same(await ensureParent(root, ['file', 'x']), { _tag: 'Blocked', by: 'a file' })
  t.same(await readdir(join(dir, 'outside', 'inner')), [])
})

t.test(
  'it is looked at from its end as well: a link in the place of the root itself blocks it',
  async (t) => {
    const dir = await realpath(t.testdir({ real: {} }))
    await symlink('real', join(dir, 'root'))
    t.same(await ensureParent(join(dir, 'root'), ['a']), { _tag: 'Blocked', by: 'a link' })
  }
)
