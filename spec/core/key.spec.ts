import { posix } from 'node:path'
import * as E from 'fp-ts/lib/Either.js'
import fc from 'fast-check'
import t from 'tap'
import {
  Key,
  checkKey,
  normalizesToEmpty,
  compareUtf8,
  encodeKey,
  urlEncode,
  withoutLeadingSlash
} from '../../lib/core/key.js'
import { anyText } from '../support/any-text.js'

// -- difficult keys: of slashes, dots and percent signs --
const longText = anyText({ maxLength: 60 })
const dotted = fc
  .array(
    fc.constantFrom('.', '..', '/', '//', 'a', '%', '%2e', '%2F', '+', ' ', '\\', '?', '#', '腾', '😀', '\0')
  )
  .map((pieces) => pieces.join(''))
const keys = fc.oneof(longText, dotted).filter((key) => E.isRight(checkKey(key)))

/** What WHATWG's URL, and so fetch, makes of a path. */
const asUrlSends = (path: string) => new URL(`http://h/${path}`).pathname.slice(1)

t.test('a key is written in a path as COS signs it, and keeps all segments', async (t) => {
  const spelled: ReadonlyArray<readonly [key: string, path: string]> = [
    ['a b', 'a%20b'],
    ['a+b', 'a%2Bb'],
    ['a%20b', 'a%2520b'],
    ['100%', '100%25'],
    ['~x-_.', '~x-_.'],
    ["!'()*", '%21%27%28%29%2A'],
    ['a&b=c?d#e', 'a%26b%3Dc%3Fd%23e'],
    ['\u00e9', '%C3%A9'],
    ['e\u0301', 'e%CC%81'],
    ['腾', '%E8%85%BE'],
    ['😀', '%F0%9F%98%80'],
    ['dir/', 'dir/'],
    ['a//b', 'a//b'],
    ['q"<>\\^`{|}', 'q%22%3C%3E%5C%5E%60%7B%7C%7D'],
    // Dot segments, which path software would take out, and their harmless likes.
    ['a/./b', 'a/.%2Fb'],
    ['a/../b', 'a/..%2Fb'],
    ['x./y', 'x.%2Fy'],
    ['a/b/.', 'a/b%2F.'],
    ['a/b/..', 'a/b%2F..'],
    ['../..', '..%2F..'],
    ['a..', 'a..'],
    ['..a/b', '..a/b'],
    ['a/...', 'a/...'],
    ['a/%2e%2E/b', 'a/%252e%252E/b'],
    ['.\0/', '.%00/']
  ]
  for (const [key, path] of spelled) {
    t.equal(encodeKey(key), path, JSON.stringify(key))
    t.equal(asUrlSends(path), path, `${path} as a URL`)
  }
})

t.test('one leading slash is dropped, and no more', async (t) => {
  t.equal(withoutLeadingSlash('/lead'), 'lead')
  t.equal(withoutLeadingSlash('//lead'), '/lead')
  t.equal(withoutLeadingSlash('lead/'), 'lead/')
  t.same(Key.decode('/lead'), E.right('/lead'), 'the request drops it, once')
  t.ok(E.isLeft(Key.decode('/')), 'and nothing may be left')
})

t.test('every code point survives the path', async (t) => {
  const block = 0x1000
  for (let start = 0; start <= 0x10ffff; start += block) {
    let key = ''
    for (let point = start; point < start + block; point += 1) {
      if (point < 0xd800 || point > 0xdfff) key += String.fromCodePoint(point)
    }
    const path = encodeKey(key)
    if (decodeURIComponent(path) !== key || !/^(?:[\w.~/-]|%[0-9A-F]{2})*$/.test(path)) {
      t.fail(`from U+${start.toString(16)}`)
    }
  }
  t.pass('0x110000 code points')
})

t.test('the decoded path is the key, and software that normalizes paths changes nothing', async () => {
  fc.assert(
    fc.property(keys, (key) => {
      const path = encodeKey(key)
      return decodeURIComponent(path) === key && asUrlSends(path) === path
    })
  )
})

t.test('urlEncode keeps only the unreserved characters', async () => {
  fc.assert(
    fc.property(
      longText,
      (text) =>
        /^(?:[\w.~-]|%[0-9A-F]{2})*$/.test(urlEncode(text)) && decodeURIComponent(urlEncode(text)) === text
    )
  )
})

t.test(
  'keys that COS cannot store, or that would address the bucket, are refused with a message',
  async (t) => {
    const refused: ReadonlyArray<readonly [key: string, word: string]> = [
      ['', 'must not be empty'],
      ['/', 'must not be empty'],
      ['.', 'must not be'],
      ['..', 'must not be'],
      ['/..', 'must not be'],
      ['\ud800', 'surrogates'],
      ['a\udc00b', 'surrogates'],
      ['\udc00\ud800', 'surrogates'],
      ['a\x18', 'U+0018'],
      ['\x1b', 'U+0018'],
      ['a'.repeat(851), '850'],
      // 284 x 3 bytes
      ['腾'.repeat(284), '850']
    ]
    for (const [key, word] of refused) {
      const checked = Key.decode(key)
      t.match(
        checked,
        { _tag: 'Left', left: [{ message: new RegExp(word.replace('+', '\\+')) }] },
        JSON.stringify(key)
      )
    }
    for (const nothing of [undefined, null, 7, ['a'], { key: 'a' }]) {
      t.match(Key.decode(nothing), { _tag: 'Left', left: [{ message: 'a string' }] })
    }
  }
)

t.test('a key may have 850 bytes of UTF-8, of any number of characters', async (t) => {
  for (const key of [
    'a'.repeat(850),
    `/${'a'.repeat(850)}`,
    `${'腾'.repeat(283)}a`,
    `${'😀'.repeat(212)}aa`,
    '\\',
    ' '
  ]) {
    t.same(Key.decode(key), E.right(key))
  }
})

t.test('normalizesToEmpty is true if the segments of a key lead back to the root', async (t) => {
  for (const key of ['', '/', '//', './', '.', '..', 'a/..', '../..', 'a/../', 'a/b/../..', './/../.']) {
    t.equal(normalizesToEmpty(key), true, key)
  }
  for (const key of ['a', 'a/../b', 'a/b/..', '...', ' ', '../a', 'a/..b', '%2e']) {
    t.equal(normalizesToEmpty(key), false, key)
  }
  fc.assert(fc.property(dotted, (key) => normalizesToEmpty(key) === (posix.normalize(`/${key}`) === '/')))
})

t.test('keys are in the order of their bytes in UTF-8', async (t) => {
  const ordered = [
    '',
    '\0',
    'A',
    'a',
    'a/',
    'aa',
    'b',
    '\u007f',
    '\u0080',
    '中',
    '\ue000',
    '\uffff',
    '😀',
    '\u{10ffff}'
  ]
  t.same(ordered.toReversed().toSorted(compareUtf8), ordered)
  const texts = fc.oneof(
    longText,
    fc.array(fc.constantFrom('a', '\ue000', '😀', '😁')).map((all) => all.join(''))
  )
  fc.assert(
    fc.property(
      texts,
      texts,
      (a, b) => Math.sign(compareUtf8(a, b)) === Buffer.compare(Buffer.from(a), Buffer.from(b))
    )
  )
})
