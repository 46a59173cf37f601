import { posix, win32 } from 'node:path'
import fc from 'fast-check'
import * as E from 'fp-ts/lib/Either.js'
import t from 'tap'
import { identityOf, toSegments } from '../../lib/files/safe-path.js'

const linux = { foldsCase: false, windows: false }
const windows = { foldsCase: true, windows: true }

t.test('toSegments accepts names with dots, signs and any letters', async (t) => {
  for (const key of [
    'a',
    'a..b',
    '..a',
    'a..',
    '...',
    '~',
    '%2e%2e',
    'a b',
    '+',
    'é',
    'e\u0301',
    '😀',
    '-',
    'con'
  ]) {
    t.same(toSegments(`x/${key}/y`, linux), E.right(['x', key, 'y']), key)
  }
  t.same(toSegments('folder/', linux), E.right(['folder']))
})

t.test('toSegments refuses a segment that means another folder, anywhere in a key', async (t) => {
  for (const bad of ['.', '..', '', 'a\0b', '..\\x', 'a\\..\\b', 'a\\..']) {
    for (const key of [bad, `${bad}/x`, `x/${bad}`, `x/${bad}/y`]) {
      // A slash at the end marks a folder.
      if (key === 'x/') continue
      t.ok(E.isLeft(toSegments(key, linux)), JSON.stringify(key))
    }
  }
  for (const key of ['/', '//', '/x', '//x', 'x//', '../', './']) {
    t.ok(E.isLeft(toSegments(key, linux)), JSON.stringify(key))
  }
})

t.test(
  'a backslash and a drive letter are refused on Windows, and part of the name on other systems',
  async (t) => {
    for (const key of ['C:', 'C:x', 'c:/x', 'z:\\x', '\\', 'a\\b', 'x/a\\b/y', 'a\\']) {
      t.ok(E.isLeft(toSegments(key, windows)), `${JSON.stringify(key)} on Windows`)
      t.same(toSegments(key, linux), E.right(key.split('/')), `${JSON.stringify(key)} elsewhere`)
    }
  }
)

t.test('names that Windows reserves are refused on Windows', async (t) => {
  for (const name of [
    ...['nul', 'NUL.txt', 'con', 'aux.', 'com1', 'LPT9.log', 'com¹', 'nul .txt', 'conin$'],
    ...['a.', 'a ', '. ', '...', 'a:b', 'a<b', 'a|b', 'a?', 'a*', '"', 'a\nb']
  ]) {
    t.ok(E.isLeft(toSegments(`x/${name}/y`, windows)), `${JSON.stringify(name)} on Windows`)
    t.ok(E.isRight(toSegments(`x/${name}/y`, linux)), `${JSON.stringify(name)} elsewhere`)
  }
  for (const name of ['null', 'console', 'com', 'com10', 'a.nul', 'a..b'])
    t.ok(E.isRight(toSegments(name, windows)), name)
})

t.test('the segments of any accepted key, joined to a folder, lead to a path below it', async () => {
  const piece = fc.constantFrom(
    '..',
    '.',
    '',
    '/',
    '//',
    '\\',
    'C:',
    'a',
    'a..b',
    '\0',
    ' ',
    '~',
    'é',
    '...',
    'nul'
  )
  const key = fc
    .array(fc.oneof(piece, fc.string()), { minLength: 1, maxLength: 8 })
    .map((all) => all.join('/'))
  await fc.assert(
    fc.asyncProperty(key, async (rest) => {
      for (const [naming, path, root] of [
        [linux, posix, '/srv/in'],
        [windows, win32, 'D:\\srv\\in']
      ] as const) {
        const segments = toSegments(rest, naming)
        if (E.isLeft(segments)) continue
        const from = path.relative(root, path.join(root, ...segments.right))
        if (from === '' || from.startsWith(`..${path.sep}`) || from === '..' || path.isAbsolute(from)) {
          throw new Error(`${JSON.stringify(rest)} leads to ${from}`)
        }
        if (from.split(path.sep).length !== segments.right.length) throw new Error('a segment more or less')
      }
    })
  )
})

t.test('identityOf is equal for two spellings only if the file system folds case', async (t) => {
  for (const [a, b] of [
    ['a/B', 'A/b'],
    ['\u00e9', 'e\u0301'],
    ['\u00c9', 'e\u0301'],
    ['Straße', 'STRASSE'],
    ['\u017f', 's'],
    ['\u212a', 'k'],
    ['Σ', 'ς']
  ] as const) {
    t.equal(identityOf(a, windows), identityOf(b, windows), `${a} ${b}`)
    t.not(identityOf(a, linux), identityOf(b, linux), `${a} ${b}`)
  }
  t.not(identityOf('a', windows), identityOf('b', windows))
})
