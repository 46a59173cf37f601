/**
 * Tries what a user would get: packs the library, installs the tarball in an empty project, and uses it from ESM, from
 * CommonJS, from TypeScript under each module resolution that matters, and from its command.
 */
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

const top = resolve(import.meta.dirname, '..')
const atMost = 7
const temp = mkdtempSync(join(tmpdir(), 'cospipe-packed-'))
process.on('exit', () => rmSync(temp, { recursive: true, force: true }))

const stop = (message) => {
  console.error(`packed: ${message}`)
  process.exit(1)
}

const run = (command, args, cwd = top) => {
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd, encoding: 'utf8' })
  if (status !== 0)
    stop(
      [`${[command, ...args].join(' ')} failed`, error?.message, stdout, stderr].filter(Boolean).join('\n')
    )
  return stdout
}
const node = (args, cwd) => run(process.execPath, args, cwd)
const tool = (name) => join(top, 'node_modules', name)
const say = (message) => console.log(`packed: ${message}`)

// -- the tarball --
const [packed] = JSON.parse(
  run('npm', ['pack', '--json', '--loglevel=error', '--pack-destination', temp]).replace(/^[^[]*/, '')
)
const tarball = join(temp, packed.filename)
const stray = packed.files
  .map(({ path }) => path)
  .filter(
    (path) =>
      !/^(dist\/lib\/.+\.(js|js\.map|d\.ts)|package\.json|README\.md|LICENSE|CHANGELOG\.md)$/.test(path)
  )
if (stray.length > 0) stop(`the tarball holds what it should not: ${stray.join(', ')}`)
say(`${packed.filename}, ${packed.files.length} files, ${packed.size} bytes, ${packed.unpackedSize} unpacked`)

node([tool('publint/src/cli.js'), 'run', tarball, '--strict'])
say('publint has nothing to say')
node([tool('@arethetypeswrong/cli/dist/index.js'), tarball, '--profile', 'esm-only'])
say('are the types wrong? No')

// -- an empty project --
const home = join(temp, 'project')
mkdirSync(home)
const write = (name, text) => writeFileSync(join(home, name), text)
write('package.json', JSON.stringify({ name: 'project', private: true, version: '0.0.0' }))
run('npm', ['install', '--no-audit', '--no-fund', '--prefer-offline', '--loglevel=error', tarball], home)
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
try {
  await import('cospipe/dist/lib/index.js')
} catch (error) {
  if (error.code === 'ERR_PACKAGE_PATH_NOT_EXPORTED') process.exit(0)
}
throw new Error('a file behind the doors can be imported')
`
)
node(['--disable-warning=ExperimentalWarning', 'esm.mjs'], home)
say('import works, and only through the doors')

write(
  'commonjs.cjs',
  `const cospipe = require('cospipe')\nconst emulator = require('cospipe/emulator')\n${checks}`
)
if (process.features.require_module) {
  node(['--disable-warning=ExperimentalWarning', 'commonjs.cjs'], home)
  say('require works')
} else {
  say(`require was not tried: Node ${process.versions.node} cannot require ESM, 20.19 and later can`)
}

// What is optional was not installed: both doors opened without it, and what needs it says so.
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
const failed = await rows.next().catch((error) => error.reason)
if (failed?._tag !== 'MissingPackage' || failed.name !== 'csv-parse') throw new Error('not missed', { cause: failed })
await emulator.close()
await client.close()
`
)
node(['without.mjs'], home)
say('what is optional is missed with words, where it is needed')

const command = join(home, 'node_modules/.bin', 'cospipe-emulator')
const help = run(command, ['--help'], home)
if (!help.includes('--port')) stop(`cospipe-emulator --help does not name --port:\n${help}`)
say('the command cospipe-emulator runs')

// -- type-check it --
// TypeScript and Node's types are the project's own business, so they are lent, not installed; and declarations are
// checked too (skipLibCheck off), ours and those of the packages they name. Those of saxes 6 do not hold, so no
// declaration that the doors lead to may name its types.
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
const projects = [
  ['nodenext', ['consumer.mts'], { ...nodenext, skipLibCheck: false }],
  ['nodenext, from CommonJS', ['consumer.cts'], { ...nodenext, skipLibCheck: false }],
  ['nodenext, at its strictest', ['consumer.mts'], { ...nodenext, ...strictest, skipLibCheck: true }],
  ['bundler', ['consumer.ts'], { ...bundler, skipLibCheck: false }]
]
for (const [name, files, compilerOptions] of projects) {
  write('tsconfig.json', JSON.stringify({ compilerOptions: { ...base, ...compilerOptions }, files }))
  node([tool('typescript/bin/tsc'), '-p', 'tsconfig.json'], home)
  say(`TypeScript checks under ${name}`)
}

say('the tarball is good')
