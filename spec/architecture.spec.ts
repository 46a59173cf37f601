/** The structure of the project: its layers, its top level, and its dependencies. */
import { readFileSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { resolve } from 'node:path'
import { ESLint, type Linter } from 'eslint'
import t from 'tap'
import { top } from './support/top.js'

// -- layers --

/**
 * Of the project's configuration, the layer rule alone: to load and check the options of the others takes 2 s of CPU. The linted
 * files do not exist, and the rule needs no type information.
 */
const createLinter = async (): Promise<ESLint> => {
  const { default: configs } = (await import(resolve(top, '.config/eslint.config.mjs'))) as {
    readonly default: ReadonlyArray<Linter.Config>
  }
  return new ESLint({
    cwd: top,
    overrideConfigFile: true,
    baseConfig: configs.map(({ rules = {}, ...config }) => ({
      ...config,
      rules: Object.fromEntries(Object.entries(rules).filter(([name]) => name === 'cospipe/layers'))
    })),
    overrideConfig: [{ languageOptions: { parserOptions: { projectService: false } } }]
  })
}
const linter = createLinter()

/** The layer rule's messages for each line of code, in one file. A file takes ESLint 15 ms of CPU, of any length. */
const lintLines = async (
  path: string,
  lines: ReadonlyArray<string>
): Promise<ReadonlyArray<ReadonlyArray<string>>> => {
  const results = await (await linter).lintText(`${lines.join('\n')}\n`, { filePath: resolve(top, path) })
  const messages = results.flatMap((result) => result.messages)
  const fatal = messages.filter((message) => message.fatal === true)
  if (fatal.length > 0) throw new Error(`${path}: ${fatal.map(({ message }) => message).join()}`)
  const found = messages.filter(({ ruleId, severity }) => ruleId === 'cospipe/layers' && severity === 2)
  return lines.map((_, at) => found.filter(({ line }) => line === at + 1).map(({ message }) => message))
}

const lint = async (path: string, line: string): Promise<ReadonlyArray<string>> =>
  (await lintLines(path, [line]))[0] ?? []

const layers = [
  'index',
  'fleet',
  'transfers',
  'client',
  'operations',
  'stages',
  'encryption',
  'files',
  'core',
  'emulator'
] as const
type Layer = (typeof layers)[number]

/** Written a second time, from the design, so that a slip in the rule's own table is caught. */
const mayImport: Readonly<Record<Layer, string>> = {
  index: 'index transfers client operations stages encryption files core',
  fleet: 'fleet transfers client operations stages encryption files core',
  transfers: 'transfers client operations stages encryption files core',
  client: 'client operations stages encryption files core',
  operations: 'operations stages encryption core',
  stages: 'stages core',
  encryption: 'encryption core',
  files: 'files core',
  core: 'core',
  emulator: 'emulator core'
}

const fileIn = (layer: Layer): string =>
  layer === 'index'
    ? 'lib/index.ts'
    : layer === 'transfers'
      ? 'lib/transfers/upload/example.ts'
      : layer === 'emulator'
        ? 'lib/emulator/server/example.ts'
        : `lib/${layer}/example.ts`

const pathTo = (from: Layer, to: Layer): string => {
  const hasFolders = from === 'transfers' || from === 'emulator'
  const up = from === 'index' ? './' : hasFolders ? '../../' : '../'
  return to === 'index' ? `${up}index.js` : from === to && hasFolders ? './other.js' : `${up}${to}/other.js`
}

for (const from of layers) {
  t.test(`${from} may import ${mayImport[from]}, and no other layer`, async (t) => {
    const linted = await lintLines(
      fileIn(from),
      layers.map((to) => `import '${pathTo(from, to)}'`)
    )
    for (const [at, to] of layers.entries()) {
      const allowed = mayImport[from].split(' ').includes(to)
      const messages = linted[at] ?? []
      t.equal(messages.length, allowed ? 0 : 1, `${from} -> ${to}: ${messages.join() || 'allowed'}`)
    }
  })
}

t.test('every form of import is checked', async (t) => {
  const lines = [
    `import { send } from '../client/send.js'`,
    `import type { Send } from '../client/send.js'`,
    `export { send } from '../client/send.js'`,
    `export * from '../client/send.js'`,
    `export const later = () => import('../client/send.js')`,
    `export type Send = import('../client/send.js').Send`
  ]
  const linted = await lintLines('lib/core/example.ts', lines)
  for (const [at, line] of lines.entries()) t.match(linted[at], [/^core may not import client/], line)
})

t.test('imports from a nested folder are checked', async (t) => {
  t.same(await lint('lib/stages/deep/example.ts', `import '../../core/wire.js'`), [])
  t.same(await lint('lib/stages/deep/example.ts', `import '../cut-parts.js'`), [])
  t.match(await lint('lib/stages/deep/example.ts', `import '../../client/send.js'`), [/^stages may not/])
  t.match(await lint('lib/stages/example.ts', `import '.././client/../emulator/index.js'`), [/emulator/])
})

t.test('the folders of transfers import to the right only', async (t) => {
  t.same(await lint('lib/transfers/directory/example.ts', `import '../upload/upload-file.js'`), [])
  t.same(await lint('lib/transfers/upload/example.ts', `import '../multipart/clean-up.js'`), [])
  t.match(await lint('lib/transfers/multipart/example.ts', `import '../upload/upload-file.js'`), [
    /^transfers\/multipart may not import transfers\/upload/
  ])
  t.match(await lint('lib/transfers/shared/example.ts', `import '../list/stream-objects.js'`), [
    /^transfers\/shared may not import transfers\/list/
  ])
})

t.test('the folders of the emulator import to the right only', async (t) => {
  t.same(await lint('lib/emulator/server/example.ts', `import '../handlers/index.js'`), [])
  t.same(await lint('lib/emulator/handlers/example.ts', `import '../select/run.js'`), [])
  t.same(await lint('lib/emulator/handlers/shared/example.ts', `import '../../store/model.js'`), [])
  t.same(await lint('lib/emulator/http/example.ts', `import '../options.js'`), [])
  for (const [from, target, to] of [
    ['handlers', '../server/server.js', 'server'],
    ['http', '../handlers/index.js', 'handlers'],
    ['store', '../http/request.js', 'http'],
    ['select', '../store/store.js', 'store'],
    ['http', '../index.js', 'index.ts']
  ] as const)
    t.match(await lint(`lib/emulator/${from}/example.ts`, `import '${target}'`), [
      new RegExp(`^emulator/${from} may not import emulator/${to}`)
    ])
  t.match(await lint('lib/emulator/options.ts', `import './server/server.js'`), [
    /^emulator\/options.ts may not import emulator\/server/
  ])
  t.match(await lint('lib/emulator/example.ts', `import './options.js'`), [/belongs in one of its folders/])
})

t.test('a file at the top of transfers is refused', async (t) => {
  t.match(await lint('lib/transfers/example.ts', `import '../core/wire.js'`), [
    /belongs in one of its folders/
  ])
})

t.test(
  'only fleet, transfers, client and the emulator import network modules; encryption and files import fs',
  async (t) => {
    for (const layer of layers) {
      const network = ['client', 'transfers', 'emulator', 'fleet'].includes(layer)
      const disk = network || ['encryption', 'files'].includes(layer)
      // Without `node:`, `fs` is refused everywhere: a package could have the name.
      const allowed = {
        ...{ undici: network, 'node:net': network, 'node:http': network, 'node:https': network },
        ...{ 'node:tls': network, 'node:fs': disk, 'node:fs/promises': disk, fs: false }
      }
      const names = Object.keys(allowed)
      const linted = await lintLines(
        fileIn(layer),
        names.map((name) => `import '${name}'`)
      )
      for (const [at, isAllowed] of Object.values(allowed).entries())
        t.equal(linted[at]?.length, isAllowed ? 0 : 1, `${layer} -> ${names[at] ?? ''}`)
    }
  }
)

t.test('lib imports only packages that are installed with it', async (t) => {
  const installed = ['fp-ts/lib/Option.js', 'io-ts', 'saxes', 'node:crypto', 'node:stream']
  const others = ['tap', 'fast-check', 'cos-nodejs-sdk-v5', '@types/node', 'cospipe', 'cospipe/emulator']
  const names = [...installed, ...others]
  const linted = await lintLines(
    'lib/core/example.ts',
    names.map((name) => `import '${name}'`)
  )
  for (const [at, name] of names.entries())
    t.equal(linted[at]?.length, installed.includes(name) ? 0 : 1, name)
})

t.test('optional peers are imported by import() only', async (t) => {
  for (const name of ['csv-parse', 'libpg-query']) {
    t.match(await lint('lib/core/example.ts', `import { parse } from '${name}'`), [/optional peer/], name)
    t.match(await lint('lib/core/example.ts', `export { parse } from '${name}'`), [/optional peer/], name)
    t.same(await lint('lib/core/example.ts', `import type { Parser } from '${name}'`), [], name)
    t.same(await lint('lib/core/example.ts', `export const load = () => import('${name}')`), [], name)
  }
})

t.test('lib imports nothing outside lib; specs and bench import anything', async (t) => {
  t.match(await lint('lib/core/example.ts', `import '../../spec/support/iterables.js'`), [/not in lib/])
  t.match(await lint('lib/index.ts', `import '../bench/run.js'`), [/not in lib/])
  t.same(await lint('spec/example.spec.ts', `import '../lib/emulator/index.js'`), [])
  t.same(await lint('bench/example.ts', `import '../lib/emulator/index.js'`), [])
})

t.test('a folder that is not in the layer table is refused', async (t) => {
  t.match(await lint('lib/utils/example.ts', `import '../core/wire.js'`), [/utils is not a layer/])
})

// -- the top level --

t.test('nothing stands at the top but what the design names', async (t) => {
  const named = [
    ...['package.json', 'package-lock.json', 'tsconfig.json', 'lib', 'spec', 'bench'],
    ...['README.md', 'LICENSE', 'CHANGELOG.md']
  ]
  const made = ['node_modules', 'dist']
  const entries = (await readdir(top)).filter((name) => !name.startsWith('.'))
  t.same(
    entries.filter((name) => ![...named, ...made].includes(name)),
    []
  )
  t.same(
    named.filter((name) => !entries.includes(name)),
    []
  )
})

// -- what it brings along --

interface Locked {
  readonly dependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
  readonly peerDependencies?: Readonly<Record<string, string>>
  readonly peerDependenciesMeta?: Readonly<Record<string, { readonly optional?: boolean }>>
  readonly resolved?: string
  readonly hasInstallScript?: boolean
}

const locked = (
  JSON.parse(readFileSync(resolve(top, 'package-lock.json'), 'utf8')) as { packages: Record<string, Locked> }
).packages

/** Where Node would find `name` from `at`: the nearest node_modules on the way up. */
const find = (at: string, name: string): string => {
  for (let from = at; ; from = from.slice(0, Math.max(0, from.lastIndexOf('/node_modules/')))) {
    const path = `${from === '' ? '' : `${from}/`}node_modules/${name}`
    if (path in locked) return path
    if (from === '') throw new Error(`${name}, wanted by ${at || 'cospipe'}, is not in the lockfile`)
  }
}

const closure = (): ReadonlySet<string> => {
  const seen = new Set<string>()
  const visit = (path: string) => {
    const {
      dependencies,
      optionalDependencies,
      peerDependencies = {},
      peerDependenciesMeta
    } = locked[path] ?? {}
    // npm brings along the peers that must be there, and leaves the others to the user.
    const peers = Object.keys(peerDependencies).filter((name) => !peerDependenciesMeta?.[name]?.optional)
    for (const name of [...Object.keys({ ...dependencies, ...optionalDependencies }), ...peers]) {
      const there = find(path, name)
      if (!seen.has(there)) {
        seen.add(there)
        visit(there)
      }
    }
  }
  visit('')
  return seen
}

t.test('a user installs four packages, none of them with an install script', async (t) => {
  const packages = [...closure()]
  t.equal(packages.length, 4, packages.join(' '))
  t.same(
    packages.filter((path) => locked[path]?.hasInstallScript),
    []
  )
})

t.test('the lockfile names no registry', async (t) => {
  t.same(
    Object.entries(locked).filter(([, { resolved }]) => resolved !== undefined),
    []
  )
})
