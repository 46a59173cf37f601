/**
 * Runs the faults in their long form.
 *
 *     npm run faults             every operation and transfer under every fault, as a table
 *     npm run faults -- NAME     matrix, bitflip, heal or stall
 */
import { spawnSync } from 'node:child_process'
import { join, resolve } from 'node:path'
import process from 'node:process'

const names = { matrix: 'fault-matrix', bitflip: 'bitflip', heal: 'heal', stall: 'stall' }
const top = resolve(import.meta.dirname, '../..')
const [name = 'matrix', ...rest] = process.argv.slice(2)

if (Object.hasOwn(names, name)) {
  const { status } = spawnSync(
    process.execPath,
    [
      join(top, 'spec/support/test.mjs'),
      ...['--timeout=3600', '--reporter=tap', '--node-arg=--import=./spec/support/fuzz.mjs', ...rest],
      `spec/faults/${names[name]}.spec.ts`
    ],
    { cwd: top, stdio: 'inherit' }
  )
  process.exitCode = status ?? 1
} else {
  console.error(`npm run faults -- ${Object.keys(names).join(' | ')}`)
  process.exitCode = 2
}
