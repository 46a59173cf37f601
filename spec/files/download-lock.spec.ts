import { chmod, lstat, mkdir, readdir, readFile, symlink, utimes, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import * as E from 'fp-ts/lib/Either.js'
import t from 'tap'
import { contextWithoutObject } from '../../lib/core/error.js'
import { clearAfter, acquireDownloadSlot, FilePath } from '../../lib/files/download-lock.js'
import { waitFor } from '../support/wait-for.js'
import { lockNameOfDeadProcess, lockNameOfOtherMachine } from '../support/lock-names.js'

const context = contextWithoutObject('spec')
const living = new AbortController().signal
const folderName = 'a.bin.cospipe-download'

t.test('a workplace is a folder of our own beside the file, and gone when we are', async (t) => {
  const dir = t.testdir({})
  const place = await acquireDownloadSlot(context, join(dir, 'a.bin'), living)
  t.ok(place.alone)
  t.equal(dirname(place.part), join(dir, folderName))
  t.equal((await lstat(dirname(place.part))).mode & 0o777, 0o700)
  await writeFile(place.part, 'x')
  await writeFile(place.journal, 'x')
  await place.leave(false)
  t.same(await readdir(dir), [])
})

t.test('what is kept is there for the next, and for nobody else meanwhile', async (t) => {
  const dir = t.testdir({})
  const first = await acquireDownloadSlot(context, join(dir, 'a.bin'), living)
  await writeFile(first.part, 'x')
  await writeFile(first.journal, 'y')
  const second = await acquireDownloadSlot(context, join(dir, 'a.bin'), living)
  t.notOk(second.alone)
  t.not(second.part, first.part)
  await writeFile(second.part, 'z')
  await second.leave(false)
  await first.leave(true)
  t.same((await readdir(join(dir, folderName))).sort(), ['journal', 'part'])

  const third = await acquireDownloadSlot(context, join(dir, 'a.bin'), living)
  t.ok(third.alone)
  t.equal(await readFile(third.part, 'utf8'), 'x')
  await third.leave(false)
  t.same(await readdir(dir), [])
})

t.test('who was killed keeps nobody out, and leaves nothing behind', async (t) => {
  const dir = t.testdir({ [folderName]: {} })
  const folder = join(dir, folderName)
  const killed = await lockNameOfDeadProcess()
  for (const name of [`${killed}.claim`, `${killed}.part`, 'part', 'journal']) {
    await writeFile(join(folder, name), name)
  }
  const place = await acquireDownloadSlot(context, join(dir, 'a.bin'), living)
  t.ok(place.alone)
  t.equal(await readFile(place.part, 'utf8'), 'part')
  t.equal((await readdir(folder)).length, 3)
  await place.leave(false)
  t.same(await readdir(dir), [])
})

t.test(
  'what is left beside a file that is done is cleared away, unless somebody is at work there',
  async (t) => {
    const killed = await lockNameOfDeadProcess()
    const left = { journal: 'x', [`${killed}.claim`]: '' }
    const dir = t.testdir({ 'a.bin': 'done', [folderName]: left, 'b.bin': 'done' })
    await clearAfter(context, join(dir, 'a.bin'), living)
    await clearAfter(context, join(dir, 'b.bin'), living)
    t.same(await readdir(dir), ['a.bin', 'b.bin'])

    const place = await acquireDownloadSlot(context, join(dir, 'a.bin'), living)
    await writeFile(place.part, 'x')
    await clearAfter(context, join(dir, 'a.bin'), living)
    t.equal(await readFile(place.part, 'utf8'), 'x')
    await place.leave(false)
    t.same(await readdir(dir), ['a.bin', 'b.bin'])
  }
)

t.test('who is out of sight is believed for a minute after the last sign of life', async (t) => {
  for (const [age, alone] of [
    [5, false],
    [50, false],
    [70, true],
    [86_400, true]
  ] as const) {
    const dir = t.testdir({ [folderName]: {} })
    const claim = join(dir, folderName, `${await lockNameOfOtherMachine()}.claim`)
    await writeFile(claim, '')
    const time = Date.now() / 1000 - age
    await utimes(claim, time, time)
    const place = await acquireDownloadSlot(context, join(dir, 'a.bin'), living)
    t.equal(place.alone, alone, `${String(age)} s`)
    await place.leave(false)
    t.equal((await readdir(dir)).length, alone ? 0 : 1)
  }
})

t.test('who is at work gives signs of life', async (t) => {
  const dir = t.testdir({})
  const { setInterval } = globalThis
  t.teardown(() => Object.assign(globalThis, { setInterval }))
  // Every ten seconds, which are ten milliseconds here.
  const faster = (beat: () => void, every: number): NodeJS.Timeout => setInterval(beat, every / 1000)
  Object.assign(globalThis, { setInterval: faster })
  const place = await acquireDownloadSlot(context, join(dir, 'a.bin'), living)
  const [claim = ''] = await readdir(join(dir, folderName))
  const path = join(dir, folderName, claim)
  await utimes(path, 0, 0)
  await waitFor(async () => (await lstat(path)).mtimeMs > 0)
  t.ok(Date.now() - (await lstat(path)).mtimeMs < 60_000)
  await place.leave(false)
  t.same(await readdir(dir), [])
})

t.test('what a stranger left of its bytes without a claim is cleared away', async (t) => {
  const dir = t.testdir({ [folderName]: {} })
  await writeFile(join(dir, folderName, `${await lockNameOfOtherMachine()}.part`), 'x')
  const place = await acquireDownloadSlot(context, join(dir, 'a.bin'), living)
  t.ok(place.alone)
  await place.leave(false)
  t.same(await readdir(dir), [])
})

t.test('who was told to stop is waited for, by this process', async (t) => {
  const dir = t.testdir({})
  const stop = new AbortController()
  const first = await acquireDownloadSlot(context, join(dir, 'a.bin'), stop.signal)
  await writeFile(first.part, 'x')
  stop.abort()
  const second = acquireDownloadSlot(context, join(dir, 'a.bin'), living)
  await first.leave(true)
  const place = await second
  t.ok(place.alone)
  t.equal(await readFile(place.part, 'utf8'), 'x')
  await place.leave(false)
  t.same(await readdir(dir), [])
})

t.test('of many at once no two are alone, and nothing is left of any', async (t) => {
  const dir = t.testdir({})
  let most = 0
  for (let round = 0; round < 20; round += 1) {
    let inside = 0
    await Promise.all(
      Array.from({ length: 6 }, async (_, n) => {
        for (let turn = 0; turn < n % 3; turn += 1) await lstat(dir)
        const place = await acquireDownloadSlot(context, join(dir, 'a.bin'), living)
        if (place.alone) most = Math.max(most, (inside += 1))
        await writeFile(place.part, 'x')
        if (place.alone) inside -= 1
        await place.leave(false)
      })
    )
    t.same(await readdir(dir), [])
  }
  t.ok(most <= 1)
})

t.test('what is in the way is left as it is, and another folder serves', async (t) => {
  const dir = t.testdir({ file: {}, link: {}, linked: { inside: 'x' }, open: {} })
  await writeFile(join(dir, 'file', folderName), 'mine')
  await symlink(join(dir, 'linked'), join(dir, 'link', folderName))
  // Where anyone may make files, so may this folder have been made by anyone.
  await chmod(join(dir, 'open'), 0o1777)
  await mkdir(join(dir, 'open', folderName))
  await chmod(join(dir, 'open', folderName), 0o777)
  await symlink(join(dir, 'open'), join(dir, 'way'))
  for (const name of ['file', 'link', 'open', 'way']) {
    const place = await acquireDownloadSlot(context, join(dir, name, 'a.bin'), living)
    t.not(basename(dirname(place.part)), folderName, name)
    t.notOk(place.alone)
    await writeFile(place.part, 'x')
    await place.leave(false)
    t.same(await readdir(join(dir, name)), [folderName], name)
  }
  t.same(await readdir(join(dir, 'linked')), ['inside'])
  t.equal(await readFile(join(dir, 'file', folderName), 'utf8'), 'mine')
})

t.test('a file of the longest name has a workplace', async (t) => {
  const dir = t.testdir({})
  for (const name of ['a'.repeat(255), '長'.repeat(85)]) {
    const place = await acquireDownloadSlot(context, join(dir, name), living)
    await writeFile(place.part, 'x')
    await place.leave(false)
  }
  t.same(await readdir(dir), [])
})

t.test('where there can be no workplace, the system says why', async (t) => {
  const dir = t.testdir({ folder: {}, file: 'x' })
  for (const [target, code] of [
    [join(dir, 'folder'), 'EISDIR'],
    [join(dir, 'missing', 'a'), 'ENOENT'],
    [join(dir, 'file', 'a'), 'ENOTDIR']
  ] as const) {
    await t.rejects(acquireDownloadSlot(context, target, living), {
      name: 'CosException',
      error: { _tag: 'FileError', path: target, code, context }
    })
  }
  t.same((await readdir(dir)).sort(), ['file', 'folder'])
})

t.test('a path is one of a file, and not of a workplace', async (t) => {
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
