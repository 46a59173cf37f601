import { chmod, chown, open, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { copyMode, newFileMode, temporaryMode } from '../../lib/files/file-mode.js'

t.test('newFileMode is 0666 less the umask, and leaves the umask', async (t) => {
  const before = process.umask(0o022)
  t.teardown(() => process.umask(before))
  for (const mask of [0o000, 0o022, 0o077]) {
    process.umask(mask)
    t.equal(newFileMode(), 0o666 & ~mask)
    t.equal(process.umask(mask), mask)
  }
})

/** Creates an old file and a temporary one, and copies the mode from the first to the second. */
const replace = async (
  t: { readonly testdir: (content: Record<string, string>) => string },
  mode: number,
  owner?: { readonly uid: number; readonly gid: number }
): Promise<{ readonly mode: number; readonly uid: number; readonly gid: number }> => {
  const dir = t.testdir({ old: '' })
  if (owner !== undefined) await chown(join(dir, 'old'), owner.uid, owner.gid)
  await chmod(join(dir, 'old'), mode)
  await writeFile(join(dir, 'new'), '', { mode: temporaryMode })
  const handle = await open(join(dir, 'new'), 'r+')
  try {
    await copyMode(handle, await stat(join(dir, 'old')))
  } finally {
    await handle.close()
  }
  return stat(join(dir, 'new'))
}

t.test('copyMode sets the mode of the old file, set-id bits included', async (t) => {
  for (const mode of [0o600, 0o444, 0o755, 0o6755])
    t.equal(((await replace(t, mode)).mode & 0o7777).toString(8), mode.toString(8))
})

t.test('without an old file, copyMode sets the mode of a new file', async (t) => {
  const handle = await open(join(t.testdir({ new: '' }), 'new'), 'r+')
  t.teardown(() => handle.close())
  await copyMode(handle, undefined)
  t.equal((await handle.stat()).mode & 0o777, newFileMode())
})

if (process.geteuid?.() === 0) {
  t.test('as root, copyMode sets owner and group of the old file', async (t) => {
    t.match(await replace(t, 0o640, { uid: 65_534, gid: 65_533 }), { uid: 65_534, gid: 65_533 })
  })

  t.test('without the right to set owner and group, the group gets the rights of others', async (t) => {
    const dir = t.testdir({})
    await chmod(dir, 0o777)
    for (const [mode, expected] of [
      [0o660, 0o600],
      [0o4654, 0o644]
    ] as const) {
      await writeFile(join(dir, 'old'), '')
      await chmod(join(dir, 'old'), mode)
      const old = await stat(join(dir, 'old'))
      const handle = await open(join(dir, `new-${String(mode)}`), 'wx+', temporaryMode)
      await handle.chown(65_534, 65_534)
      // As the unprivileged owner of the new file would see it.
      const refuse = (): Promise<void> => Promise.reject(new Error('EPERM'))
      const stats = await handle.stat()
      await copyMode(
        new Proxy(handle, {
          get: (target, name) => {
            if (name === 'chown') return refuse
            const value: unknown = Reflect.get(target, name, target)
            return typeof value === 'function' ? (value.bind(target) as unknown) : value
          }
        }),
        old
      )
      t.equal(((await handle.stat()).mode & 0o7777).toString(8), expected.toString(8))
      t.equal(stats.uid, 65_534)
      await handle.close()
    }
  })
}
