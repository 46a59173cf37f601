/**
 * Runs the specs as plain JavaScript: compiles lib, spec and bench to `dist/test`, then starts tap on the result.
 *
 *     npm test                                  every spec
 *     npm test -- spec/core/wire.spec.ts        one file
 *     npm test -- spec/core                     a folder
 *     npm test -- spec/core --reporter=terse    with an option of tap's, by tap's runner
 *
 * A loader such as tsx compiles the library again in each process: 0.7 s of CPU a process, against 2 s once for all of
 * them here (Node 20.20). Types are not checked: `npm run typecheck` does that.
 *
 * The files of a layer share a process, and are bundled: with a process a file, half of the time of 230 files was processes
 * starting. All of `lib` and `spec/support` is one more file. Loading their 400 modules one by one took 1.5 s of CPU in each
 * process, the bundle 0.5 s (Node 20.20).
 */
import { spawnSync } from 'node:child_process'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync
} from 'node:fs'
import { availableParallelism } from 'node:os'
import { dirname, join, relative, resolve } from 'node:path'
import process from 'node:process'
import { pathToFileURL } from 'node:url'
import { functional } from '../../.config/functional.mjs'
import { compareFiles } from './changed-files.mjs'
import { writeExamples } from './readme.mjs'
import { runPrograms } from './run-programs.mjs'

const top = resolve(import.meta.dirname, '../..')
const out = join(top, 'dist/test')
const functionalPath = join(top, '.config/functional.mjs')
const groups = join(out, 'groups')
const bundled = join(out, 'bundled')
const record = join(out, 'sources.json')
const groupRecord = join(groups, 'groups.json')
const printed = join(out, 'tap')
// Another version of esbuild compiles everything again.
const tools = [import.meta.filename, functionalPath, join(top, 'package-lock.json')]

const filesBelow = (directory) =>
  readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.parentPath.includes('node_modules'))
    .map((entry) => join(entry.parentPath, entry.name))

const isBelow = (directory, path) => path.startsWith(join(directory, '/'))

const outputOf = (path) => join(out, relative(top, path).replace(/\.ts$/, '.js'))

const options = { format: 'esm', platform: 'node', target: 'node20' }

/** esbuild is loaded if a file has changed: it takes 0.1 s. */
const build = async (settings) => {
  const esbuild = await import('esbuild')
  return await esbuild.build({ ...options, ...settings })
}

/**
 * The programs that child processes run, each in one file or few: the library starts in 0.4 s so, and in 0.8 s from its 200
 * modules.
 */
const bundlePrograms = async () => {
  rmSync(bundled, { recursive: true, force: true })
  await build({
    entryPoints: {
      library: join(top, 'lib/index.ts'),
      'bench/demo': join(top, 'bench/demo.ts'),
      'lib/emulator/cli': join(top, 'lib/emulator/cli.ts'),
      'download-lock': join(top, 'lib/files/download-lock.ts'),
      'upload-checkpoint': join(top, 'lib/files/upload-checkpoint.ts')
    },
    outdir: bundled,
    bundle: true,
    splitting: true,
    external: ['picomatch', 'csv-parse', 'libpg-query', 'cli-progress'],
    plugins: [functional],
    banner: {
      js: "import { createRequire } from 'node:module'\nconst require = createRequire(import.meta.url)"
    },
    logLevel: 'error'
  })
}

/** Compiles the files that changed since the last run, and deletes the output of files that are gone. */
const compile = async () => {
  const sources = ['lib', 'spec', 'bench']
    .flatMap((name) => filesBelow(join(top, name)))
    .filter((path) => /\.(ts|mjs|json|py)$/.test(path))
  mkdirSync(out, { recursive: true })
  const { changed, isSmaller, save } = compareFiles(record, sources, tools)
  if (changed.length > 0 || isSmaller) rmSync(groups, { recursive: true, force: true })
  const compiled = changed.filter((path) => path.endsWith('.ts'))
  if (compiled.length > 0)
    await build({
      entryPoints: compiled,
      outdir: out,
      outbase: top,
      sourcemap: 'linked',
      logLevel: 'warning'
    })
  if (changed.some((path) => !isBelow(join(top, 'spec'), path))) await bundlePrograms()
  for (const path of changed.filter((each) => !compiled.includes(each))) {
    mkdirSync(dirname(outputOf(path)), { recursive: true })
    copyFileSync(path, outputOf(path))
  }
  const made = new Set([record])
  for (const path of sources) made.add(outputOf(path)).add(`${outputOf(path)}.map`)
  // The output of a source that was moved or deleted would still be run.
  for (const path of filesBelow(out))
    if (!made.has(path) && !isBelow(groups, path) && !isBelow(bundled, path) && !isBelow(printed, path))
      rmSync(path)
  save()
}

