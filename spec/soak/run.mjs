/**
 * Mixed transfers under random faults, for a long time: the heap, the handles and the open files stay flat.
 *
 *     npm run soak                     30 minutes
 *     npm run soak -- --seconds 20     a short form; CI has 60
 *     npm run soak -- --emulator       the emulator's resident memory under a mixed load, 10 minutes
 */
import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import process from 'node:process'
import { parseArgs } from 'node:util'
import { build } from 'esbuild'

const top = resolve(import.meta.dirname, '../..')
const out = join(top, 'dist/soak')
const { values } = parseArgs({
  options: {
    emulator: { type: 'boolean', default: false },
    seconds: { type: 'string' },
    seed: { type: 'string', default: '1' }
  }
})
const sources = ['lib', 'spec/soak', 'spec/faults', 'spec/support'].flatMap((folder) =>
  readdirSync(join(top, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts') && !entry.name.endsWith('.spec.ts'))
    .map((entry) => join(entry.parentPath, entry.name))
)
await build({
  ...{ format: 'esm', platform: 'node', target: 'node20' },
  ...{ entryPoints: sources, outdir: out, outbase: top, logLevel: 'warning' }
})
const { status } = spawnSync(
  process.execPath,
  [
    '--expose-gc',
    join(out, 'spec/soak', values.emulator ? 'emulator.js' : 'soak.js'),
    values.seconds ?? (values.emulator ? '600' : '1800'),
    values.seed
  ],
  { cwd: top, stdio: 'inherit' }
)
process.exitCode = status ?? 1
