/** Errors of a real file system: processes without permission, with a size limit, on a full disk, and in parallel. */
import { spawnSync } from 'node:child_process'
import { chmod, mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { send } from '../../../lib/client/send.js'
import { putObject } from '../../../lib/operations/put-object.js'
import { bytesOf } from '../../support/bytes.js'
import { startChild, type ChildOptions, type Step } from '../../support/child-processes.js'
import { bucket, startCos } from '../../support/cos.js'
import { right } from '../../support/server.js'

const MiB = 1024 * 1024
const at = { bucket, key: 'down/refused.bin' }
const bytes = bytesOf(8 * MiB + 13)

const top = t.testdir({})
const cos = await startCos(t)
right(await send(putObject({ ...at, body: bytes }))(cos.client())())

const input = { ...at, threshold: 0, partSize: MiB, concurrency: 2 }
const download = (file: string, change: object = {}): Step => ({
  call: 'downloadFile',
  input: { ...input, file, ...change }
})
const runChild = async (
  steps: ReadonlyArray<Step>,
  options?: ChildOptions
): Promise<ReadonlyArray<unknown>> => {
  const child = await startChild(cos.emulator, steps, options)
  child.start()
  return child.results
}

const folder = async (name: string): Promise<string> => {
  const dir = join(top, name)
  await mkdir(dir)
  await writeFile(join(dir, 'a.bin'), 'old')
  return dir
}

t.test('a directory without write permission fails with FileError and stays untouched', async (t) => {
  const dir = await folder('closed')
  await chmod(dir, 0o555)
  t.teardown(() => chmod(dir, 0o755))
  // Root ignores modes, so the child runs as nobody.
  const nobody = process.getuid?.() === 0 ? { uid: 65_534 } : {}
  const file = join(dir, 'a.bin')
  t.match(await runChild([download(file)], nobody), [
    { _tag: 'Left', left: { _tag: 'FileError', code: 'EACCES', path: file } }
  ])
  t.same(await readdir(dir), ['a.bin'])
  t.equal(await readFile(file, 'utf8'), 'old')
})

t.test('a file size limit fails with EFBIG before the first GET, and no file remains', async (t) => {
  const dir = await folder('limited')
  const before = cos.operations().length
  t.match(
    await runChild([download(join(dir, 'a.bin'))], {
      through: ['sh', '-c', 'ulimit -f 4096; exec "$@"', 'sh']
    }),
    [{ _tag: 'Left', left: { _tag: 'FileError', code: 'EFBIG' } }]
  )
  t.same(cos.operations().slice(before), ['HeadObject'])
  t.same(await readdir(dir), ['a.bin'])
  t.equal(await readFile(join(dir, 'a.bin'), 'utf8'), 'old')
})

// A tmpfs for the child, if the system lets an unprivileged user mount one.
const disk = ['unshare', '-rm', 'sh', '-c', 'mount -t tmpfs -o size=4m none "$0" && exec "$@"'] as const
const hasDisks = spawnSync(disk[0], [...disk.slice(1), join(top, 'lib'), 'true']).status === 0

if (hasDisks) {
  t.test('a full disk fails with ENOSPC, and the download resumes when the disk has space', async (t) => {
    const dir = await folder('disk')
    const file = join(dir, 'a.bin')
    const look = { run: `ls -A "${dir}"` }
    const [, full, left, , done, after, sum] = await runChild(
      [
        { run: `printf old > "${file}"` },
        download(file),
        { run: `cat "${file}"; ls -A "${dir}" "${file}.cospipe-download"` },
        { run: `mount -o remount,size=64m "${dir}"` },
        download(file),
        look,
        { run: `cp "${file}" "${top}/copied"` }
      ],
      { through: [...disk, dir] }
    )
    t.match(full, { _tag: 'Left', left: { _tag: 'FileError', code: 'ENOSPC' } })
    t.match(left, /^old/)
    t.match(left, /journal\npart\n/)
    t.match(done, { _tag: 'Right', right: { integrity: { _tag: 'Verified' } } })
    t.ok((done as { readonly right: { readonly resumed: number } }).right.resumed >= MiB)
    t.equal(after, 'a.bin\n')
    t.equal(sum, '')
    t.ok(bytes.equals(await readFile(join(top, 'copied'))))
  })

  t.test('ENOSPC with onFailure discard removes the partial file', async (t) => {
    const dir = await folder('emptied')
    const [full, after] = await runChild(
      [download(join(dir, 'a.bin'), { onFailure: 'discard' }), { run: `ls -A "${dir}"` }],
      { through: [...disk, dir] }
    )
    t.match(full, { _tag: 'Left', left: { _tag: 'FileError', code: 'ENOSPC' } })
    t.equal(after, '')
  })
}

t.test('parallel downloads of two processes to one file do not disturb each other', async (t) => {
  const other = { bucket, key: 'down/other.bin' }
  const otherBytes = bytesOf(5 * MiB, 3)
  right(await send(putObject({ ...other, body: otherBytes }))(cos.client())())
  const dir = await folder('shared')
  const file = join(dir, 'a.bin')
  const children = await Promise.all(
    [{}, {}, other].map((change) => startChild(cos.emulator, [download(file, change)]))
  )
  for (const child of children) child.start()
  const verified = [{ _tag: 'Right', right: { integrity: { _tag: 'Verified' } } }]
  t.match(await Promise.all(children.map(({ results }) => results)), [verified, verified, verified])
  const there = await readFile(file)
  t.ok(there.equals(bytes) || there.equals(otherBytes), 'one of the two, complete')
  t.same(await readdir(dir), ['a.bin'])
})