const compiledSpecs = (directory) => filesBelow(directory).filter((path) => path.endsWith('.spec.js'))

/** Needs Chromium: run by `npm run test:browser` only. */
const needsBrowser = join(out, 'spec/browser')

/** A path below `spec` becomes its compiled files; any other argument goes to tap as it is. */
const selectSpecs = (argument) => {
  const path = resolve(top, argument)
  if (argument.startsWith('-') || relative(top, path).split('/')[0] !== 'spec' || !existsSync(path)) return []
  const compiled = outputOf(path)
  return statSync(path).isDirectory() ? compiledSpecs(compiled) : [compiled]
}

/** These measure their process or change a setting of all of it: one after another, in a process without other specs. */
const measuringSpecs = /\/(?:connector|memory-limit|memory-budget|million-keys)\.spec\.js$/

/** Each takes as long as other layers do. */
const largeFolders = new Set(
  ['directory', 'download', 'encrypted', 'upload'].map((name) => `transfers-${name}`)
)

/** Folders that share a program: a process takes 1.0 s of CPU before its first test. */
const sharedPrograms = {
  top: ['top', 'readme', 'sim', 'types'],
  'core-conformance': ['core', 'conformance'],
  'client-operations': ['client', 'operations', 'encryption'],
  'stages-files': ['stages', 'files'],
  'directory-interop': ['transfers-directory', 'interop', 'faults', 'fuzz', 'testing']
}
const programsOfFolders = new Map(
  Object.entries(sharedPrograms).flatMap(([program, folders]) => folders.map((folder) => [folder, program]))
)

/** The program of a spec. */
const programOf = (path) => {
  if (measuringSpecs.test(path)) return 'measuring'
  const [layer = 'top', folder] = relative(join(out, 'spec'), path).split('/').slice(0, -1)
  const name = largeFolders.has(`${layer}-${folder}`) ? `${layer}-${folder}` : layer
  return programsOfFolders.get(name) ?? name
}

/** The programs that take longest, longest first: they start first, so that no core is idle at the end. */
const longest = [
  'measuring',
  'transfers-encrypted',
  'core-conformance',
  'directory-interop',
  'transfers',
  'transfers-download',
  'top',
  'stages-files',
  'client-operations',
  'transfers-upload',
  'emulator'
]

/** The compiled specs by the name of their program. The longest come first; of the others, the largest. */
const groupSpecs = (paths) => {
  const byName = new Map()
  for (const path of paths) byName.set(programOf(path), [...(byName.get(programOf(path)) ?? []), path])
  const sizeOf = ([, group]) => group.reduce((sum, path) => sum + statSync(path).size, 0)
  const rankOf = ([name]) => (longest.includes(name) ? longest.indexOf(name) : longest.length)
  return [...byName].sort((a, b) => rankOf(a) - rankOf(b) || sizeOf(b) - sizeOf(a))
}

/** Specs find their vectors and their programs relative to the file that was bundled, not to the bundle. */
const keepPlaces = {
  name: 'keep-places',
  setup: ({ onLoad }) => {
    onLoad({ filter: /\/dist\/test\/.*\.js$/ }, ({ path }) => {
      const places = { dirname: dirname(path), filename: path, url: pathToFileURL(path).href }
      const contents = readFileSync(path, 'utf8').replace(
        /\bimport\.meta\.(dirname|filename|url)\b/g,
        (_, name) => JSON.stringify(places[name])
      )
      return { contents }
    })
  }
}

/** Of the packages, those that are many files are bundled. */
const keepPackages = {
  name: 'keep-packages',
  setup: ({ onResolve }) => {
    onResolve({ filter: /^[^./]/ }, ({ path, kind }) =>
      kind === 'entry-point' || /^(?:fp-ts|io-ts|saxes|xmlchars|undici)\b/.test(path)
        ? undefined
        : { path, external: true }
    )
  }
}

const readText = (path) => (existsSync(path) ? readFileSync(path, 'utf8') : '')

/**
 * One bundle for each group. What each of them imports, all of the library and the support of the specs, is one chunk.
 * The bundles of the last run are kept if it ran the same specs and no source has changed.
 */
