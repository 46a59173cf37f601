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
  type Identity
} from '../../lib/files/partial-file.js'

const identity: Identity = {
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

/** Opens, uses and closes. */
const drafting = async <A>(
  options: PartialFileOptions,
  use: (draft: PartialFile) => Promise<A>
): Promise<A> => {
  const draft = await openPartialFile(options)
  try {
    return await use(draft)
  } finally {
    await draft.close()
  }
}

const claimed = (options: PartialFileOptions): Promise<ReadonlyArray<readonly [number, bigint]>> =>
  drafting(options, async (draft) => [...draft.claimed])

/** Each range's bytes, and what is written down of it. */
const ranges = Array.from({ length: 10 }, (_, n) => [n + 1, BigInt(n) * 1_844_674_407_370_955_161n] as const)

const begun = async (dir: string): Promise<Buffer> => {
  await drafting(optionsIn(dir), async (draft) => {
    await draft.handle.write(Buffer.alloc(95, 'x'), 0, 95, 0)
    for (const [number, crc64] of ranges) await draft.add(number, crc64)
  })
  return readFile(join(dir, 'journal'))
}

const headerOf = (journal: Buffer): Json => readRecords(journal).records[0] ?? null

t.test('a new partial file has its final size, and only its owner can read it', async (t) => {
  const dir = t.testdir({})
  await drafting(optionsIn(dir), async (draft) => {
    t.same([...draft.claimed], [])
    t.notOk(draft.isWorthKeeping())
    await draft.add(1, 5n)
    t.ok(draft.isWorthKeeping())
  })
  const { size, mode } = await stat(join(dir, 'part'))
  t.equal(size, 95)
  t.equal(mode & 0o777, 0o600)
  t.equal((await stat(join(dir, 'journal'))).mode & 0o777, 0o600)
})

t.test('what was written down is claimed by the next, which writes on', async (t) => {
  const dir = t.testdir({})
  await begun(dir)
  await drafting(optionsIn(dir), async (draft) => {
    t.same([...draft.claimed], ranges)
    t.ok(draft.isWorthKeeping())
    await draft.add(3, 7n)
  })
  t.same(new Map(await claimed(optionsIn(dir))).get(3), 7n)
  t.equal(await readFile(join(dir, 'part'), 'utf8'), 'x'.repeat(95))
})

t.test('without a journal every draft is a new one', async (t) => {
  const dir = t.testdir({ part: 'old bytes' })
  await drafting(optionsIn(dir, { journal: O.none }), async (draft) => {
    await draft.add(1, 5n)
    t.notOk(draft.isWorthKeeping())
  })
  t.same(await readFile(join(dir, 'part')), Buffer.alloc(0))
})

t.test('a journal cut at any byte claims what it says whole, and can be written to again', async (t) => {
  const dir = t.testdir({})
  const whole = await begun(dir)
  const bytes = await readFile(join(dir, 'part'))
  const options = optionsIn(dir, { durable: false })
  for (let at = 0; at <= whole.length; at += 1) {
    await writeFile(join(dir, 'part'), bytes)
    await writeFile(join(dir, 'journal'), whole.subarray(0, at))
    const lines = whole.subarray(0, at).toString('latin1').split('\n').length - 1
    const there = await drafting(options, async (draft) => {
      await draft.add(10, 1n)
      return [...draft.claimed]
    })
    const said = ranges.slice(0, Math.max(0, lines - 1))
    t.same(there, said, `cut at ${String(at)}`)
    t.same(new Map(await claimed(options)), new Map([...said, [10, 1n]]))
    if (lines === 0) t.same(await readFile(join(dir, 'part')), Buffer.alloc(95), 'a new one')
  }
})

t.test('a journal that was damaged claims no more than was written', async (t) => {
  const dir = t.testdir({})
  const whole = await begun(dir)
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
        const there = await claimed(optionsIn(dir))
        t.ok(there.every(([number, crc64]) => ranges.some(([n, crc]) => n === number && crc === crc64)))
      }
    ),
    { seed: 21 }
  )
})

