import { constants, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { openFile } from '../../lib/files/open-file.js'

t.test('a file is written, measured and read by its descriptor', async (t) => {
  const path = join(t.testdir(), 'a')
  const file = await openFile(path, constants.O_RDWR | constants.O_CREAT | constants.O_EXCL, 0o600)
  await file.write(Buffer.from('world'), 6)
  await file.write(Buffer.from('hello '), 0)
  const stats = await file.stat()
  t.equal(stats.size, 11n)
  const buffer = Buffer.alloc(8)
  t.same(await file.read(buffer, 1, 5, 6), { bytesRead: 5 })
  t.equal(buffer.toString('latin1'), '\0world\0\0')
  t.same(await file.read(buffer, 0, 5, 11), { bytesRead: 0 }, 'at the end')
  if (process.platform !== 'win32') {
    t.equal(stats.mode & 0o777n, 0o600n)
    await file.chmod(0o640)
    t.equal((await file.stat()).mode & 0o777n, 0o640n)
  }
  await file.close()
  t.equal(readFileSync(path, 'utf8'), 'hello world')
})

t.test('an error of the system is a rejection with its code', async (t) => {
  const path = join(t.testdir({ a: 'a' }), 'a')
  await t.rejects(openFile(`${path}/b`, constants.O_RDONLY), { code: 'ENOTDIR' })
  const file = await openFile(path, constants.O_RDONLY)
  await t.rejects(file.write(Buffer.from('b'), 0), { code: /EBADF|EPERM/ })
  await file.close()
})

t.test('close waits for the calls in progress, and later calls fail with EBADF', async (t) => {
  const path = join(t.testdir({ a: 'bytes' }), 'a')
  const file = await openFile(path, constants.O_RDONLY)
  const settled: Array<string> = []
  const buffer = Buffer.alloc(5)
  const reading = file.read(buffer, 0, 5, 0).then(() => settled.push('read'))
  const closing = file.close().then(() => settled.push('closed'))
  await t.rejects(file.stat(), { code: 'EBADF' })
  await Promise.all([reading, closing, file.close()])
  t.same(settled, ['read', 'closed'])
  t.equal(buffer.toString(), 'bytes')
})
