/**
 * Tries what a user would get: packs the library, installs the tarball in an empty project, and uses it from ESM, from
 * CommonJS, from TypeScript under each module resolution that matters, and from its command. Needs `npm run prepack` first.
 */
import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, posix, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'

const top = resolve(import.meta.dirname, '..')
const atMost = 7
const temp = mkdtempSync(join(tmpdir(), 'cospipe-packed-'))
process.on('exit', () => rmSync(temp, { recursive: true, force: true }))

const stop = (message) => {
  console.error(`packed: ${message}`)
  process.exit(1)
}

const run = async (command, args, cwd = top, env = {}) =>
  await new Promise((resolve) => {
    const options = { cwd, env: { ...process.env, ...env }, maxBuffer: 2 ** 26 }
    execFile(command, args, options, (error, stdout, stderr) => {
      if (error !== null) stop([error.message, stdout, stderr].filter(Boolean).join('\n'))
      resolve(stdout)
    })
  })
const node = async (args, cwd) => await run(process.execPath, args, cwd)
const install = async (cwd, ...names) =>
  await run(
    'npm',
    ['install', '--no-audit', '--no-fund', '--prefer-offline', '--loglevel=error', ...names],
    cwd
  )
const tool = (name) => join(top, 'node_modules', name)
const say = (message) => console.log(`packed: ${message}`)

