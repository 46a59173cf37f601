import { link, readFile, stat, symlink, unlink, writeFile, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import fc from 'fast-check'
import type { Json } from 'fp-ts/lib/Json.js'
import * as O from 'fp-ts/lib/Option.js'
import t from 'tap'
import { contextWithoutObject } from '../../lib/core/error.js'
import { readRecords, writeRecord } from '../../lib/files/journal-records.js'
import {
  openPartialFile,
  type PartialFile,
  type PartialFileOptions,
  type DownloadIdentity
} from '../../lib/files/partial-file.js'
import { isLongForm } from '../support/long-form.js'

const identity: DownloadIdentity = {
  bucket: 'examplebucket-1250000000',
  key: 'films/ü\n.mp4',
  versionId: O.some('MTg0NDUxNTc1NjIzMTQ1MDAwODg'),
  etag: '"7f3c-2"',
  size: 95,
  lastModified: O.some(new Date('2024-05-01T08:31:00Z')),
  partSize: 10
}

const optionsIn = (dir: string, change: Partial<PartialFileOptions> = {}): PartialFileOptions => ({
  context: contextWithoutObject('spec'),
  part: join(dir, 'part'),
  journal: O.some(join(dir, 'journal')),
  identity,
  durable: true,
  ...change
})

/** Opens a partial file, uses it and closes it. */
const withPartialFile = async <A>(
  options: PartialFileOptions,
  use: (file: PartialFile) => Promise<A>
): Promise<A> => {
  const file = await openPartialFile(options)
  try {
    return await use(file)
  } finally {
    await file.close()
  }
}

const readClaims = (options: PartialFileOptions): Promise<ReadonlyArray<readonly [number, bigint]>> =>
  withPartialFile(options, async (file) => [...file.recorded])

/** The number and CRC64 of each range, as recorded in the journal. */
const ranges = Array.from({ length: 10 }, (_, n) => [n + 1, BigInt(n) * 1_844_674_407_370_955_161n] as const)

const writeSample = async (dir: string): Promise<Buffer> => {
  await withPartialFile(optionsIn(dir), async (file) => {
    await file.handle.write(Buffer.alloc(95, 'x'), 0, 95, 0)
    for (const [number, crc64] of ranges) await file.add(number, crc64)
  })
  return readFile(join(dir, 'journal'))
}

const headerOf = (journal: Buffer): Json => readRecords(journal).records[0] ?? null

t.test('a new partial file has its final size, and only its owner can read it', async (t) => {
  const dir = t.testdir({})
  await withPartialFile(optionsIn(dir), async (file) => {
    t.same([...file.recorded], [])
    t.notOk(file.isWorthKeeping())
    await file.add(1, 5n)
    t.ok(file.isWorthKeeping())
  })
  const { size, mode } = await stat(join(dir, 'part'))
  t.equal(size, 95)
  t.equal(mode & 0o777, 0o600)
  t.equal((await stat(join(dir, 'journal'))).mode & 0o777, 0o600)
})

t.test('recorded ranges are read by the next run, which resumes the journal', async (t) => {
  const dir = t.testdir({})
  await writeSample(dir)
  await withPartialFile(optionsIn(dir), async (file) => {
    t.same([...file.recorded], ranges)
    t.ok(file.isWorthKeeping())
    await file.add(3, 7n)
  })
  t.same(new Map(await readClaims(optionsIn(dir))).get(3), 7n)
  t.equal(await readFile(join(dir, 'part'), 'utf8'), 'x'.repeat(95))
})

t.test('without a journal, openPartialFile always creates a new partial file', async (t) => {
  const dir = t.testdir({ part: 'old bytes' })
  await withPartialFile(optionsIn(dir, { journal: O.none }), async (file) => {
    await file.add(1, 5n)
    t.notOk(file.isWorthKeeping())
  })
  t.same(await readFile(join(dir, 'part')), Buffer.alloc(0))
})

t.test('a journal cut at any byte claims its complete records, and accepts new records', async (t) => {
  const dir = t.testdir({})
  const whole = await writeSample(dir)
  const bytes = await readFile(join(dir, 'part'))
  const options = optionsIn(dir, { durable: false })
  const header = whole.indexOf('\n')
  // The short form is a sample, above all of the header.
  const step = (at: number): number => (isLongForm ? 1 : at >= header - 16 ? 3 : 16)
  for (let at = 0; at <= whole.length; at += step(at)) {
    await writeFile(join(dir, 'part'), bytes)
    await writeFile(join(dir, 'journal'), whole.subarray(0, at))
    const lines = whole.subarray(0, at).toString('latin1').split('\n').length - 1
    const found = await withPartialFile(options, async (file) => {
      await file.add(10, 1n)
      return [...file.recorded]
    })
    const expected = ranges.slice(0, Math.max(0, lines - 1))
    t.same(found, expected, `cut at ${String(at)}`)
    t.same(new Map(await readClaims(options)), new Map([...expected, [10, 1n]]))
    if (lines === 0) t.same(await readFile(join(dir, 'part')), Buffer.alloc(95), 'a new partial file')
  }
})

t.test('a damaged journal claims no range that was not recorded', async (t) => {
  const dir = t.testdir({})
  const whole = await writeSample(dir)
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.nat(whole.length - 1), fc.integer({ min: 1, max: 255 })), {
        minLength: 1,
        maxLength: 4
      }),
      async (flips) => {
        const bytes = Buffer.from(whole)
        for (const [at, mask] of flips) bytes.writeUInt8(bytes.readUInt8(at) ^ mask, at)
        await writeFile(join(dir, 'journal'), bytes)
        const found = await readClaims(optionsIn(dir))
        t.ok(found.every(([number, crc64]) => ranges.some(([n, crc]) => n === number && crc === crc64)))
      }
    ),
    { seed: 21 }
  )
})

