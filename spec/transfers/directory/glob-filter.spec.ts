import t from 'tap'
import { shouldReadDirectory, matchesFile } from '../../../lib/transfers/directory/glob-filter.js'

t.test('without globs every path matches', async (t) => {
  for (const path of ['a', '.a', 'a/b', 'a\nb', '..']) t.ok((await matchesFile({}))(path), path)
})

t.test('a path matches if one include glob and no exclude glob matches it', async (t) => {
  const matches = await matchesFile({ include: ['**/*.log', 'docs/**'], exclude: ['**/tmp/**', 'docs/*.md'] })
  for (const path of ['a.log', 'x/y/a.log', '.hidden/.a.log', 'docs/a/b.md', 'docs/.x', 'a\nb/c\nd.log'])
    t.ok(matches(path), path)
  for (const path of ['a.txt', 'x/tmp/a.log', 'tmp/a.log', 'docs/a.md', 'a.log/b'])
    t.notOk(matches(path), path)
  t.notOk((await matchesFile({ include: [] }))('a'), 'an empty include matches nothing')
  t.ok((await matchesFile({ exclude: [] }))('a'), 'an empty exclude excludes nothing')
})

t.test('a backslash in a glob escapes the next character', async (t) => {
  t.ok((await matchesFile({ include: ['a\\*'] }))('a*'))
  t.notOk((await matchesFile({ include: ['a\\*'] }))('ab'))
})

t.test('shouldReadDirectory is false only for a folder that folder/** excludes', async (t) => {
  const enters = await shouldReadDirectory({ exclude: ['**/node_modules/**', 'x/*', '!y/**', '*.log'] })
  for (const folder of ['node_modules', 'a/node_modules', 'a/node_modules/b']) t.notOk(enters(folder), folder)
  for (const folder of ['a', 'x', 'x/y', 'z', 'a.log', '.git']) t.ok(enters(folder), folder)
  t.ok((await shouldReadDirectory({ include: ['a/**'] }))('b'))
  t.notOk((await shouldReadDirectory({ exclude: ['**'] }))('b'))
})
