/** The simulation in its short form: `npm run sim` runs more seeds, and the mutants. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { sampleOf } from '../support/long-form.js'
import { top } from '../support/top.js'
import { mutants } from './mutants.mjs'
import { simulate } from './simulate.js'

const seeds = Array.from({ length: 300 }, (_, seed) => seed)

t.test('transfers in virtual time keep their promises under faults, kills and aborts', async (t) => {
  for (const seed of sampleOf(seeds, 53)) {
    const { problems, scenario } = await simulate(seed)
    t.same(problems, [], `seed ${String(seed)}, ${scenario}`)
  }
})

t.test('a seed repeats its run', async (t) => {
  // Uploads have random ids.
  const logOf = async () => (await simulate(4)).log.map((line) => line.replace(/uploadId=\w+/, 'uploadId='))
  t.same(await logOf(), await logOf())
})

t.test('each mutant is one replacement in one file', async (t) => {
  t.ok(mutants.length >= 20)
  for (const { name, file, text, by } of mutants) {
    t.equal(readFileSync(join(top, file), 'utf8').split(text).length, 2, name)
    t.not(text, by)
  }
})
