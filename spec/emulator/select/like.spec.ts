import t from 'tap'
import { likeMatcher } from '../../../lib/emulator/select/like.js'
import { processorTime } from '../../support/processor-time.js'

const likes = (text: string, pattern: string, escape?: string): boolean => likeMatcher(pattern, escape)(text)

t.test('a pattern matches the whole text', async (t) => {
  for (const [text, pattern] of [
    ['', ''],
    ['', '%'],
    ['abc', 'abc'],
    ['abc', 'a%'],
    ['abc', '%c'],
    ['abc', '%b%'],
    ['abc', '___'],
    ['abc', '%_%_%'],
    ['abcabd', '%ab_'],
    ['a\nb', 'a%b'],
    ['a.c', 'a.c'],
    ['腾讯😀', '腾__'],
    ['mississippi', '%iss%ip%']
  ] as const)
    t.ok(likes(text, pattern), `${text} LIKE ${pattern}`)
  for (const [text, pattern] of [
    ['', '_'],
    ['a', ''],
    ['abc', 'ab'],
    ['abc', 'bc'],
    ['abc', '____'],
    ['ABC', 'abc'],
    ['abc', 'a.c'],
    ['😀', '__'],
    ['mississippi', '%iss%ix%']
  ] as const)
    t.notOk(likes(text, pattern), `${text} NOT LIKE ${pattern}`)
})

t.test('an escape makes the next character literal', async (t) => {
  t.ok(likes('5%', '5!%', '!'))
  t.notOk(likes('55', '5!%', '!'))
  t.ok(likes('a_b!', 'a!_b!!', '!'))
  t.ok(likes('a\\%', 'a\\%'), 'without an escape character, a backslash is literal')
  t.throws(() => likes('a', 'a!', '!'), { code: 'SQLParsingError' })
  t.throws(() => likes('a', 'a', ''), { code: 'SQLParsingError' })
  t.throws(() => likes('a', 'a', 'xy'), { code: 'SQLParsingError' })
})

t.test('a hostile pattern takes linear backtracking', async (t) => {
  const before = processorTime()
  t.notOk(likes('a'.repeat(20_000), `${'%a'.repeat(30)}%b`))
  t.ok(processorTime() - before < 1000)
  t.throws(() => likes('a', 'a'.repeat(1025)), { code: 'SQLParsingError' })
})
