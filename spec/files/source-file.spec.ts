import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, symlinkSync } from 'node:fs'
import { appendFile, open, rename, truncate, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import t, { type Test } from 'tap'
import { contextWithoutObject, type CosError } from '../../lib/core/error.js'
import { ioChunkSize } from '../../lib/core/limits.js'
import {
  checkUnchanged,
  createFileBody,
  createRangeBody,
  hashOf,
  openSource,
  readRangeInPlace,
  type Replayable,
  type SourceFile,
  type SourceOptions
} from '../../lib/files/source-file.js'
import { bytesOf } from '../support/bytes.js'
import { toArray } from '../support/iterables.js'

const context = contextWithoutObject('spec')

const right = <A>(result: E.Either<CosError, A>): A => {
  if (E.isLeft(result)) throw new Error(result.left._tag, { cause: result.left })
  return result.right
}

const openForTest = async (t: Test, path: string, options?: SourceOptions): Promise<SourceFile> => {
  const file = right(await openSource(context, path, options)())
  t.teardown(() => file.handle.close())
  return file
}

const wholeOf = (file: SourceFile): Replayable => createRangeBody(file, 0, file.size)
const readAll = async (body: Replayable): Promise<Buffer> => Buffer.concat(await toArray(body.open()))

/** Reads a body to its end, and runs `act` after the first chunk. Returns the number of bytes read and the error. */
const readWhile = async (
  body: Replayable,
  act: () => Promise<unknown>
): Promise<{ readonly bytes: number; readonly error: unknown }> => {
  let bytes = 0
  try {
    for await (const chunk of body.open()) {
      if (bytes === 0) await act()
      bytes += chunk.length
    }
    return { bytes, error: undefined }
  } catch (error) {
    return { bytes, error }
  }
}

const changed = {
  name: 'CosException',
  error: { _tag: 'SourceError', cause: { message: /changed while it was read/ } }
}
const size = 3 * ioChunkSize + 7
const content = bytesOf(size, 1)

t.test('a range body reads its range each time it is opened', async (t) => {
  const file = await openForTest(t, join(t.testdir({ a: content }), 'a'))
  t.equal(file.size, size)
  for (const [first, count] of [
    [0, size],
    [5, 2 * ioChunkSize],
    [size - 1, 1],
    [7, 0]
  ] as const) {
    const body = createRangeBody(file, first, count)
    for (const time of [1, 2])
      t.ok((await readAll(body)).equals(content.subarray(first, first + count)), String(time))
  }
})

t.test('an open file keeps its bytes if another file is renamed over its path', async (t) => {
  const dir = t.testdir({ a: content, b: 'other' })
  const file = await openForTest(t, join(dir, 'a'))
  await sleep(20)
  await rename(join(dir, 'b'), join(dir, 'a'))
  t.ok((await readAll(wholeOf(file))).equals(content))
  t.ok(E.isRight(await checkUnchanged(file)()))
})

t.test('if a file changes while it is read, its last chunk is held back and the body fails', async (t) => {
  const past = new Date('2020-02-02T02:02:02Z')
  for (const act of [
    (path: string) => writeFile(path, bytesOf(size, 2)),
    (path: string) => appendFile(path, 'x'),
    (path: string) => truncate(path, size - 1),
    (path: string) => truncate(path, 10),
    async (path: string) => {
      await writeFile(path, bytesOf(size, 2))
      await utimes(path, past, past)
    }
  ]) {
    const path = join(t.testdir({ a: content }), 'a')
    await utimes(path, past, past)
    const file = await openForTest(t, path)
    await sleep(20)
    const { bytes, error } = await readWhile(wholeOf(file), () => act(path))
    t.match(error, changed, act.toString())
    t.ok(bytes < size, 'the last bytes are held back')
    t.match(await checkUnchanged(file)(), E.left(changed.error))
  }
})

t.test('a range fails if any byte of the file changed, inside the range or not', async (t) => {
  const path = join(t.testdir({ a: content }), 'a')
  const file = await openForTest(t, path)
  await sleep(20)
  const handle = await open(path, 'r+')
  await handle.write('x', size - 1)
  await handle.close()
  for (const count of [0, 10]) await t.rejects(readAll(createRangeBody(file, 0, count)), changed)
})

t.test(
  "length 'now' reads the bytes that the file had when it was opened, while bytes are appended",
  async (t) => {
    const path = join(t.testdir({ a: content }), 'a')
    const file = await openForTest(t, path, { length: 'now' })
    await sleep(20)
    const { bytes, error } = await readWhile(wholeOf(file), () => appendFile(path, 'more'))
    t.equal(error, undefined)
    t.equal(bytes, size)
    t.ok(E.isRight(await checkUnchanged(file)()))
    t.match((await readWhile(wholeOf(file), () => truncate(path, 5))).error, changed)
  }
)

t.test('openSource refuses a FIFO, a device and a directory by kind, without blocking', async (t) => {
  const dir = t.testdir({ folder: {} })
  execFileSync('mkfifo', [join(dir, 'fifo')])
  const openRefused = async (path: string): Promise<unknown> => {
    const result = await openSource(context, path)()
    return E.isLeft(result) ? result.left : undefined
  }
  t.match(await openRefused(join(dir, 'fifo')), { _tag: 'FileError', code: 'ENOTFILE', cause: /a FIFO/ })
  t.match(await openRefused('/dev/null'), {
    _tag: 'FileError',
    code: 'ENOTFILE',
    cause: /a character device/
  })
  t.match(await openRefused(join(dir, 'folder')), { _tag: 'FileError', code: 'EISDIR' })
  t.match(await openRefused(join(dir, 'missing')), { _tag: 'FileError', code: 'ENOENT' })
})

t.test('openSource of a listed path refuses what has replaced the file, without blocking', async (t) => {
  const dir = t.testdir({ a: content, folder: {} })
  execFileSync('mkfifo', [join(dir, 'fifo')])
  symlinkSync('a', join(dir, 'link'))
  const openRefused = async (name: string): Promise<unknown> => {
    const result = await openSource(context, join(dir, name), {}, { isListed: true })()
    if (E.isLeft(result)) return result.left
    await result.right.handle.close()
    return result.right.size
  }
  t.equal(await openRefused('a'), content.length)
  t.match(await openRefused('link'), { _tag: 'FileError', code: 'ELOOP' })
  t.match(await openRefused('fifo'), { _tag: 'FileError', code: 'ENOTFILE', cause: /a FIFO/ })
  t.match(await openRefused('folder'), { _tag: 'FileError', code: 'EISDIR' })
  t.match(await openRefused('missing'), { _tag: 'FileError', code: 'ENOENT' })
})

t.test('an empty file becomes an empty body', async (t) => {
  const file = await openForTest(t, join(t.testdir({ a: '' }), 'a'))
  t.equal(file.size, 0)
  t.same(await toArray(wholeOf(file).open()), [])
})

t.test('openSource fails with ESIZE if a file reports size 0 but has bytes', async (t) => {
  const path = '/proc/version'
  if (!existsSync(path) || readFileSync(path).length === 0) {
    t.pass('no such file on this system')
    return
  }
  t.match(await openSource(context, path)(), E.left({ _tag: 'FileError', path, code: 'ESIZE' }))
})

t.test('reading fails with ESIZE if a file has fewer bytes than it reports', async (t) => {
  const path = [
    '/sys/kernel/mm/transparent_hugepage/enabled',
    '/sys/kernel/vmcoreinfo',
    '/sys/power/state'
  ].find(existsSync)
  if (path === undefined) {
    t.pass('no such file on this system')
    return
  }
  const file = await openForTest(t, path)
  if (file.size > 0)
    await t.rejects(readAll(wholeOf(file)), {
      name: 'CosException',
      error: { _tag: 'FileError', code: 'ESIZE' }
    })
})

t.test('a range beyond the end of the file fails with SourceError', async (t) => {
  const file = await openForTest(t, join(t.testdir({ a: 'abc' }), 'a'))
  await t.rejects(readAll(createRangeBody(file, 2, 5)), {
    name: 'CosException',
    error: { _tag: 'SourceError', cause: { message: /has 3 bytes, fewer than 7/ } }
  })
})

t.test('a file body opens the file for each attempt, and can be read again', async (t) => {
  const path = join(t.testdir({ a: content }), 'a')
  const whole = right(await createFileBody(context, path, { start: 0, size: O.none })())
  const range = right(await createFileBody(context, path, { start: 3, size: O.some(4) })())
  t.equal(whole.size, size)
  for (const time of [1, 2]) {
    t.ok((await readAll(whole)).equals(content), String(time))
    t.ok((await readAll(range)).equals(content.subarray(3, 7)), String(time))
  }
  t.equal(right(await createFileBody(context, path, { start: size + 1, size: O.none })()).size, 0)
})

t.test('a file body fails if the file changed or was replaced, before or while it is read', async (t) => {
  for (const act of [
    (dir: string) => writeFile(join(dir, 'a'), bytesOf(size, 2)),
    (dir: string) => rename(join(dir, 'b'), join(dir, 'a'))
  ]) {
    const dir = t.testdir({ a: content, b: content })
    const body = right(await createFileBody(context, join(dir, 'a'), { start: 0, size: O.none })())
    await sleep(20)
    await act(dir)
    await t.rejects(readAll(body), changed)
  }
  const path = join(t.testdir({ a: content }), 'a')
  const body = right(await createFileBody(context, path, { start: 0, size: O.none })())
  await sleep(20)
  const { bytes, error } = await readWhile(body, () => writeFile(path, bytesOf(size, 2)))
  t.match(error, changed)
  t.ok(bytes < size)
})

t.test('a file body fails with FileError if the file was removed', async (t) => {
  const dir = t.testdir({ a: content })
  const body = right(await createFileBody(context, join(dir, 'a'), { start: 0, size: O.none })())
  await rename(join(dir, 'a'), join(dir, 'b'))
  await t.rejects(readAll(body), { name: 'CosException', error: { _tag: 'FileError', code: 'ENOENT' } })
})

t.test('a range that is read in place has the same bytes, in one memory', async (t) => {
  const file = await openForTest(t, join(t.testdir({ a: content }), 'a'))
  for (const chunkSize of [undefined, 1000]) {
    const [bytes, chunks] = [[] as Array<Buffer>, new Set<ArrayBufferLike>()]
    for await (const chunk of readRangeInPlace(file, 5, size - 10, chunkSize)) {
      bytes.push(Buffer.from(chunk))
      chunks.add(chunk.buffer)
    }
    t.ok(Buffer.concat(bytes).equals(content.subarray(5, size - 5)))
    t.equal(chunks.size, 1)
    if (chunkSize !== undefined) t.ok(bytes.every(({ length }) => length <= chunkSize))
  }
})

t.test('hashOf returns the MD5 and CRC64 of the body', async (t) => {
  // The check value of CRC-64/XZ: https://reveng.sourceforge.io/crc-catalogue/all.htm#crc.cat.crc-64-xz
  const file = await openForTest(t, join(t.testdir({ a: '123456789' }), 'a'))
  t.same(
    await hashOf(file, wholeOf(file))(),
    E.right({ md5: 'JfnnlDI7RTiF9RgfG2JNCw==', crc64: 0x995dc9bbdf1939fan })
  )
})
