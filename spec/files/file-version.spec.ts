import { appendFile, link, open, rename, rm, truncate, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { hasChanged, hasShrunk, isSameFile, type FileVersion } from '../../lib/files/file-version.js'

/** The versions of an open file before and after something was done to it. */
const around = async (
  path: string,
  act: () => Promise<unknown>
): Promise<readonly [before: FileVersion, after: FileVersion]> => {
  const handle = await open(path)
  try {
    const before = await handle.stat({ bigint: true })
    // A clock tick, or two writes would have one time.
    await sleep(20)
    await act()
    return [before, await handle.stat({ bigint: true })]
  } finally {
    await handle.close()
  }
}

t.test('a file that was only read has not changed', async (t) => {
  const path = join(t.testdir({ a: 'abc' }), 'a')
  const [before, after] = await around(path, () => open(path).then((handle) => handle.close()))
  t.ok(isSameFile(before, after))
  t.notOk(hasChanged(before, after))
  t.notOk(hasShrunk(before, after))
})

t.test('a rewrite, an append and a truncation are changes', async (t) => {
  const path = join(t.testdir({ a: 'abc' }), 'a')
  for (const act of [() => writeFile(path, 'xyz'), () => appendFile(path, 'more'), () => truncate(path, 1)]) {
    t.ok(hasChanged(...(await around(path, act))), act.toString())
  }
})

t.test('a rewrite is a change if its size is the same and its modification time was set back', async (t) => {
  const path = join(t.testdir({ a: 'abc' }), 'a')
  const past = new Date('2020-02-02T02:02:02Z')
  await utimes(path, past, past)
  const [before, after] = await around(path, async () => {
    await writeFile(path, 'xyz')
    await utimes(path, past, past)
  })
  t.equal(before.mtimeNs, after.mtimeNs)
  t.ok(hasChanged(before, after))
})

t.test('a file that was deleted, replaced or linked while it is open has not changed', async (t) => {
  const dir = t.testdir({ a: 'abc', b: 'xyz', c: 'abc', d: 'abc' })
  const [a, b, c, d] = ['a', 'b', 'c', 'd'].map((name) => join(dir, name)) as [string, string, string, string]
  t.notOk(hasChanged(...(await around(a, () => rename(b, a)))))
  t.notOk(hasChanged(...(await around(c, () => rm(c)))))
  t.notOk(hasChanged(...(await around(d, () => link(d, `${d}2`)))))
})

t.test('two files are never one version', async (t) => {
  const dir = t.testdir({ a: 'abc', b: 'abc' })
  const [a] = await around(join(dir, 'a'), async () => undefined)
  const [b] = await around(join(dir, 'b'), async () => undefined)
  t.notOk(isSameFile(a, b))
  t.ok(hasChanged(a, b))
  t.ok(hasShrunk(a, b))
})

t.test('hasShrunk is true of a truncation, and not of an append', async (t) => {
  const path = join(t.testdir({ a: 'abc' }), 'a')
  t.notOk(hasShrunk(...(await around(path, () => appendFile(path, 'more')))))
  t.ok(hasShrunk(...(await around(path, () => truncate(path, 2)))))
})
