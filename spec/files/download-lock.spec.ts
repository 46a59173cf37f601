import { chmod, lstat, mkdir, readdir, readFile, symlink, utimes, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import * as E from 'fp-ts/lib/Either.js'
import t from 'tap'
import { contextWithoutObject } from '../../lib/core/error.js'
import { removeStaleSlot, acquireDownloadSlot, FilePath } from '../../lib/files/download-lock.js'
import { waitFor } from '../support/wait-for.js'
import { lockNameOfDeadProcess, lockNameOfOtherMachine } from '../support/lock-names.js'

const context = contextWithoutObject('spec')
const never = new AbortController().signal
const folderName = 'a.bin.cospipe-download'

t.test('the lock directory is private, beside the target, and removed by release', async (t) => {
  const dir = t.testdir({})
  const slot = await acquireDownloadSlot(context, join(dir, 'a.bin'), never)
  t.ok(slot.exclusive)
  t.equal(dirname(slot.part), join(dir, folderName))
  t.equal((await lstat(dirname(slot.part))).mode & 0o777, 0o700)
  await writeFile(slot.part, 'x')
  await writeFile(slot.journal, 'x')
  await slot.release(false)
  t.same(await readdir(dir), [])
})

t.test(
  'release(true) keeps the partial file for the next run; a concurrent second slot has a different partial file',
  async (t) => {
    const dir = t.testdir({})
    const first = await acquireDownloadSlot(context, join(dir, 'a.bin'), never)
    await writeFile(first.part, 'x')
    await writeFile(first.journal, 'y')
    const second = await acquireDownloadSlot(context, join(dir, 'a.bin'), never)
    t.notOk(second.exclusive)
    t.not(second.part, first.part)
    await writeFile(second.part, 'z')
    await second.release(false)
    await first.release(true)
    t.same((await readdir(join(dir, folderName))).sort(), ['journal', 'part'])

    const third = await acquireDownloadSlot(context, join(dir, 'a.bin'), never)
    t.ok(third.exclusive)
    t.equal(await readFile(third.part, 'utf8'), 'x')
    await third.release(false)
    t.same(await readdir(dir), [])
  }
)

t.test(
  'the lock of a dead process is removed with its partial file, and the slot is exclusive',
  async (t) => {
    const dir = t.testdir({ [folderName]: {} })
    const folder = join(dir, folderName)
    const killed = await lockNameOfDeadProcess()
    for (const name of [`${killed}.lock`, `${killed}.part`, 'part', 'journal']) {
      await writeFile(join(folder, name), name)
    }
    const slot = await acquireDownloadSlot(context, join(dir, 'a.bin'), never)
    t.ok(slot.exclusive)
    t.equal(await readFile(slot.part, 'utf8'), 'part')
    t.equal((await readdir(folder)).length, 3)
    await slot.release(false)
    t.same(await readdir(dir), [])
  }
)

t.test(
  'removeStaleSlot removes the lock directory of a dead process, and nothing of a living one',
  async (t) => {
    const killed = await lockNameOfDeadProcess()
    const left = { journal: 'x', [`${killed}.lock`]: '' }
    const dir = t.testdir({ 'a.bin': 'done', [folderName]: left, 'b.bin': 'done' })
    await removeStaleSlot(context, join(dir, 'a.bin'), never)
    await removeStaleSlot(context, join(dir, 'b.bin'), never)
    t.same(await readdir(dir), ['a.bin', 'b.bin'])

    const slot = await acquireDownloadSlot(context, join(dir, 'a.bin'), never)
    await writeFile(slot.part, 'x')
    await removeStaleSlot(context, join(dir, 'a.bin'), never)
    t.equal(await readFile(slot.part, 'utf8'), 'x')
    await slot.release(false)
    t.same(await readdir(dir), ['a.bin', 'b.bin'])
  }
)

t.test('a lock of another machine is stale a minute after its last heartbeat', async (t) => {
  for (const [age, alone] of [
    [5, false],
    [50, false],
    [70, true],
    [86_400, true]
  ] as const) {
    const dir = t.testdir({ [folderName]: {} })
    const lock = join(dir, folderName, `${await lockNameOfOtherMachine()}.lock`)
    await writeFile(lock, '')
    const time = Date.now() / 1000 - age
    await utimes(lock, time, time)
    const slot = await acquireDownloadSlot(context, join(dir, 'a.bin'), never)
    t.equal(slot.exclusive, alone, `${String(age)} s`)
    await slot.release(false)
    t.equal((await readdir(dir)).length, alone ? 0 : 1)
  }
})

t.test('a lock gets a heartbeat', async (t) => {
  const dir = t.testdir({})
  const { setInterval } = globalThis
  t.teardown(() => Object.assign(globalThis, { setInterval }))
  // The heartbeat interval of ten seconds becomes ten milliseconds.
  const faster = (beat: () => void, every: number): NodeJS.Timeout => setInterval(beat, every / 1000)
  Object.assign(globalThis, { setInterval: faster })
  const slot = await acquireDownloadSlot(context, join(dir, 'a.bin'), never)
  const [lock = ''] = await readdir(join(dir, folderName))
  const path = join(dir, folderName, lock)
  await utimes(path, 0, 0)
  await waitFor(async () => (await lstat(path)).mtimeMs > 0)
  t.ok(Date.now() - (await lstat(path)).mtimeMs < 60_000)
  await slot.release(false)
  t.same(await readdir(dir), [])
})

t.test('a partial file without a lock is removed', async (t) => {
  const dir = t.testdir({ [folderName]: {} })
  await writeFile(join(dir, folderName, `${await lockNameOfOtherMachine()}.part`), 'x')
  const slot = await acquireDownloadSlot(context, join(dir, 'a.bin'), never)
  t.ok(slot.exclusive)
  await slot.release(false)
  t.same(await readdir(dir), [])
})

t.test('acquireDownloadSlot waits for a slot of this process that is being aborted', async (t) => {
  const dir = t.testdir({})
  const controller = new AbortController()
  const first = await acquireDownloadSlot(context, join(dir, 'a.bin'), controller.signal)
  await writeFile(first.part, 'x')
  controller.abort()
  const second = acquireDownloadSlot(context, join(dir, 'a.bin'), never)
  await first.release(true)
  const slot = await second
  t.ok(slot.exclusive)
  t.equal(await readFile(slot.part, 'utf8'), 'x')
  await slot.release(false)
  t.same(await readdir(dir), [])
})

t.test('of many concurrent slots no two are exclusive, and release removes all files', async (t) => {
  const dir = t.testdir({})
  let most = 0
  for (let round = 0; round < 20; round += 1) {
    let inside = 0
    await Promise.all(
      Array.from({ length: 6 }, async (_, n) => {
        for (let turn = 0; turn < n % 3; turn += 1) await lstat(dir)
        const slot = await acquireDownloadSlot(context, join(dir, 'a.bin'), never)
        if (slot.exclusive) most = Math.max(most, (inside += 1))
        await writeFile(slot.part, 'x')
        if (slot.exclusive) inside -= 1
        await slot.release(false)
      })
    )
    t.same(await readdir(dir), [])
  }
  t.ok(most <= 1)
})

t.test(
  'a file, link or foreign directory at the path is not changed, and another directory is used',
  async (t) => {
    const dir = t.testdir({ file: {}, link: {}, linked: { inside: 'x' }, open: {} })
    await writeFile(join(dir, 'file', folderName), 'mine')
    await symlink(join(dir, 'linked'), join(dir, 'link', folderName))
    // In a sticky directory, any user may have created the lock directory.
    await chmod(join(dir, 'open'), 0o1777)
    await mkdir(join(dir, 'open', folderName))
    await chmod(join(dir, 'open', folderName), 0o777)
    await symlink(join(dir, 'open'), join(dir, 'way'))
    for (const name of ['file', 'link', 'open', 'way']) {
      const slot = await acquireDownloadSlot(context, join(dir, name, 'a.bin'), never)
      t.not(basename(dirname(slot.part)), folderName, name)
      t.notOk(slot.exclusive)
      await writeFile(slot.part, 'x')
      await slot.release(false)
      t.same(await readdir(join(dir, name)), [folderName], name)
    }
    t.same(await readdir(join(dir, 'linked')), ['inside'])
    t.equal(await readFile(join(dir, 'file', folderName), 'utf8'), 'mine')
  }
)

t.test('a target with the longest possible name can be locked', async (t) => {
  const dir = t.testdir({})
  for (const name of ['a'.repeat(255), '長'.repeat(85)]) {
    const slot = await acquireDownloadSlot(context, join(dir, name), never)
    await writeFile(slot.part, 'x')
    await slot.release(false)
  }
  t.same(await readdir(dir), [])
})

t.test('acquireDownloadSlot fails with the code of the system if the target cannot be locked', async (t) => {
  const dir = t.testdir({ folder: {}, file: 'x' })
  for (const [target, code] of [
    [join(dir, 'folder'), 'EISDIR'],
    [join(dir, 'missing', 'a'), 'ENOENT'],
    [join(dir, 'file', 'a'), 'ENOTDIR']
  ] as const) {
    await t.rejects(acquireDownloadSlot(context, target, never), {
      name: 'CosException',
      error: { _tag: 'FileError', path: target, code, context }
    })
  }
  t.same((await readdir(dir)).sort(), ['file', 'folder'])
})

t.test('FilePath refuses directories and paths in lock directories', async (t) => {
  for (const path of ['a', './a', '/x/../a', 'a b', '.hidden', 'a.cospipe-download/b/c']) {
    t.ok(E.isRight(FilePath.decode(path)), JSON.stringify(path))
  }
  for (const path of [
    '',
    'a/',
    'a\0',
    `x/${folderName}`,
    `${folderName}/part`,
    'A.COSPIPE-DOWNLOAD',
    7,
    null
  ]) {
    t.ok(E.isLeft(FilePath.decode(path)), JSON.stringify(path))
  }
})