t.test('a journal of other bytes, or of other ranges, claims nothing', async (t) => {
  const others: ReadonlyArray<Partial<Identity>> = [
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
    await begun(dir)
    const options = optionsIn(dir, { identity: { ...identity, ...other } })
    t.same(await claimed(options), [], Object.keys(other).join())
    t.equal((await readFile(join(dir, 'part'))).indexOf('x'), -1, 'the old bytes are gone')
  }
})

t.test('records that make no sense are ignored, and the others are not', async (t) => {
  const dir = t.testdir({})
  const header = headerOf(await begun(dir))
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
  t.same(await claimed(optionsIn(dir)), [
    [2, 22n],
    [3, 34n]
  ])
})

t.test('a journal larger than any of ours is not read', async (t) => {
  const dir = t.testdir({})
  const header = headerOf(await begun(dir))
  const many = Buffer.concat(Array.from({ length: 300_000 }, () => writeRecord([1, '18446744073709551615'])))
  await writeFile(join(dir, 'journal'), Buffer.concat([writeRecord(header), many]))
  t.same(await claimed(optionsIn(dir)), [])
  t.ok((await stat(join(dir, 'journal'))).size < 1000)
})

t.test('a draft or a journal that is a link, or has a second name, is not ours', async (t) => {
  for (const name of ['part', 'journal']) {
    for (const make of [symlink, link]) {
      const dir = t.testdir({ victim: 'v'.repeat(95) })
      const whole = await begun(dir)
      const options = optionsIn(dir)
      if (name === 'journal') await writeFile(join(dir, 'victim'), whole)
      await unlink(join(dir, name))
      await make(join(dir, 'victim'), join(dir, name))
      const before = await readFile(join(dir, 'victim'))
      await drafting(options, async (draft) => {
        t.same([...draft.claimed], [], `${name} ${make.name}`)
        await draft.handle.write(Buffer.alloc(95, 'w'), 0, 95, 0)
        await draft.add(1, 5n)
      })
      t.same(await readFile(join(dir, 'victim')), before)
    }
  }
})

t.test('what cannot be made says which file it is', async (t) => {
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

interface Watched {
  readonly done: ReadonlyArray<string>
  readonly leave: () => void
}

/** Watches what is done to files, in order; the files are real. */
const watching = (files: Pick<FileHandle, 'datasync' | 'appendFile'>): Watched => {
  const done: Array<string> = []
  const { datasync, appendFile } = files
  const told = <A extends Array<unknown>>(name: string, real: (...args: A) => Promise<void>) =>
    async function (this: FileHandle, ...args: A): Promise<void> {
      done.push(`${name}?`)
      await real.apply(this, args)
      done.push(`${name}!`)
    }
  Object.assign(files, { datasync: told('sync', datasync), appendFile: told('write', appendFile) })
  return { done, leave: () => Object.assign(files, { datasync, appendFile }) }
}

t.test('bytes are on the disk before their record is written', async (t) => {
  const dir = t.testdir({})
  await drafting(optionsIn(dir), async (draft) => {
    const watched = watching(Object.getPrototypeOf(draft.handle) as FileHandle)
    t.teardown(watched.leave)
    await draft.add(1, 1n)
    await draft.add(2, 2n)
    t.same(watched.done, ['sync?', 'sync!', 'write?', 'write!', 'sync?', 'sync!', 'write?', 'write!'])
  })
})

t.test('records that come while the disk is busy share its next turn', async (t) => {
  const dir = t.testdir({})
  await drafting(optionsIn(dir), async (draft) => {
    const watched = watching(Object.getPrototypeOf(draft.handle) as FileHandle)
    t.teardown(watched.leave)
    const first = draft.add(1, 0n)
    await setImmediate()
    await Promise.all([first, ...ranges.map(([number, crc64]) => draft.add(number, crc64))])
    t.equal(watched.done.filter((what) => what === 'sync!').length, 2)
  })
  t.same(await claimed(optionsIn(dir)), ranges)
})

t.test('who does not ask for it does not wait for the disk', async (t) => {
  const dir = t.testdir({})
  await drafting(optionsIn(dir, { durable: false }), async (draft) => {
    const watched = watching(Object.getPrototypeOf(draft.handle) as FileHandle)
    t.teardown(watched.leave)
    await draft.add(1, 1n)
    t.same(watched.done, ['write?', 'write!'])
  })
})
