/** What must be true of the house as a whole: its rooms, its top level, and what it brings along. */
import { readFileSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { resolve } from 'node:path'
import { ESLint } from 'eslint'
import t from 'tap'
import tseslint from 'typescript-eslint'

const top = resolve(import.meta.dirname, '..')

// -- rooms --

// The files are imagined, so that what needs their types is off; the arrows need none.
const eslint = new ESLint({
  cwd: top,
  overrideConfigFile: resolve(top, '.config/eslint.config.mjs'),
  overrideConfig: [tseslint.configs.disableTypeChecked]
})

/** What the arrows say of one line, written into one file. */
const said = async (path: string, line: string): Promise<ReadonlyArray<string>> => {
  const results = await eslint.lintText(`${line}\n`, { filePath: resolve(top, path) })
  const messages = results.flatMap((result) => result.messages)
  const broken = messages.filter((message) => message.fatal === true)
  if (broken.length > 0) throw new Error(`${path}: ${broken.map(({ message }) => message).join()}`)
  return messages
    .filter(({ ruleId, severity }) => ruleId === 'cospipe/rooms' && severity === 2)
    .map(({ message }) => message)
}

const rooms = [
  'index',
  'transfers',
  'effects',
  'operations',
  'stages',
  'encryption',
  'core',
  'emulator'
] as const
type Room = (typeof rooms)[number]

/** Written out a second time, from the design, so that a slip in the rule's own table is caught. */
const mayImport: Readonly<Record<Room, string>> = {
  index: 'index transfers effects operations stages encryption core',
  transfers: 'transfers effects operations stages encryption core',
  effects: 'effects operations stages encryption core',
  operations: 'operations stages encryption core',
  stages: 'stages core',
  encryption: 'encryption core',
  core: 'core',
  emulator: 'emulator core'
}

const fileIn = (room: Room): string => (room === 'index' ? 'lib/index.ts' : `lib/${room}/imagined.ts`)
const pathTo = (from: Room, to: Room): string => {
  const up = from === 'index' ? './' : '../'
  return to === 'index' ? `${up}index.js` : `${up}${to}/other.js`
}

for (const from of rooms) {
  t.test(`${from} may import ${mayImport[from]}, and no other room`, async (t) => {
    for (const to of rooms) {
      const allowed = mayImport[from].split(' ').includes(to)
      const complaints = await said(fileIn(from), `import '${pathTo(from, to)}'`)
      t.equal(complaints.length, allowed ? 0 : 1, `${from} -> ${to}: ${complaints.join() || 'allowed'}`)
    }
  })
}

t.test('an arrow is broken by every way of importing', async (t) => {
  for (const line of [
    `import { send } from '../effects/send.js'`,
    `import type { Send } from '../effects/send.js'`,
    `export { send } from '../effects/send.js'`,
    `export * from '../effects/send.js'`,
    `export const later = () => import('../effects/send.js')`,
    `export type Send = import('../effects/send.js').Send`
  ]) {
    t.match(await said('lib/core/imagined.ts', line), [/^core may not import effects/], line)
  }
})

t.test('an arrow is seen from a folder within a room', async (t) => {
  t.same(await said('lib/stages/deep/imagined.ts', `import '../../core/wire.js'`), [])
  t.same(await said('lib/stages/deep/imagined.ts', `import '../cut-parts.js'`), [])
  t.match(await said('lib/stages/deep/imagined.ts', `import '../../effects/send.js'`), [/^stages may not/])
  t.match(await said('lib/stages/imagined.ts', `import '.././effects/../emulator/index.js'`), [/emulator/])
})

t.test('only effects, transfers and the emulator reach a network or a disk', async (t) => {
  for (const room of rooms) {
    const outgoing = ['effects', 'transfers', 'emulator'].includes(room)
    for (const name of [
      'undici',
      'node:fs',
      'node:fs/promises',
      'fs',
      'node:net',
      'node:http',
      'node:https',
      'node:tls'
    ]) {
      const complaints = await said(fileIn(room), `import '${name}'`)
      // Without `node:` it is refused to all: a package could have the name.
      t.equal(complaints.length > 0, !outgoing || name === 'fs', `${room} -> ${name}`)
    }
  }
})

t.test('lib imports nothing that is not installed with it', async (t) => {
  for (const name of ['fp-ts/lib/Option.js', 'io-ts', 'saxes', 'hash-wasm', 'node:crypto', 'node:stream']) {
    t.same(await said('lib/core/imagined.ts', `import '${name}'`), [], name)
  }
  for (const name of [
    'tap',
    'fast-check',
    'cos-nodejs-sdk-v5',
    '@types/node',
    'cospipe',
    'cospipe/emulator'
  ]) {
    t.equal((await said('lib/core/imagined.ts', `import '${name}'`)).length, 1, name)
  }
})

t.test('what may be missing is imported when it is needed, and not before', async (t) => {
  for (const name of ['csv-parse', 'libpg-query']) {
    t.match(await said('lib/core/imagined.ts', `import { parse } from '${name}'`), [/may be missing/], name)
    t.match(await said('lib/core/imagined.ts', `export { parse } from '${name}'`), [/may be missing/], name)
    t.same(await said('lib/core/imagined.ts', `import type { Parser } from '${name}'`), [], name)
    t.same(await said('lib/core/imagined.ts', `export const load = () => import('${name}')`), [], name)
  }
})

t.test('lib imports nothing from outside lib, and specs and bench import what they like', async (t) => {
  t.match(await said('lib/core/imagined.ts', `import '../../spec/support/iterables.js'`), [/not in lib/])
  t.match(await said('lib/index.ts', `import '../bench/run.js'`), [/not in lib/])
  t.same(await said('spec/imagined.spec.ts', `import '../lib/emulator/index.js'`), [])
  t.same(await said('bench/imagined.ts', `import '../lib/emulator/index.js'`), [])
})

t.test('a room that nobody gave arrows to is refused', async (t) => {
  t.match(await said('lib/utils/imagined.ts', `import '../core/wire.js'`), [/utils is no room/])
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

t.test('a user installs at most seven packages, none of them with an install script', async (t) => {
  const packages = [...closure()]
  t.ok(packages.length <= 7, packages.join(' '))
  t.ok(packages.length >= 5, 'and the lockfile was understood')
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
