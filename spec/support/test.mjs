/**
 * Runs the specs as plain JavaScript: compiles lib, spec and bench to `dist/test`, then starts tap on the result.
 *
 *     npm test                                  every spec
 *     npm test -- spec/core/wire.spec.ts        one file
 *     npm test -- spec/core --reporter=terse    a folder, with an option of tap's
 *
 * A loader such as tsx compiles the library again in each of some 200 processes: 0.7 s of CPU a process, against 2 s
 * once for all of them here (Node 20.20). Types are not checked: `npm run typecheck` does that.
 */
import { spawnSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import process from 'node:process'
import { build } from 'esbuild'
import { writeExamples } from './readme.mjs'

const top = resolve(import.meta.dirname, '../..')
const out = join(top, 'dist/test')

const filesBelow = (directory) =>
  readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
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
  const made = new Set(
    typescript.flatMap((path) => {
      const script = join(out, relative(top, path).replace(/\.ts$/, '.js'))
      return [script, `${script}.map`]
    })
  )
  for (const path of copied) {
    const target = join(out, relative(top, path))
    mkdirSync(dirname(target), { recursive: true })
    copyFileSync(path, target)
    made.add(target)
  }
  // The output of a source that was moved or deleted would still be run.
  for (const path of filesBelow(out)) if (!made.has(path)) rmSync(path)
}

const compiledSpecs = (directory) =>
  filesBelow(directory)
    .filter((path) => path.endsWith('.spec.js'))
    .map((path) => relative(top, path))

/** A path below `spec` becomes its compiled files; any other argument goes to tap as it is. */
const toTapArguments = (argument) => {
  const path = resolve(top, argument)
  if (argument.startsWith('-') || relative(top, path).split('/')[0] !== 'spec' || !existsSync(path))
    return [argument]
  const compiled = join(out, relative(top, path).replace(/\.ts$/, '.js'))
  return statSync(path).isDirectory() ? compiledSpecs(compiled) : [relative(top, compiled)]
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
const args = process.argv.slice(2).flatMap(toTapArguments)
const hasSpecs = args.some((argument) => argument.endsWith('.spec.js'))
process.exitCode = tap(...args, ...(hasSpecs ? [] : compiledSpecs(join(out, 'spec'))))
