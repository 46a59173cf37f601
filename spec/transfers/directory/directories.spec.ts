/** Upload and download of a directory: the files that come back are identical. */
import { mkdir, realpath, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { downloadDirectory } from '../../../lib/transfers/directory/download-directory.js'
import type { SkipExisting } from '../../../lib/transfers/directory/options.js'
import { collect } from '../../../lib/transfers/shared/effect-stream.js'
import { uploadDirectory } from '../../../lib/transfers/directory/upload-directory.js'
import { bytesOf } from '../../support/bytes.js'
import { bucket, startCos, type Cos } from '../../support/cos.js'
import { right } from '../../support/server.js'
import { createTree, readTree, type Tree } from '../../support/file-trees.js'
import { isLongForm } from '../../support/long-form.js'

const MiB = 1024 * 1024

const tags = (entries: ReadonlyArray<{ readonly _tag: string }>): Readonly<Record<string, number>> => {
  const counts: Record<string, number> = {}
  for (const { _tag } of entries) counts[_tag] = (counts[_tag] ?? 0) + 1
  return counts
}

const transfers = (cos: Cos): number =>
  cos.emulator
    .requests()
    .filter(({ bytesIn, bytesOut, operation }) =>
      operation === 'ListObjects' ? false : bytesIn + bytesOut > 0 || operation === 'PutObject'
    ).length

t.test('a tree with names of any characters comes back identical, and a second run skips it', async (t) => {
  const names = [
    ...[
      'a',
      'A',
      'é',
      'e\u0301',
      '腾讯云',
      '😀',
      '\u{10ffff}',
      '\uffee',
      '\ufeff',
      'a b',
      ' ',
      'a ',
      '.',
      '..'
    ],
    ...[
      'a+b',
      '100%',
      '%2F',
      '%00',
      '~',
      'a..b',
      '..a',
      '...',
      'a&b=c?d#e',
      '"<>|*?:\'',
      '!()',
      'a;b',
      'a\\b',
      '\\',
      'c:',
      'C:\\x',
      '[x]{y}'
    ],
    ...['-rf', '.dot', '.git', 'a\nb', '\x01\x1f\x7f', '\u2028', '__proto__', 'constructor', 'x'.repeat(255)],
    ...[
      'é'.repeat(127),
      '𝄞'.repeat(63),
      'index.html',
      'CON',
      'nul.txt',
      'a%20b',
      '$(x)',
      '`x`',
      'ﬀ',
      'İ',
      'ß'
    ]
  ].filter((name) => name !== '.' && name !== '..')
  const tree: Record<string, Tree[string]> = {}
  names.forEach((name, at) => {
    // The short form has every fourth name, in one place; the long form has each name in all three.
    if (isLongForm || at % 12 === 0) tree[`files/${name}`] = bytesOf(at * 37, at + 1)
    if (isLongForm || at % 12 === 4) tree[`folders/${name}/${name.length > 60 ? 'x' : name}`] = name
    if (isLongForm || at % 12 === 8) tree[`empty/${name}`] = null
  })
  tree['deep/a/b/c/d/e/f/g/h/i/j'] = ''
  tree['large'] = bytesOf(3 * MiB + 1)
  const dir = await realpath(t.testdir())
  const from = await createTree(join(dir, 'from'), tree)
  const expected = await readTree(from)

  const skips: ReadonlyArray<SkipExisting> = ['crc64', 'time']
  for (const skip of skips) {
    const cos = await startCos(t)
    const sizes = { partSize: MiB, threshold: MiB, skip }
    const up = uploadDirectory({ bucket, prefix: 'the tree/', directory: from, ...sizes })
    const down = downloadDirectory({ bucket, prefix: 'the tree/', directory: join(dir, skip), ...sizes })
    const folders = Object.values(tree).filter((content) => content === null).length
    const files = Object.keys(tree).length - folders
    t.same(
      tags(right(await collect(up)(cos.client())())),
      { Uploaded: files, Folder: folders },
      `up, ${skip}`
    )
    t.same(
      tags(right(await collect(down)(cos.client())())),
      { Downloaded: files, Folder: folders },
      `down, ${skip}`
    )
    t.same(await readTree(join(dir, skip)), expected, skip)
    const before = transfers(cos)
    t.same(tags(right(await collect(up)(cos.client())())), { Skipped: files + folders }, `up again, ${skip}`)
    t.same(
      tags(right(await collect(down)(cos.client())())),
      { Skipped: files, Folder: folders },
      `down again`
    )
    t.equal(transfers(cos), before, 'nothing was transferred')
  }
})

/** More files in `npm run test:crash`, where CRASH_RUNS is set. */
const size =
  process.env['CRASH_RUNS'] === undefined
    ? { small: 40, large: 1, of: 9 * MiB }
    : { small: 5000, large: 3, of: 24 * MiB + 1 }

t.test(`${String(size.small)} small files and large ones come back identical`, async (t) => {
  t.setTimeout(300_000)
  const dir = await realpath(t.testdir())
  const from = join(dir, 'from')
  for (let at = 0; at < size.small; at += 1) {
    const folder = join(from, String(at % 7), String(at % 50))
    await mkdir(folder, { recursive: true })
    await writeFile(join(folder, `${String(at)}.bin`), bytesOf((at * 31) % 3000, at + 1))
  }
  for (let at = 0; at < size.large; at += 1)
    await writeFile(join(from, `large-${String(at)}`), bytesOf(size.of, at))
  // With an old time, no file is newer than its object.
  await utimes(join(from, 'large-0'), 0, 0)

  const cos = await startCos(t, { keepRequests: 1_000_000 })
  const to = join(dir, 'to')
  const up = uploadDirectory({ bucket, prefix: 'many/', directory: from })
  const down = downloadDirectory({ bucket, prefix: 'many/', directory: to })
  const files = size.small + size.large
  const timeRun = async (name: string, act: () => Promise<ReadonlyArray<{ readonly _tag: string }>>) => {
    const start = performance.now()
    const counts = tags(await act())
    const took = (performance.now() - start) / 1000
    t.comment(`${name}: ${took.toFixed(1)} s, ${(files / took).toFixed(0)} files/s`)
    return counts
  }
  const client = cos.client()
  const go = async (stream: typeof up | typeof down): Promise<ReadonlyArray<{ readonly _tag: string }>> =>
    right(await collect<{ readonly _tag: string }>(stream)(client)())
  t.same(await timeRun('up', () => go(up)), { Uploaded: files })
  t.same(await timeRun('down', () => go(down)), { Downloaded: files })
  t.same(await readTree(to), await readTree(from))
  const before = transfers(cos)
  t.same(await timeRun('up again', () => go(up)), { Skipped: files })
  t.same(await timeRun('down again', () => go(down)), { Skipped: files })
  t.equal(transfers(cos), before, 'nothing was transferred')
})
