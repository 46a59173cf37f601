import { chmodSync, lstatSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { newFileMode } from '../../lib/files/file-mode.js'
import { replaceWithBytes, type BytesReplacement } from '../../lib/files/replace-with-bytes.js'

const replace = (dir: string, options: Partial<BytesReplacement> = {}): Promise<void> =>
  replaceWithBytes({
    bytes: Buffer.from('new'),
    from: join(dir, 'part'),
    target: join(dir, 'a'),
    durable: false,
    throwIfAborted: () => undefined,
    ...options
  })

t.test(
  'a file is created with the mode of a new file, or replaced with the mode of the old one',
  async (t) => {
    for (const durable of [false, true]) {
      const dir = t.testdir({})
      await replace(dir, { durable })
      t.equal(readFileSync(join(dir, 'a'), 'utf8'), 'new')
      t.same(readdirSync(dir), ['a'])
      if (process.platform === 'win32') continue
      t.equal(statSync(join(dir, 'a')).mode & 0o777, newFileMode())
      await replace(dir, { durable, target: join(dir, 'b') })
      chmodSync(join(dir, 'b'), 0o640)
      await replace(dir, { durable, bytes: Buffer.from('newer'), target: join(dir, 'b') })
      t.equal(readFileSync(join(dir, 'b'), 'utf8'), 'newer')
      t.equal(statSync(join(dir, 'b')).mode & 0o777, 0o640)
    }
  }
)

t.test('a file at the temporary path is replaced, and a link at the target is not followed', async (t) => {
  const dir = t.testdir({ part: 'old part', other: 'other' })
  symlinkSync('other', join(dir, 'a'))
  await replace(dir)
  t.notOk(lstatSync(join(dir, 'a')).isSymbolicLink())
  t.equal(readFileSync(join(dir, 'a'), 'utf8'), 'new')
  t.equal(readFileSync(join(dir, 'other'), 'utf8'), 'other')
})

t.test('after an abort the target is unchanged', async (t) => {
  const dir = t.testdir({ a: 'old' })
  const aborted = new Error('aborted')
  const throwIfAborted = (): never => {
    throw aborted
  }
  await t.rejects(replace(dir, { throwIfAborted }), aborted)
  t.equal(readFileSync(join(dir, 'a'), 'utf8'), 'old')
})

t.test('a folder at the target is an error, and is kept', async (t) => {
  const dir = t.testdir({})
  mkdirSync(join(dir, 'a'))
  await t.rejects(replace(dir), { code: 'EISDIR' })
  t.same(readdirSync(dir), ['a'])
})
