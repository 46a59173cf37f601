/**
 * Runs the specs as plain JavaScript: compiles lib, spec and bench to `dist/test`, then starts tap on the result.
 *
 *     npm test                                  every spec
 *     npm test -- spec/core/wire.spec.ts        one file
 *     npm test -- spec/core --reporter=terse    a folder, with an option of tap's
 *
 * A loader such as tsx compiles the library again in each process: 0.7 s of CPU a process, against 2 s once for all of
 * them here (Node 20.20). Types are not checked: `npm run typecheck` does that.
 *
 * The files of a folder share a process: with a process a file, half of the time of 230 files was processes starting.
 */
import { spawnSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import process from 'node:process'
import { build } from 'esbuild'
import { writeExamples } from './readme.mjs'

const top = resolve(import.meta.dirname, '../..')
const out = join(top, 'dist/test')
const groups = join(out, 'groups')

const filesBelow = (directory) =>
  readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.parentPath.includes('node_modules'))
    .map((entry) => join(entry.parentPath, entry.name))

const compile = async () => {
  const sources = ['lib', 'spec', 'bench'].flatMap((name) => filesBelow(join(top, name)))
  const typescript = sources.filter((path) => path.endsWith('.ts'))
  const copied = sources.filter((path) => /\.(mjs|json|py)$/.test(path))
  await build({
    entryPoints: typescript,
    outdir: out,
    outbase: top,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    sourcemap: 'linked',
    logLevel: 'warning'
  })
  // The library in one file, for child processes: it starts in 0.4 s, its 200 modules in 0.8 s.
  await build({
    entryPoints: {
      library: join(top, 'lib/index.ts'),
      'crc64-worker': join(top, 'lib/stages/crc64-worker.ts')
    },
    outdir: out,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    banner: {
      js: "import { createRequire } from 'node:module'\nconst require = createRequire(import.meta.url)"
    },
    logLevel: 'error'
  })
  const made = new Set([join(out, 'library.js'), join(out, 'crc64-worker.js')])
  for (const path of typescript) {
    const script = join(out, relative(top, path).replace(/\.ts$/, '.js'))
    made.add(script).add(`${script}.map`)
  }
  for (const path of copied) {
    const target = join(out, relative(top, path))
    mkdirSync(dirname(target), { recursive: true })
    copyFileSync(path, target)
    made.add(target)
  }
  // The output of a source that was moved or deleted would still be run.
  for (const path of filesBelow(out)) if (!made.has(path) && !path.startsWith(groups)) rmSync(path)
}

const compiledSpecs = (directory) => filesBelow(directory).filter((path) => path.endsWith('.spec.js'))

/** A path below `spec` becomes its compiled files; any other argument goes to tap as it is. */
const selectSpecs = (argument) => {
  const path = resolve(top, argument)
  if (argument.startsWith('-') || relative(top, path).split('/')[0] !== 'spec' || !existsSync(path)) return []
  const compiled = join(out, relative(top, path).replace(/\.ts$/, '.js'))
  return statSync(path).isDirectory() ? compiledSpecs(compiled) : [compiled]
}

/** These measure their process or change a setting of all of it. */
const needsOwnProcess = /\/(?:connector|memory-limit|memory-budget|million-keys)\.spec\.js$/

const groupOf = (path) => {
  const names = relative(join(out, 'spec'), path).split('/').slice(0, -1)
  return names.slice(0, 2).join('-') || 'top'
}

/** Writes a module for each folder that imports its specs. The largest folders start first. */
const groupSpecs = (paths) => {
  const byName = new Map()
  for (const path of paths) {
    const name = needsOwnProcess.test(path) ? relative(out, path) : groupOf(path)
    byName.set(name, [...(byName.get(name) ?? []), path])
  }
  const sizeOf = (group) => group.reduce((sum, path) => sum + statSync(path).size, 0)
  const sorted = [...byName].sort(([, a], [, b]) => sizeOf(b) - sizeOf(a))
  return sorted.map(([name, group]) => {
    if (group.length === 1) return group[0]
    const path = join(groups, `${name}.spec.js`)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, group.map((each) => `import '${relative(dirname(path), each)}'\n`).join(''))
    return path
  })
}

const tap = (...args) => {
  const script = join(top, 'node_modules/tap/dist/esm/run.mjs')
  const { status } = spawnSync(process.execPath, [script, ...args], { cwd: top, stdio: 'inherit' })
  return status ?? 1
}

writeExamples()
await compile()
// The plugins are compiled once after an install. Without this, the first run loads the default set: 9.0 s of CPU a
// process in place of 1.9.
if (!existsSync(join(top, '.tap/plugins'))) tap('build')
const args = process.argv.slice(2)
const selected = args.flatMap(selectSpecs)
const options = args.filter((argument) => selectSpecs(argument).length === 0)
const specs = [...new Set(selected.length > 0 ? selected : compiledSpecs(join(out, 'spec')))]
// Coverage is counted for each spec file.
const files = options.includes('--no-disable-coverage') ? specs : groupSpecs(specs)
process.exitCode = tap('--timeout=900', ...options, ...files.map((path) => relative(top, path)))
