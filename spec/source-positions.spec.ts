import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import t from 'tap'
import { top } from './support/top.js'

const loadPositions = async (): Promise<(text: string) => string> => {
  const { sourcePositions } = (await import(resolve(top, 'spec/support/source-positions.mjs'))) as {
    readonly sourcePositions: (top: string) => (text: string) => string
  }
  return sourcePositions(top)
}

const compiled = 'dist/test/spec/support/iterables.js'
const source = 'spec/support/iterables.ts'
/** The number of the line that declares `toArray`. */
const lineIn = (path: string): string =>
  String(
    1 +
      readFileSync(resolve(top, path), 'utf8')
        .split('\n')
        .findIndex((line) => line.includes('const toArray'))
  )

t.test('positions in compiled files become those of their sources', async (t) => {
  const toSources = await loadPositions()
  const [from, to] = [lineIn(compiled), lineIn(source)]
  t.match(toSources(`run (${compiled}:${from}:7)`), `run (${source}:${to}:`)
  t.match(toSources(`at run (file://${resolve(top, compiled)}:${from}:7)`), `at run (${source}:${to}:`)
  t.match(
    toSources(`at:\n  fileName: ${compiled}\n  lineNumber: ${from}\n  columnNumber: 7\n`),
    `at:\n  fileName: ${source}\n  lineNumber: ${to}\n  columnNumber: `
  )
})

t.test('positions in files without a source map stay', async (t) => {
  const toSources = await loadPositions()
  for (const text of ['run (node:net:1:2)', 'run (/nowhere/a.js:1:2)', 'no position', 'a.js:1'])
    t.equal(toSources(text), text)
})
