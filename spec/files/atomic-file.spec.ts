import { execFileSync } from 'node:child_process'
import { constants, existsSync } from 'node:fs'
import { link, open, readFile, rename, stat, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { CosException, contextWithoutObject } from '../../lib/core/error.js'
import {
  createFile,
  remove,
  reopenFile,
  replaceAtomically,
  withFileErrors,
  writeAll
} from '../../lib/files/atomic-file.js'

const context = contextWithoutObject('spec')
const living = new AbortController().signal

t.test('what fails on a file says which file and what the system said', async (t) => {
  const path = join(t.testdir({}), 'missing')
  await t.rejects(
    withFileErrors(context, path)(() => open(path)),
    { name: 'CosException', error: { _tag: 'FileError', path, code: 'ENOENT', context } }
  )
  const ours = new CosException({ _tag: 'SourceError', context, cause: 'x' })
  await t.rejects(
    withFileErrors(context, path)(() => Promise.reject(ours)),
    ours
  )
})

t.test('to remove what is not there is no failure, and a link goes without what it points to', async (t) => {
  const dir = t.testdir({ kept: 'x', folder: {} })
  await remove(join(dir, 'missing'))
  await symlink(join(dir, 'kept'), join(dir, 'link'))
  await remove(join(dir, 'link'))
  t.same(await readFile(join(dir, 'kept'), 'utf8'), 'x')
  await t.rejects(remove(join(dir, 'folder')))
})

t.test('a created file is one that nobody had before', async (t) => {
  const dir = t.testdir({ there: 'x', victim: 'v' })
  await symlink(join(dir, 'victim'), join(dir, 'link'))
  for (const name of ['there', 'link']) {
    await t.rejects(createFile(join(dir, name), constants.O_RDWR, 0o600), { code: 'EEXIST' })
  }
  const handle = await createFile(join(dir, 'new'), constants.O_RDWR, 0o600)
  await handle.close()
  t.equal((await stat(join(dir, 'new'))).mode & 0o777, 0o600)
  t.equal(await readFile(join(dir, 'victim'), 'utf8'), 'v')
})

t.test('a file is reopened only where it is a file with one name', async (t) => {
  const dir = t.testdir({ file: 'x', victim: 'v', folder: {} })
  const handle = await reopenFile(join(dir, 'file'), constants.O_RDWR)
  await handle.close()
  await symlink(join(dir, 'victim'), join(dir, 'link'))
  await link(join(dir, 'victim'), join(dir, 'twin'))
  // A pipe without a writer would keep whoever opens it to read waiting for one.
  execFileSync('mkfifo', [join(dir, 'pipe')])
  await t.rejects(reopenFile(join(dir, 'link'), constants.O_RDWR), { code: 'ELOOP' })
  await t.rejects(reopenFile(join(dir, 'twin'), constants.O_RDWR), { code: 'EEXIST' })
  await t.rejects(reopenFile(join(dir, 'pipe'), constants.O_RDONLY), { code: 'EEXIST' })
  await t.rejects(reopenFile(join(dir, 'folder'), constants.O_RDWR), { code: 'EISDIR' })
  await t.rejects(reopenFile(join(dir, 'none'), constants.O_RDWR), { code: 'ENOENT' })
})

t.test('bytes are written to their place, all of them', async (t) => {
  const path = join(t.testdir({}), 'a')
  const handle = await open(path, 'w')
  await writeAll(handle, [Buffer.from('d'), Buffer.alloc(0), Buffer.from('ef')], 3)
  await writeAll(handle, [Buffer.from('abc')], 0)
  await writeAll(handle, [Buffer.alloc(0)], 100)
  await writeAll(handle, [], 100)
  await handle.close()
  t.equal(await readFile(path, 'utf8'), 'abcdef')
})

t.test('what the system did not take at once is written after it', async (t) => {
  const path = join(t.testdir({}), 'a')
  const handle = await open(path, 'w')
  const chunks = ['a', 'bcd', '', 'efgh', 'i'].map((text) => Buffer.from(text))
  for (const most of [1, 2, 3, 4, 100]) {
    const hesitant = Object.create(handle, {
      writev: {
        value: ([first, second]: ReadonlyArray<Uint8Array>, position: number) =>
          handle.write(
            Buffer.concat([first!, second ?? Buffer.alloc(0)]).subarray(0, most),
            0,
            null,
            position
          )
      }
    }) as typeof handle
    await handle.truncate(0)
    await writeAll(hesitant, chunks, 2)
    t.equal(await readFile(path, 'utf8'), '\0\0abcdefghi', String(most))
  }
  await handle.close()
})

t.test('a replacement is at once: who has the old file open keeps it', async (t) => {
  for (const durable of [true, false]) {
    const dir = t.testdir({ target: 'old', from: 'new!' })
    const [from, target] = [join(dir, 'from'), join(dir, 'target')]
    const reader = await open(target)
    await replaceAtomically(await open(from, 'r+'), { from, target, durable, signal: living })
    t.equal(await readFile(target, 'utf8'), 'new!')
    t.equal(await reader.readFile('utf8'), 'old')
    t.notOk(existsSync(from))
    await reader.close()
  }
})

t.test('a link at the target is replaced, and what it points to stays', async (t) => {
  const dir = t.testdir({ victim: 'v', from: 'new' })
  const [from, target] = [join(dir, 'from'), join(dir, 'link')]
  await symlink(join(dir, 'victim'), target)
  await replaceAtomically(await open(from, 'r+'), { from, target, durable: true, signal: living })
  t.equal(await readFile(join(dir, 'victim'), 'utf8'), 'v')
  t.equal(await readFile(target, 'utf8'), 'new')
})

t.test('only the file that is held is put in place, and only while that is wanted', async (t) => {
  const dir = t.testdir({ target: 'old', from: 'verified', other: 'planted' })
  const [from, target] = [join(dir, 'from'), join(dir, 'target')]
  const handle = await open(from, 'r+')
  await rename(join(dir, 'other'), from)
  await t.rejects(replaceAtomically(handle, { from, target, durable: true, signal: living }), {
    code: 'ESTALE'
  })
  await handle.close()

  const again = await open(from, 'r+')
  const signal = AbortSignal.abort(new Error('given up'))
  await t.rejects(replaceAtomically(again, { from, target, durable: true, signal }), { message: 'given up' })
  await again.close()
  t.equal(await readFile(target, 'utf8'), 'old')
})

t.test('what cannot be replaced says why', async (t) => {
  const dir = t.testdir({ from: 'x', folder: { full: 'y' } })
  const [from, target] = [join(dir, 'from'), join(dir, 'folder')]
  const handle = await open(from, 'r+')
  await t.rejects(replaceAtomically(handle, { from, target, durable: true, signal: living }), {
    code: /EISDIR|ENOTEMPTY|EPERM/
  })
  await handle.close()
  t.equal(await readFile(join(target, 'full'), 'utf8'), 'y')
})
