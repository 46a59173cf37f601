/** Runs seeds, and prints those that fail: `node seeds.js FIRST COUNT [stop]`. With `stop`, ends at the first failure. */
import process from 'node:process'
import { simulate } from './simulate.js'

const [first = '0', count = '100', stop] = process.argv.slice(2)
const from = Number(first)
const isVerbose = process.env['SIM_LOG'] !== undefined
const totals = new Map<string, number>()
let requests = 0
let elapsed = 0
let failed = 0
for (let seed = from; seed < from + Number(count); seed += 1) {
  const outcome = await simulate(seed)
  requests += outcome.requests
  elapsed += outcome.elapsed
  totals.set(outcome.scenario, (totals.get(outcome.scenario) ?? 0) + 1)
  if (isVerbose) for (const line of outcome.log) console.log(line)
  if (outcome.problems.length === 0) continue
  failed += 1
  console.log(`seed ${String(seed)} (${outcome.scenario}): ${outcome.problems.join('; ')}`)
  if (stop === 'stop') break
}
if (stop !== 'stop')
  console.log(
    `${count} seeds, ${String(requests)} requests, ${(elapsed / 60_000).toFixed(0)} minutes of virtual time, ${String(failed)} failed`
  )
process.exitCode = failed > 0 ? 1 : 0
