import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import t from 'tap'
import { contextWithoutObject } from '../../lib/core/error.js'
import { sharedTempDirectory } from '../../lib/files/shared-temp-directory.js'
import { lockNameOfDeadProcess } from '../support/lock-names.js'

const context = contextWithoutObject('spec')
const never = new AbortController().signal
const folderName = '.cospipe-download'

t.test('many files share one temp directory and one lock, each with a unique name', async (t) => {
  const dir = t.testdir({})
  const shared = sharedTempDirectory(dir)
  const names = Array.from({ length: 20 }, (_, n) => join(dir, String(n)))
  const slots = await Promise.all(names.map((target) => shared.acquire(context, target, () => never)))
  t.equal(new Set(slots.map(({ part }) => part)).size, 20)
  t.same(new Set(slots.map(({ part }) => dirname(part))), new Set([join(dir, folderName)]))
  t.same(
    (await readdir(join(dir, folderName))).map((name) => /\.lock$/.test(name)),
    [true]
  )
  t.ok(
    slots.every(({ exclusive }) => !exclusive),
    'no file is resumed'
  )
  for (const { release } of slots) await release(false)
  await shared.close()
  t.same(await readdir(dir), [])
})

t.test('the temp directory is removed when the last file is released', async (t) => {
  const dir = t.testdir({})
  const shared = sharedTempDirectory(dir)
  const [one, other] = [
    await shared.acquire(context, join(dir, 'a'), () => never),
    await shared.acquire(context, join(dir, 'b'), () => never)
  ]
  await writeFile(one.part, 'x')
  await shared.close()
  await other.release(false)
  t.same(await readdir(dir), [folderName])
  await one.release(false)
  t.same(await readdir(dir), [])
})

t.test(
  'a file acquired after close gets a temp directory, and its release removes the directory',
  async (t) => {
    const dir = t.testdir({})
    const shared = sharedTempDirectory(dir)
    await shared.close()
    t.same(await readdir(dir), [])
    const late = await shared.acquire(context, join(dir, 'a'), () => never)
    await writeFile(late.part, 'x')
    await late.release(true)
    t.same(await readdir(dir), [])
  }
)

t.test('a file acquired during close keeps the temp directory until its release', async (t) => {
  const killed = await lockNameOfDeadProcess()
  const dir = t.testdir({ [folderName]: { [`${killed}.lock`]: '' } })
  const shared = sharedTempDirectory(dir)
  const end = shared.close()
  const slot = await shared.acquire(context, join(dir, 'a'), () => never)
  await end
  await writeFile(slot.part, 'x')
  await slot.release(false)
  t.same(await readdir(dir), [])
})

t.test('two runs share the temp directory, and the files of dead processes are removed', async (t) => {
  const killed = await lockNameOfDeadProcess()
  const dir = t.testdir({ [folderName]: { [`${killed}.lock`]: '', [`${killed}.7.part`]: 'half' } })
  const [one, other] = [sharedTempDirectory(dir), sharedTempDirectory(dir)]
  const [mine, yours] = await Promise.all([
    one.acquire(context, join(dir, 'a'), () => never),
    other.acquire(context, join(dir, 'a'), () => never)
  ])
  t.not(mine.part, yours.part)
  await writeFile(yours.part, 'yours')
  await mine.release(false)
  await one.close()
  const left = await readdir(join(dir, folderName))
  t.equal(left.length, 2, left.join())
  t.notOk(left.some((name) => name.startsWith(killed)))
  await yours.release(false)
  await other.close()
  t.same(await readdir(dir), [])
})

t.test('close removes the temp directory of a dead process if the run had no files', async (t) => {
  const killed = await lockNameOfDeadProcess()
  const dir = t.testdir({ [folderName]: { [`${killed}.lock`]: '' } })
  await sharedTempDirectory(dir).close()
  t.same(await readdir(dir), [])
})

t.test(
  'if no temp directory can be created in the root, each file gets a separate lock directory',
  async (t) => {
    const dir = t.testdir({ root: 'a file', below: {} })
    const shared = sharedTempDirectory(join(dir, 'root'))
    const target = join(dir, 'below', 'a')
    const slot = await shared.acquire(context, target, () => never)
    t.equal(dirname(slot.part), `${target}${folderName}`)
    await slot.release(false)
    await mkdir(target)
    const refused: unknown = await shared
      .acquire(context, target, () => never)
      .catch((thrown: unknown) => thrown)
    t.match(refused, { error: { _tag: 'FileError', code: 'EISDIR' } })
    await shared.close()
    t.same(await readdir(join(dir, 'below')), ['a'])
  }
)
