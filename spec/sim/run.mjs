/**
 * The simulation: whole transfers in virtual time, over the emulator without sockets. A seed chooses the transfer, the
 * delays, the faults, the kills and the aborts. A seed that fails is printed, and repeats.
 *
 *     npm run sim -- --seeds 1000         seeds 0 to 999
 *     npm run sim -- --first 7 --seeds 1  one seed; SIM_LOG=1 prints its requests
 *     npm run sim -- --mutants            known bugs, put back one at a time: each must be caught by a seed
 *
 * A mutant is a replacement in one source file. If its text is not in the file exactly once, the run fails.
 */
import { spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import process from 'node:process'
import { parseArgs } from 'node:util'
import { build, transform } from 'esbuild'
import { mutants } from './mutants.mjs'

const top = resolve(import.meta.dirname, '../..')
const out = join(top, 'dist/sim')
const { values } = parseArgs({
  options: {
    seeds: { type: 'string' },
    first: { type: 'string', default: '0' },
    mutants: { type: 'boolean', default: false },
    only: { type: 'string' }
  }
})

const options = { format: 'esm', platform: 'node', target: 'node20' }

const sources = ['lib', 'spec/sim', 'spec/support'].flatMap((folder) =>
  readdirSync(join(top, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts') && !entry.name.endsWith('.spec.ts'))
    .map((entry) => join(entry.parentPath, entry.name))
)

const outputOf = (path) => join(out, relative(top, path).replace(/\.ts$/, '.js'))

/** Runs seeds on the compiled copy. One thread for files: their calls end in the order of their start. */
const run = (first, seeds, ...rest) =>
  spawnSync(
    process.execPath,
    ['--enable-source-maps', join(out, 'spec/sim/seeds.js'), String(first), String(seeds), ...rest],
    { cwd: top, encoding: 'utf8', timeout: 1_800_000, env: { ...process.env, UV_THREADPOOL_SIZE: '1' } }
  )

rmSync(out, { recursive: true, force: true })
mkdirSync(out, { recursive: true })
await build({ ...options, entryPoints: sources, outdir: out, outbase: top, logLevel: 'warning' })

const compileMutant = async ({ file, text, by }) => {
  const path = join(top, file)
  const source = readFileSync(path, 'utf8')
  const found = source.split(text).length - 1
  if (found !== 1)
    throw new Error(`${file} has the text of a mutant ${String(found)} times, not once: ${text}`)
  const { code } = await transform(
    source.replace(text, () => by),
    { ...options, loader: 'ts' }
  )
  const target = outputOf(path)
  const original = readFileSync(target)
  mkdirSync(dirname(target), { recursive: true })
  writeFileSync(target, code)
  return () => writeFileSync(target, original)
}

if (values.mutants) {
  const seeds = Number(values.seeds ?? 300)
  let caught = 0
  const chosen = mutants.filter(({ name }) => values.only === undefined || name.includes(values.only))
  for (const mutant of chosen) {
    const restore = await compileMutant(mutant)
    const { status, stdout, stderr, signal } = run(values.first, seeds, 'stop')
    restore()
    const isCaught = status !== 0
    if (isCaught) caught += 1
    const line =
      stdout.trim().split('\n').at(-1) ||
      stderr
        .trim()
        .split('\n')
        .find((each) => /Error/.test(each)) ||
      signal
    console.log(`${isCaught ? 'caught' : 'NOT CAUGHT'}  ${mutant.name}\n    ${String(line).slice(0, 160)}`)
  }
  console.log(
    `${String(caught)} of ${String(chosen.length)} mutants are caught, with at most ${String(seeds)} seeds each`
  )
  process.exitCode = caught === chosen.length ? 0 : 1
} else {
  const { status, stdout, stderr } = run(values.first, values.seeds ?? 300)
  process.stdout.write(stdout)
  process.stderr.write(stderr)
  process.exitCode = status ?? 1
}