t.test('a journal of another object version or part size claims nothing', async (t) => {
  const others: ReadonlyArray<Partial<DownloadIdentity>> = [
    { bucket: 'otherbucket-1250000000' },
    { key: 'films/other.mp4' },
    { versionId: O.none },
    { etag: '"7f3c-3"' },
    { size: 94 },
    { lastModified: O.some(new Date('2024-05-01T08:31:01Z')) },
    { partSize: 11 }
  ]
  for (const other of others) {
    const dir = t.testdir({})
    await writeSample(dir)
    const options = optionsIn(dir, { identity: { ...identity, ...other } })
    t.same(await readClaims(options), [], Object.keys(other).join())
    t.equal((await readFile(join(dir, 'part'))).indexOf('x'), -1, 'the old bytes are gone')
  }
})

t.test('invalid records are ignored, and valid records are read', async (t) => {
  const dir = t.testdir({})
  const header = headerOf(await writeSample(dir))
  const hostile: ReadonlyArray<Json> = [
    [0, '1'],
    [-1, '1'],
    [11, '1'],
    [1.5, '1'],
    [2 ** 53, '1'],
    ['1', '1'],
    [1, '-1'],
    [1, '18446744073709551616'],
    [1, '0x12'],
    [1, 12],
    [1],
    { part: '/etc/passwd' },
    header,
    null,
    'x'.repeat(100_000)
  ]
  await writeFile(
    join(dir, 'journal'),
    Buffer.concat([header, [2, '22'], ...hostile, [3, '33'], [3, '34']].map(writeRecord))
  )
  t.same(await readClaims(optionsIn(dir)), [
    [2, 22n],
    [3, 34n]
  ])
})

t.test('a journal larger than 4 MiB is replaced without being read', async (t) => {
  const dir = t.testdir({})
  const header = headerOf(await writeSample(dir))
  const many = Buffer.concat(Array.from({ length: 300_000 }, () => writeRecord([1, '18446744073709551615'])))
  await writeFile(join(dir, 'journal'), Buffer.concat([writeRecord(header), many]))
  t.same(await readClaims(optionsIn(dir)), [])
  t.ok((await stat(join(dir, 'journal'))).size < 1000)
})

