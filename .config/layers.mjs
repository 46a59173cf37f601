/**
 * The layers of lib, as a lint rule.
 *
 *     index -> transfers -> client -> operations -> stages -> core
 *
 * A layer may import itself and any layer to its right. `encryption` and `files` stand beside `stages`, on `core`.
 * `fleet` stands left of `transfers`, behind a separate entry. The emulator and `testing` import `core` alone, and
 * only themselves may import them. The folders inside `transfers` and `emulator` have arrows of the same kind. `no-restricted-imports` was not
 * enough: it takes globs of the specifier as written, so each depth of folder needs its own, and it does not see
 * `import()`.
 */
import { readFileSync } from 'node:fs'
import { posix, relative, resolve, sep } from 'node:path'

const top = resolve(import.meta.dirname, '..')

/** What each layer may import, besides itself. `index` is lib/index.ts. */
export const arrows = {
  index: ['transfers', 'client', 'operations', 'stages', 'encryption', 'files', 'core'],
  fleet: ['transfers', 'client', 'operations', 'stages', 'encryption', 'files', 'core'],
  transfers: ['client', 'operations', 'stages', 'encryption', 'files', 'core'],
  client: ['operations', 'stages', 'encryption', 'files', 'core'],
  operations: ['stages', 'encryption', 'core'],
  stages: ['core'],
  encryption: ['core'],
  files: ['core'],
  core: [],
  emulator: ['core'],
  testing: ['core']
}

/** What each folder, and each file at the layer's top, may import of the same layer, besides itself. */
export const folders = {
  transfers: {
    encrypted: [
      ...['directory', 'prefix', 'copy', 'upload', 'download'],
      ...['delete', 'list', 'multipart', 'shared']
    ],
    directory: ['prefix', 'copy', 'upload', 'download', 'delete', 'list', 'multipart', 'shared'],
    prefix: ['copy', 'delete', 'list', 'multipart', 'shared'],
    copy: ['delete', 'list', 'multipart', 'shared'],
    upload: ['list', 'multipart', 'shared'],
    download: ['list', 'shared'],
    delete: ['list', 'shared'],
    select: ['shared'],
    multipart: ['list', 'shared'],
    list: ['shared'],
    shared: []
  },
  emulator: {
    'cli.ts': ['command.ts', 'index.ts'],
    'command.ts': ['options.ts'],
    'index.ts': ['server', 'http', 'options.ts', 'fault.ts', 'error.ts'],
    server: ['seed.ts', 'handlers', 'http', 'store', 'options.ts', 'fault.ts', 'error.ts'],
    'seed.ts': ['handlers', 'store', 'options.ts'],
    handlers: ['select', 'http', 'store', 'options.ts'],
    select: ['http'],
    http: ['store', 'options.ts'],
    'options.ts': ['store', 'fault.ts', 'error.ts'],
    store: [],
    'fault.ts': [],
    'error.ts': []
  }
}

/** The layers that may reach a network, a disk or another process. */
export const outgoing = ['fleet', 'transfers', 'client', 'encryption', 'files', 'emulator', 'testing']

/** The layers among them that may reach the disk and nothing else. */
export const diskOnly = ['encryption', 'files']

/** The modules that reach them. */
export const outside = [
  ...['child_process', 'cluster', 'dgram', 'dns', 'fs', 'http', 'http2', 'https', 'net', 'tls'],
  'undici'
]

const manifest = JSON.parse(readFileSync(resolve(top, 'package.json'), 'utf8'))
/** In the bundle, with what they import: see bundle.mjs. */
const bundled = ['saxes']
const shipped = [...bundled, ...Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies })]
/** Optional peers: imported by `import()` when they are needed, with an error that says what to install. */
const optional = Object.keys(manifest.peerDependenciesMeta ?? {})

/** The layer of a file, by its path from the top; undefined outside lib. */
const layerOf = (path) => {
  const [lib, layer, ...rest] = path.split('/')
  if (lib !== 'lib' || layer === undefined) return undefined
  return rest.length === 0 ? 'index' : layer
}

/** The folder of a file inside its layer; the file's own name at the layer's top. */
const folderOf = (path) => path.split('/')[2]?.replace(/\.js$/, '.ts')

/** `fs/promises` and `node:fs/promises` are fs; `@scope/name/x` is @scope/name. */
const packageOf = (specifier) => {
  const parts = specifier.replace(/^node:/, '').split('/')
  return specifier.startsWith('@') ? parts.slice(0, 2).join('/') : parts[0]
}

/** The problem with one import, or undefined. */
const problemOf = (file, specifier, isStatic) => {
  const layer = layerOf(file)
  if (layer === undefined) return undefined
  if (!Object.hasOwn(arrows, layer)) return { messageId: 'unknown', data: { layer } }
  const inner = folders[layer]
  const folder = folderOf(file)
  if (inner !== undefined && !Object.hasOwn(inner, folder))
    return { messageId: 'loose', data: { layer, folders: Object.keys(inner).join(', ') } }

  if (specifier.startsWith('.')) {
    const target = posix.normalize(posix.join(posix.dirname(file), specifier))
    const there = layerOf(target)
    if (there === undefined) return { messageId: 'out', data: { target } }
    if (there !== layer && !arrows[layer].includes(there))
      return { messageId: there === 'emulator' ? 'emulator' : 'arrow', data: { from: layer, to: there } }
    const targetFolder = folderOf(target)
    if (there === layer && inner !== undefined && targetFolder !== folder)
      if (!inner[folder].includes(targetFolder))
        return { messageId: 'arrow', data: { from: `${layer}/${folder}`, to: `${layer}/${targetFolder}` } }
    return undefined
  }

  const name = packageOf(specifier)
  if (outside.includes(name) && (!outgoing.includes(layer) || (diskOnly.includes(layer) && name !== 'fs')))
    return { messageId: 'outside', data: { layer, name } }
  if (!specifier.startsWith('node:') && !shipped.includes(name))
    return { messageId: 'stranger', data: { name } }
  if (isStatic && optional.includes(name)) return { messageId: 'optional', data: { name } }
  return undefined
}

export const layers = {
  meta: {
    type: 'problem',
    schema: [],
    messages: {
      arrow:
        '{{from}} may not import {{to}}: imports point to the right. Pass it as an argument, or move the file.',
      emulator: '{{from}} may not import the emulator, which has a separate entry.',
      loose: 'a file of {{layer}} belongs in one of its folders: {{folders}}.',
      outside: '{{layer}} may not import {{name}}: see `outgoing` in .config/layers.mjs.',
      optional:
        '{{name}} is an optional peer: import it by import(), with an error that says what to install.',
      out: 'lib may not import {{target}}, which is not in lib.',
      stranger: '{{name}} is neither a node: module nor installed with the library.',
      unknown: '{{layer}} is not a layer: add it to .config/layers.mjs.'
    }
  },
  create: (context) => {
    const file = relative(top, context.filename).split(sep).join('/')
    const check = (source, isStatic = false) => {
      if (typeof source?.value !== 'string') return
      const found = problemOf(file, source.value, isStatic)
      if (found !== undefined) context.report({ node: source, ...found })
    }
    return {
      // Types are gone before anyone runs the code.
      ImportDeclaration: (node) => check(node.source, node.importKind !== 'type'),
      ExportNamedDeclaration: (node) => check(node.source, node.exportKind !== 'type'),
      ExportAllDeclaration: (node) => check(node.source, node.exportKind !== 'type'),
      ImportExpression: (node) => check(node.source),
      TSImportType: (node) => check(node.source ?? node.argument?.literal)
    }
  }
}
