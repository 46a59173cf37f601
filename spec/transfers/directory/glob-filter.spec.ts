import t from 'tap'
import { entersDirectory, matchesFile } from '../../../lib/transfers/directory/glob-filter.js'

t.test('without globs everything passes', async (t) => {
  for (const path of ['a', '.a', 'a/b', 'a\nb', '..']) t.ok(matchesFile({})(path), path)
})

t.test('what matches one glob of `include` and none of `exclude` passes', async (t) => {
  const passes = matchesFile({ include: ['**/*.log', 'docs/**'], exclude: ['**/tmp/**', 'docs/*.md'] })
  for (const path of ['a.log', 'x/y/a.log', '.hidden/.a.log', 'docs/a/b.md', 'docs/.x', 'a\nb/c\nd.log'])
    t.ok(passes(path), path)
  for (const path of ['a.txt', 'x/tmp/a.log', 'tmp/a.log', 'docs/a.md', 'a.log/b'])
    t.notOk(passes(path), path)
  t.notOk(matchesFile({ include: [] })('a'), 'nothing is included')
  t.ok(matchesFile({ exclude: [] })('a'), 'nothing is excluded')
})

t.test('a backslash in a glob is no separator: it takes the meaning from what follows', async (t) => {
  t.ok(matchesFile({ include: ['a\\*'] })('a*'))
  t.notOk(matchesFile({ include: ['a\\*'] })('ab'))
})

t.test('a folder that is excluded with all that it holds is not entered, any other is', async (t) => {
  const enters = entersDirectory({ exclude: ['**/node_modules/**', 'x/*', '!y/**', '*.log'] })
  for (const folder of ['node_modules', 'a/node_modules', 'a/node_modules/b']) t.notOk(enters(folder), folder)
  for (const folder of ['a', 'x', 'x/y', 'z', 'a.log', '.git']) t.ok(enters(folder), folder)
  t.ok(entersDirectory({ include: ['a/**'] })('b'))
  t.notOk(entersDirectory({ exclude: ['**'] })('b'))
})
