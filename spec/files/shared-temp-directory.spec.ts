import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import t from 'tap'
import { contextWithoutObject } from '../../lib/core/error.js'
import { sharedTempDirectory } from '../../lib/files/shared-temp-directory.js'
import { lockNameOfDeadProcess } from '../support/lock-names.js'

const context = contextWithoutObject('spec')
const living = new AbortController().signal
const folderName = '.cospipe-download'

t.test('many are at work in one folder under one claim, each with a name of its own', async (t) => {
  const dir = t.testdir({})
  const drafts = sharedTempDirectory(dir)
  const names = Array.from({ length: 20 }, (_, n) => join(dir, String(n)))
  const places = await Promise.all(names.map((target) => drafts.enter(context, target, living)))
  t.equal(new Set(places.map(({ part }) => part)).size, 20)
  t.same(new Set(places.map(({ part }) => dirname(part))), new Set([join(dir, folderName)]))
  t.same(
    (await readdir(join(dir, folderName))).map((name) => /\.claim$/.test(name)),
    [true]
  )
  t.ok(
    places.every(({ alone }) => !alone),
    'nothing is found again'
  )
  for (const { leave } of places) await leave(false)
  await drafts.leave()
  t.same(await readdir(dir), [])
})

t.test('the folder goes with the last, and what that one had made goes before', async (t) => {
  const dir = t.testdir({})
  const drafts = sharedTempDirectory(dir)
  const [one, other] = [
    await drafts.enter(context, join(dir, 'a'), living),
    await drafts.enter(context, join(dir, 'b'), living)
  ]
  await writeFile(one.part, 'x')
  await drafts.leave()
  await other.leave(false)
  t.same(await readdir(dir), [folderName])
  await one.leave(false)
  t.same(await readdir(dir), [])
})

t.test('who comes after the end has a folder all the same, and takes it away', async (t) => {
  const dir = t.testdir({})
  const drafts = sharedTempDirectory(dir)
  await drafts.leave()
  t.same(await readdir(dir), [])
  const late = await drafts.enter(context, join(dir, 'a'), living)
  await writeFile(late.part, 'x')
  await late.leave(true)
  t.same(await readdir(dir), [])
})

t.test('a file that enters while the run ends keeps the directory until it leaves', async (t) => {
  const killed = await lockNameOfDeadProcess()
  const dir = t.testdir({ [folderName]: { [`${killed}.claim`]: '' } })
  const shared = sharedTempDirectory(dir)
  const end = shared.leave()
  const slot = await shared.enter(context, join(dir, 'a'), living)
  await end
  await writeFile(slot.part, 'x')
  await slot.leave(false)
  t.same(await readdir(dir), [])
})

t.test('two runs at once do not disturb each other, and what the dead left is cleared away', async (t) => {
  const killed = await lockNameOfDeadProcess()
  const dir = t.testdir({ [folderName]: { [`${killed}.claim`]: '', [`${killed}.7.part`]: 'half' } })
  const [one, other] = [sharedTempDirectory(dir), sharedTempDirectory(dir)]
  const [mine, yours] = await Promise.all([
    one.enter(context, join(dir, 'a'), living),
    other.enter(context, join(dir, 'a'), living)
  ])
  t.not(mine.part, yours.part)
  await writeFile(yours.part, 'yours')
  await mine.leave(false)
  await one.leave()
  const left = await readdir(join(dir, folderName))
  t.equal(left.length, 2, left.join())
  t.notOk(left.some((name) => name.startsWith(killed)))
  await yours.leave(false)
  await other.leave()
  t.same(await readdir(dir), [])
})

t.test('what was left by who died with all done is cleared away though nothing is to do', async (t) => {
  const killed = await lockNameOfDeadProcess()
  const dir = t.testdir({ [folderName]: { [`${killed}.claim`]: '' } })
  await sharedTempDirectory(dir).leave()
  t.same(await readdir(dir), [])
})

t.test('where no folder can be made each file has its own', async (t) => {
  const dir = t.testdir({ root: 'a file', below: {} })
  const drafts = sharedTempDirectory(join(dir, 'root'))
  const target = join(dir, 'below', 'a')
  const place = await drafts.enter(context, target, living)
  t.equal(dirname(place.part), `${target}${folderName}`)
  await place.leave(false)
  await mkdir(target)
  const refused: unknown = await drafts.enter(context, target, living).catch((thrown: unknown) => thrown)
  t.match(refused, { error: { _tag: 'FileError', code: 'EISDIR' } })
  await drafts.leave()
  t.same(await readdir(join(dir, 'below')), ['a'])
})