const bundleGroups = async (named) => {
  const programs = named.map(([name]) => ({ name, path: join(groups, `${name}.spec.js`) }))
  if (readText(groupRecord) === JSON.stringify(named)) return programs
  rmSync(groups, { recursive: true, force: true })
  const shared = [...filesBelow(join(out, 'lib')), ...filesBelow(join(out, 'spec/support'))].filter(
    (path) => path.endsWith('.js') && !path.endsWith('/cli.js')
  )
  const importsOf = (paths) => paths.map((path) => `import '${path}'\n`).join('')
  const sources = join(groups, 'sources')
  mkdirSync(sources, { recursive: true })
  writeFileSync(join(sources, 'shared.js'), importsOf(shared))
  for (const [name, paths] of named)
    writeFileSync(join(sources, `${name}.spec.js`), importsOf(['./shared.js', ...paths]))
  await build({
    entryPoints: named.map(([name]) => join(sources, `${name}.spec.js`)),
    outdir: groups,
    bundle: true,
    splitting: true,
    // A module that says that it has no side effects is imported by `shared.js` all the same.
    ignoreAnnotations: true,
    sourcemap: 'linked',
    sourcesContent: false,
    // undici requires modules of Node.
    banner: {
      js: "import { createRequire as requireOf } from 'node:module'\nconst require = requireOf(import.meta.url)"
    },
    plugins: [keepPlaces, functional, keepPackages],
    logLevel: 'warning'
  })
  writeFileSync(groupRecord, JSON.stringify(named))
  return programs
}

// Node parses these certificates in each process that starts: 0.14 s of CPU for the 144 of Debian (Node 20.20).
delete process.env.NODE_EXTRA_CA_CERTS

/** In seconds, for a file or for the specs of a directory. */
const timeout = '900'
const env = { TAP_TIMEOUT: timeout, ...process.env }
const hooks = new URL('without-async-hooks.mjs', import.meta.url).href
const withoutHooks = `--import=${hooks}`

const run = (...args) => {
  const { status } = spawnSync(process.execPath, args, { cwd: top, stdio: 'inherit', env })
  return status ?? 1
}
const tap = (...args) => run(join(top, 'node_modules/tap/dist/esm/run.mjs'), ...args)

const isBuilt = () => existsSync(join(top, '.tap/plugins'))

await writeExamples()
await compile()
// The plugins are compiled once after an install. Without this, the first run loads the default set: 9.0 s of CPU a
// process in place of 1.9.
if (!isBuilt()) tap('build')
const args = process.argv.slice(2)
const selected = args.flatMap(selectSpecs)
const rest = args.filter((argument) => selectSpecs(argument).length === 0)
const all = compiledSpecs(join(out, 'spec')).filter((path) => !isBelow(needsBrowser, path))
const specs = [...new Set(selected.length > 0 ? selected : all)]
// Most code of a spec runs a few times: baseline code at once saved 7 % of the CPU of spec/conformance.
const nodeArguments = [
  withoutHooks,
  '--always-sparkplug',
  // Optimizes a function later than the default of 67,584: 10 to 15 % less CPU for spec/transfers. Later versions lack it.
  ...(process.versions.node.startsWith('20.') ? ['--interrupt-budget=500000'] : [])
]

/** One file runs in this process: starting another one takes 0.2 s, and baseline code for one file more than it saves. */
const runHere = async (path) => {
  Object.assign(process.env, env)
  process.argv.splice(1, Infinity, path)
  process.chdir(top)
  process.setSourceMapsEnabled(true)
  await import(hooks)
  await import(pathToFileURL(path).href)
}

const runAll = async () =>
  await runPrograms(await bundleGroups(groupSpecs(specs)), {
    // On two cores a third process uses the time in which another one waits for a timer.
    concurrency: availableParallelism() + 1,
    args: nodeArguments,
    cwd: top,
    env,
    output: printed
  })

const runByTap = async () => {
  // Coverage is counted for each spec file.
  const isAlone = specs.length === 1 || rest.includes('--no-disable-coverage')
  const files = isAlone ? specs : (await bundleGroups(groupSpecs(specs))).map(({ path }) => path)
  return tap(
    `--timeout=${timeout}`,
    `--node-arg=${withoutHooks}`,
    ...rest,
    ...files.map((path) => relative(top, path))
  )
}

if (rest.length > 0) process.exitCode = await runByTap()
else if (specs.length === 1) await runHere(specs[0])
else process.exitCode = (await runAll()) ? 0 : 1