// -- the tarball --
const [packed] = JSON.parse(
  (
    await run('npm', ['pack', '--ignore-scripts', '--json', '--loglevel=error', '--pack-destination', temp])
  ).replace(/^[^[]*/, '')
)
const tarball = join(temp, packed.filename)
const stray = packed.files
  .map(({ path }) => path)
  .filter(
    (path) =>
      !/^(dist\/lib\/(.+\.(js|js\.map|d\.ts)|BUNDLED-LICENSES\.txt)|package\.json|((lib|bench)\/(.+\/)?)?README\.md|\.github\/CONTRIBUTING\.md|LICENSE|CHANGELOG\.md)$/.test(
        path
      )
  )
if (stray.length > 0) stop(`the tarball holds what it should not: ${stray.join(', ')}`)
say(`${packed.filename}, ${packed.files.length} files, ${packed.size} bytes, ${packed.unpackedSize} unpacked`)

const inTarball = new Set(packed.files.map(({ path }) => path))
const broken = [...inTarball]
  .filter((path) => path.endsWith('.md'))
  .flatMap((path) =>
    [...readFileSync(join(top, path), 'utf8').matchAll(/\]\(([^)#:]+)(#[^)]*)?\)/g)]
      .map(([, link]) => posix.normalize(posix.join(posix.dirname(path), link)))
      .filter((link) => !inTarball.has(link))
      .map((link) => `${path} -> ${link}`)
  )
if (broken.length > 0) stop(`links lead out of the tarball: ${broken.join(', ')}`)
say('every link of a README leads to a file of the tarball')

await node([tool('publint/src/cli.js'), 'run', tarball, '--strict'])
say('publint has nothing to say')
await node([tool('@arethetypeswrong/cli/dist/index.js'), tarball, '--profile', 'esm-only'])
say('are the types wrong? No')

// -- an empty project --
const home = join(temp, 'project')
mkdirSync(home)
const write = (name, text) => writeFileSync(join(home, name), text)
write('package.json', JSON.stringify({ name: 'project', private: true, version: '0.0.0' }))
await install(home, tarball)
const { packages } = JSON.parse(readFileSync(join(home, 'node_modules/.package-lock.json'), 'utf8'))
const installed = Object.keys(packages)
  .map((path) => path.replace(/^.*node_modules\//, ''))
  .filter((name) => name !== 'cospipe')
if (installed.length > atMost) stop(`${installed.length} packages came along: ${installed.join(', ')}`)
say(`${installed.length} packages came along, of at most ${atMost}: ${installed.join(', ')}`)

// -- run it --
const checks = `
  const missing = [
    ['createClient', cospipe.createClient],
    ['send', cospipe.send],
    ['headObject', cospipe.headObject],
    ['uploadStream', cospipe.uploadStream],
    ['startEmulator', emulator.startEmulator]
  ].filter(([, value]) => typeof value !== 'function')
  if (missing.length > 0) throw new Error('not exported: ' + missing.map(([name]) => name).join(', '))
`
write(
  'esm.mjs',
  `import * as cospipe from 'cospipe'
import * as emulator from 'cospipe/emulator'
import manifest from 'cospipe/package.json' with { type: 'json' }
${checks}
if (manifest.name !== 'cospipe') throw new Error('the manifest is not ours')
const client = cospipe.createClient({ region: 'x', credentials: emulator.exampleCredentials }).right
if (client.userAgent !== 'cospipe/' + manifest.version) throw new Error('the user agent is ' + client.userAgent)
try {
  await import('cospipe/dist/lib/index.js')
} catch (error) {
  if (error.code === 'ERR_PACKAGE_PATH_NOT_EXPORTED') process.exit(0)
}
throw new Error('a file behind the entries can be imported')
`
)
await node(['--disable-warning=ExperimentalWarning', 'esm.mjs'], home)
say('import works, and only through the entries')

write(
  'commonjs.cjs',
  `const cospipe = require('cospipe')\nconst emulator = require('cospipe/emulator')\n${checks}`
)
if (process.features.require_module) {
  await node(['--disable-warning=ExperimentalWarning', 'commonjs.cjs'], home)
  say('require works')
} else {
  say(`require was not tried: Node ${process.versions.node} cannot require ESM, 20.19 and later can`)
}

// The optional peers are not installed: both entries load without them, and what needs one says so.
write(
  'without.mjs',
  `import * as E from 'fp-ts/lib/Either.js'
import { createClient, putObject, selectObjectContent, selectRows, send } from 'cospipe'
import { exampleBucket, exampleCredentials, startEmulator } from 'cospipe/emulator'
const right = E.getOrElseW((left) => {
  throw new Error('a Left', { cause: left })
})
const emulator = right(await startEmulator()())
const client = right(
  createClient({ region: 'x', credentials: exampleCredentials, scheme: 'http', address: emulator.address })
)
const at = { bucket: exampleBucket, key: 'k' }
right(await send(putObject({ ...at, body: '1' }))(client)())
const select = selectObjectContent({
  ...at,
  expression: 'SELECT * FROM COSObject',
  inputSerialization: { csv: {} },
  outputSerialization: { csv: {} }
})
const { left } = await send(select)(client)()
if (left?.status !== 501 || !left.message.includes('npm install libpg-query')) throw new Error('not refused', { cause: left })
const context = { operation: 'SelectObjectContent', bucket: at.bucket, key: at.key, attempts: 1 }
const { Readable } = await import('node:stream')
const { rows } = selectRows({ decode: E.right })({ records: Readable.from([]), layout: { csv: {} }, context })
const failed = await rows.next().catch((error) => error.error)
if (failed?._tag !== 'MissingPackage' || failed.name !== 'csv-parse') throw new Error('not missed', { cause: failed })
await emulator.close()
await client.close()
`
)
await node(['without.mjs'], home)
say('a missing optional peer is a typed error that names it')

const command = join(home, 'node_modules/.bin', 'cospipe-emulator')
const help = await run(command, ['--help'], home)
if (!help.includes('--port')) stop(`cospipe-emulator --help does not name --port:\n${help}`)
say('the command cospipe-emulator runs')

// -- type-check it --
// TypeScript and Node's types come from this project. Declarations are checked too (skipLibCheck off), ours and those of
// the packages they name. Those of saxes 6 do not check, so no declaration that the entries lead to may name its types.
mkdirSync(join(home, 'node_modules/@types'), { recursive: true })
symlinkSync(join(top, 'node_modules/@types/node'), join(home, 'node_modules/@types/node'), 'junction')

const consumer = `import * as O from 'fp-ts/lib/Option.js'
import { createClient, headObject, send } from 'cospipe'
import { startEmulator } from 'cospipe/emulator'

type IsAny<A> = 0 extends 1 & A ? true : false
type AnyAmong<A extends ReadonlyArray<unknown>> = { [K in keyof A]: IsAny<A[K]> }[number]

// A declaration that fails to resolve becomes any, and any would agree to everything.
const noneIsAny: AnyAmong<
  [typeof createClient, typeof headObject, typeof send, typeof startEmulator, ReturnType<typeof headObject>]
> = false

export { O, noneIsAny, createClient, headObject, send, startEmulator }
`
write('consumer.mts', consumer)
write('consumer.cts', consumer)
write('consumer.ts', consumer)
const base = { strict: true, noEmit: true, target: 'es2022', lib: ['es2023'], types: ['node'] }
const nodenext = { module: 'nodenext', moduleResolution: 'nodenext' }
const bundler = { module: 'esnext', moduleResolution: 'bundler' }
const strictest = {
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  verbatimModuleSyntax: true
}
// The oldest TypeScript that the README names is the last.
const oldTypescript = join(temp, 'typescript')
const projects = [
  ['nodenext', ['consumer.mts'], { ...nodenext, skipLibCheck: false }],
  ['nodenext, from CommonJS', ['consumer.cts'], { ...nodenext, skipLibCheck: false }],
  ['nodenext, at its strictest', ['consumer.mts'], { ...nodenext, ...strictest, skipLibCheck: true }],
  ['bundler', ['consumer.ts'], { ...bundler, skipLibCheck: false }],
  [
    'nodenext, by TypeScript 5.4',
    ['consumer.mts'],
    { ...nodenext, skipLibCheck: false },
    join(oldTypescript, 'node_modules/typescript')
  ]
]
const checkTypes = async () => {
  for (const [index, [name, files, compilerOptions, typescript]] of projects.entries()) {
    const config = `tsconfig.${index}.json`
    write(config, JSON.stringify({ compilerOptions: { ...base, ...compilerOptions }, files }))
    await node([join(typescript ?? tool('typescript'), 'bin/tsc'), '-p', config], home)
    say(`TypeScript checks under ${name}`)
  }
}

// -- bundle it --
// Without the optional peers. Each bundle runs in a folder that has no node_modules, and sends a request to an emulator.
const bundles = join(temp, 'bundles')
mkdirSync(bundles)
// The tools have other projects: the packages beside the library stay as they are.
const bundlers = join(temp, 'bundlers')
for (const project of [oldTypescript, bundlers]) {
  mkdirSync(project)
  writeFileSync(join(project, 'package.json'), JSON.stringify({ name: 'tools', private: true }))
}
await install(oldTypescript, 'typescript@5.4.5')
await install(
  bundlers,
  'rollup@4.68.8',
  '@rollup/plugin-node-resolve@16.0.3',
  '@rollup/plugin-commonjs@29.0.3',
  '@rollup/plugin-json@6.1.0',
  'webpack@5.113.0'
)
write(
  'one.mjs',
  `import { headObject } from 'cospipe'
const { action, request } = headObject({ bucket: 'examplebucket-1250000000', key: 'a' })
if (action !== 'HeadObject' || request._tag !== 'Right') throw new Error('wrong')
`
)
write(
  'client.mjs',
  `import { createClient, headObject, send } from 'cospipe'
const { right: client } = createClient({
  region: 'ap-guangzhou',
  credentials: { secretId: process.env.COS_SECRET_ID, secretKey: process.env.COS_SECRET_KEY },
  scheme: 'http',
  address: process.env.ADDRESS
})
send(headObject({ bucket: process.env.BUCKET, key: 'k' }))(client)().then(async (head) => {
  await client.close()
  if (head._tag !== 'Right' || head.right.size !== 1) throw new Error('wrong', { cause: head })
})
`
)
writeFileSync(
  join(bundlers, 'bundle.mjs'),
  `import { createRequire } from 'node:module'
import { join } from 'node:path'
const [home, out, builder] = process.argv.slice(2)
// undici and fp-ts are CommonJS. In an ESM bundle esbuild leaves their require('node:...') as it is, so the bundle needs one.
const banner = "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);"
for (const name of ['one', 'client']) {
  for (const [format, ending] of [['esm', 'mjs'], ['cjs', 'cjs']]) {
    const input = join(home, name + '.mjs')
    const output = join(out, [builder, name, ending].join('.'))
    if (builder === 'esbuild') {
      const { build } = await import(process.env.ESBUILD)
      await build({ entryPoints: [input], outfile: output, bundle: true, platform: 'node', format, logLevel: 'error', ...(format === 'esm' ? { banner: { js: banner } } : {}) })
    } else if (builder === 'rollup') {
      const { rollup } = await import('rollup')
      const plugins = await Promise.all([
        import('@rollup/plugin-node-resolve').then((m) => m.default({ preferBuiltins: true })),
        import('@rollup/plugin-commonjs').then((m) => m.default({ ignore: ['node:sqlite'] })),
        import('@rollup/plugin-json').then((m) => m.default())
      ])
      const bundle = await rollup({ input, plugins, onwarn: () => {} })
      await bundle.write({ file: output, format, inlineDynamicImports: true })
    } else {
      const webpack = createRequire(import.meta.url)('webpack')
      await new Promise((done, fail) =>
        webpack(
          {
            mode: 'production',
            entry: input,
            target: 'node20',
            output: { path: out, filename: [builder, name, ending].join('.'), ...(format === 'esm' ? { module: true, chunkFormat: 'module' } : {}) },
            ...(format === 'esm' ? { experiments: { outputModule: true } } : {})
          },
          (error, stats) => (error || stats.hasErrors() ? fail(error ?? new Error(stats.toString())) : done())
        )
      )
    }
  }
}
`
)
write(
  'serve.mjs',
  `import { createClient, putObject, send } from 'cospipe'
import { exampleBucket, exampleCredentials, startEmulator } from 'cospipe/emulator'
import { spawn } from 'node:child_process'
const { right: emulator } = await startEmulator()()
const credentials = exampleCredentials
const { right: client } = createClient({ region: 'ap-guangzhou', credentials, scheme: 'http', address: emulator.address })
const put = await send(putObject({ bucket: exampleBucket, key: 'k', body: '1' }))(client)()
if (put._tag !== 'Right') throw new Error('put failed')
await client.close()
const { secretId, secretKey } = credentials
for (const file of process.argv.slice(2)) {
  const env = { ...process.env, COS_SECRET_ID: secretId, COS_SECRET_KEY: secretKey, ADDRESS: emulator.address, BUCKET: exampleBucket }
  const code = await new Promise((done) => spawn(process.execPath, [file], { env, stdio: 'inherit' }).on('exit', done))
  if (code !== 0) throw new Error(file + ' ended with ' + code)
}
await emulator.close()
`
)
const esbuild = pathToFileURL(tool('esbuild/lib/main.js')).href
const bundleAll = async () => {
  for (const builder of ['esbuild', 'rollup', 'webpack']) {
    await run(process.execPath, ['bundle.mjs', home, bundles, builder], bundlers, { ESBUILD: esbuild })
    const files = ['one', 'client'].flatMap((name) =>
      ['mjs', 'cjs'].map((ending) => join(bundles, [builder, name, ending].join('.')))
    )
    await node(['serve.mjs', ...files], home)
    const [small, whole] = [files[0], files[2]].map((file) => Math.round(statSync(file).size / 1024))
    say(
      `${builder} bundles headObject (${small} KiB) and a client (${whole} KiB), and both run as ESM and CommonJS`
    )
  }
}

// On two cores: one checks, the other bundles.
await Promise.all([checkTypes(), bundleAll()])
say('the tarball is good')
