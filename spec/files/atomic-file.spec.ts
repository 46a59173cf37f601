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
const neverAborted = new AbortController().signal

t.test('withFileErrors rejects with a FileError that has the path and the code of the system', async (t) => {
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

t.test('remove accepts a missing file, and deletes a link without its target', async (t) => {
  const dir = t.testdir({ kept: 'x', folder: {} })
  await remove(join(dir, 'missing'))
  await symlink(join(dir, 'kept'), join(dir, 'link'))
  await remove(join(dir, 'link'))
  t.same(await readFile(join(dir, 'kept'), 'utf8'), 'x')
  await t.rejects(remove(join(dir, 'folder')))
})

t.test('createFile fails with EEXIST if a file or link exists at the path', async (t) => {
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

t.test('reopenFile refuses links, files with two hard links, FIFOs and folders', async (t) => {
  const dir = t.testdir({ file: 'x', victim: 'v', folder: {} })
  const handle = await reopenFile(join(dir, 'file'), constants.O_RDWR)
  await handle.close()
  await symlink(join(dir, 'victim'), join(dir, 'link'))
  await link(join(dir, 'victim'), join(dir, 'twin'))
  // A blocking open of a FIFO for reading would wait for a writer.
  execFileSync('mkfifo', [join(dir, 'pipe')])
  await t.rejects(reopenFile(join(dir, 'link'), constants.O_RDWR), { code: 'ELOOP' })
  await t.rejects(reopenFile(join(dir, 'twin'), constants.O_RDWR), { code: 'EEXIST' })
  await t.rejects(reopenFile(join(dir, 'pipe'), constants.O_RDONLY), { code: 'EEXIST' })
  await t.rejects(reopenFile(join(dir, 'folder'), constants.O_RDWR), { code: 'EISDIR' })
  await t.rejects(reopenFile(join(dir, 'none'), constants.O_RDWR), { code: 'ENOENT' })
})

t.test('writeAll writes all bytes at their position', async (t) => {
  const path = join(t.testdir({}), 'a')
  const handle = await open(path, 'w')
  await writeAll(handle, [Buffer.from('d'), Buffer.alloc(0), Buffer.from('ef')], 3)
  await writeAll(handle, [Buffer.from('abc')], 0)
  await writeAll(handle, [Buffer.alloc(0)], 100)
  await writeAll(handle, [], 100)
  await handle.close()
  t.equal(await readFile(path, 'utf8'), 'abcdef')
})

t.test('writeAll writes the rest if the system accepts fewer bytes in one call', async (t) => {
  const path = join(t.testdir({}), 'a')
  const handle = await open(path, 'w')
  const chunks = ['a', 'bcd', '', 'efgh', 'i'].map((text) => Buffer.from(text))
  for (const most of [1, 2, 3, 4, 100]) {
    const partialWriter = Object.create(handle, {
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
    await writeAll(partialWriter, chunks, 2)
    t.equal(await readFile(path, 'utf8'), '\0\0abcdefghi', String(most))
  }
  await handle.close()
})

t.test('replaceAtomically replaces the file; a reader with the old file open keeps its bytes', async (t) => {
  for (const durable of [true, false]) {
    const dir = t.testdir({ target: 'old', from: 'new!' })
    const [from, target] = [join(dir, 'from'), join(dir, 'target')]
    const reader = await open(target)
    await replaceAtomically(await open(from, 'r+'), { from, target, durable, signal: neverAborted })
    t.equal(await readFile(target, 'utf8'), 'new!')
    t.equal(await reader.readFile('utf8'), 'old')
    t.notOk(existsSync(from))
    await reader.close()
  }
})

t.test('replaceAtomically replaces a link at the target, and keeps the target of the link', async (t) => {
  const dir = t.testdir({ victim: 'v', from: 'new' })
  const [from, target] = [join(dir, 'from'), join(dir, 'link')]
  await symlink(join(dir, 'victim'), target)
  await replaceAtomically(await open(from, 'r+'), { from, target, durable: true, signal: neverAborted })
  t.equal(await readFile(join(dir, 'victim'), 'utf8'), 'v')
  t.equal(await readFile(target, 'utf8'), 'new')
})

t.test(
  'replaceAtomically fails if the file was replaced by another, or if the signal is aborted',
  async (t) => {
    const dir = t.testdir({ target: 'old', from: 'verified', other: 'planted' })
    const [from, target] = [join(dir, 'from'), join(dir, 'target')]
    const handle = await open(from, 'r+')
    await rename(join(dir, 'other'), from)
    await t.rejects(replaceAtomically(handle, { from, target, durable: true, signal: neverAborted }), {
      code: 'ESTALE'
    })
    await handle.close()

    const again = await open(from, 'r+')
    const signal = AbortSignal.abort(new Error('given up'))
    await t.rejects(replaceAtomically(again, { from, target, durable: true, signal }), {
      message: 'given up'
    })
    await again.close()
    t.equal(await readFile(target, 'utf8'), 'old')
  }
)

t.test('replaceAtomically fails if the target is a folder, and keeps the folder', async (t) => {
  const dir = t.testdir({ from: 'x', folder: { full: 'y' } })
  const [from, target] = [join(dir, 'from'), join(dir, 'folder')]
  const handle = await open(from, 'r+')
  await t.rejects(replaceAtomically(handle, { from, target, durable: true, signal: neverAborted }), {
    code: /EISDIR|ENOTEMPTY|EPERM/
  })
  await handle.close()
  t.equal(await readFile(join(target, 'full'), 'utf8'), 'y')
})