t.test(
  'a partial file or journal that is a symbolic link or has a second hard link is replaced',
  async (t) => {
    for (const name of ['part', 'journal']) {
      for (const make of [symlink, link]) {
        const dir = t.testdir({ victim: 'v'.repeat(95) })
        const whole = await writeSample(dir)
        const options = optionsIn(dir)
        if (name === 'journal') await writeFile(join(dir, 'victim'), whole)
        await unlink(join(dir, name))
        await make(join(dir, 'victim'), join(dir, name))
        const before = await readFile(join(dir, 'victim'))
        await withPartialFile(options, async (file) => {
          t.same([...file.recorded], [], `${name} ${make.name}`)
          await file.handle.write(Buffer.alloc(95, 'w'), 0, 95, 0)
          await file.add(1, 5n)
        })
        t.same(await readFile(join(dir, 'victim')), before)
      }
    }
  }
)

t.test('openPartialFile fails with a FileError that names the file it cannot create', async (t) => {
  const dir = t.testdir({ part: {}, folder: { journal: {} } })
  await t.rejects(openPartialFile(optionsIn(dir)), {
    name: 'CosException',
    error: { _tag: 'FileError', path: join(dir, 'part') }
  })
  await t.rejects(openPartialFile(optionsIn(join(dir, 'folder'))), {
    name: 'CosException',
    error: { _tag: 'FileError', path: join(dir, 'folder', 'journal') }
  })
  await t.rejects(openPartialFile(optionsIn(join(dir, 'missing'))), {
    name: 'CosException',
    error: { _tag: 'FileError', code: 'ENOENT' }
  })
})

interface RecordedCalls {
  readonly done: ReadonlyArray<string>
  readonly restore: () => void
}

/** Records the calls on real file handles, in order. */
const recordCalls = (files: Pick<FileHandle, 'datasync' | 'appendFile'>): RecordedCalls => {
  const done: Array<string> = []
  const { datasync, appendFile } = files
  const recordCalls = <A extends Array<unknown>>(name: string, real: (...args: A) => Promise<void>) =>
    async function (this: FileHandle, ...args: A): Promise<void> {
      done.push(`${name}?`)
      await real.apply(this, args)
      done.push(`${name}!`)
    }
  Object.assign(files, {
    datasync: recordCalls('sync', datasync),
    appendFile: recordCalls('write', appendFile)
  })
  return { done, restore: () => Object.assign(files, { datasync, appendFile }) }
}

t.test('a range is recorded without a wait for the disk, for which flush waits', async (t) => {
  const dir = t.testdir({})
  await withPartialFile(optionsIn(dir), async (file) => {
    const calls = recordCalls(Object.getPrototypeOf(file.handle) as FileHandle)
    t.teardown(calls.restore)
    await file.add(1, 1n)
    t.same(calls.done, ['write?', 'write!'])
    await file.flush()
    t.same(calls.done, ['write?', 'write!', 'sync?', 'sync!'])
  })
})

t.test('flushes during a flush share the next one', async (t) => {
  const dir = t.testdir({})
  await withPartialFile(optionsIn(dir), async (file) => {
    const calls = recordCalls(Object.getPrototypeOf(file.handle) as FileHandle)
    t.teardown(calls.restore)
    const first = file.flush()
    await setImmediate()
    await Promise.all([first, file.flush(), file.flush(), file.flush()])
    t.same(calls.done, ['sync?', 'sync!', 'sync?', 'sync!'])
  })
})

t.test('records added during a write share the next write', async (t) => {
  const dir = t.testdir({})
  await withPartialFile(optionsIn(dir), async (file) => {
    const calls = recordCalls(Object.getPrototypeOf(file.handle) as FileHandle)
    t.teardown(calls.restore)
    const first = file.add(1, 0n)
    await setImmediate()
    await Promise.all([first, ...ranges.map(([number, crc64]) => file.add(number, crc64))])
    t.equal(calls.done.filter((call) => call === 'write!').length, 2)
  })
  t.same(await readClaims(optionsIn(dir)), ranges)
})

t.test('without durable, flush does not wait for the disk', async (t) => {
  const dir = t.testdir({})
  await withPartialFile(optionsIn(dir, { durable: false }), async (file) => {
    const calls = recordCalls(Object.getPrototypeOf(file.handle) as FileHandle)
    t.teardown(calls.restore)
    await file.flush()
    t.same(calls.done, [])
  })
})
