/**
 * The arrows of the house, as a lint rule.
 *
 *     index -> transfers -> effects -> operations -> stages -> core
 *
 * A room may import itself and any room to its right. Encryption stands beside stages, on core; the emulator stands on
 * core alone, and nothing but itself may import it. `no-restricted-imports` was not enough: it takes globs of the
 * specifier as written, so that every depth of folder needs its own, and it does not see `import()`.
 */
import { readFileSync } from 'node:fs'
import { posix, relative, resolve, sep } from 'node:path'

const top = resolve(import.meta.dirname, '..')

/** What each room may import, besides itself. `index` is lib/index.ts, the front door. */
export const arrows = {
  index: ['transfers', 'effects', 'operations', 'stages', 'encryption', 'core'],
  transfers: ['effects', 'operations', 'stages', 'encryption', 'core'],
  effects: ['operations', 'stages', 'encryption', 'core'],
  operations: ['stages', 'encryption', 'core'],
  stages: ['core'],
  encryption: ['core'],
  core: [],
  emulator: ['core']
}

/** The rooms that may reach a network, a disk or another process. */
export const outgoing = ['transfers', 'effects', 'emulator']

/** What reaches them. */
export const outside = [
  ...['child_process', 'cluster', 'dgram', 'dns', 'fs', 'http', 'http2', 'https', 'net', 'tls'],
  'undici'
]

const manifest = JSON.parse(readFileSync(resolve(top, 'package.json'), 'utf8'))
const shipped = Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies })
/** What a user may do without: asked for when it is needed, by `import()`, and missed with words. */
const optional = Object.keys(manifest.peerDependenciesMeta ?? {})

/** The room a file stands in, by its path from the top; nothing for what is not in lib. */
const roomOf = (path) => {
  const [lib, room, ...rest] = path.split('/')
  if (lib !== 'lib' || room === undefined) return undefined
  return rest.length === 0 ? 'index' : room
}

/** `fs/promises` and `node:fs/promises` are fs; `@scope/name/x` is @scope/name. */
const packageOf = (specifier) => {
  const parts = specifier.replace(/^node:/, '').split('/')
  return specifier.startsWith('@') ? parts.slice(0, 2).join('/') : parts[0]
}

const complaint = (file, specifier, isStatic) => {
  const room = roomOf(file)
  if (room === undefined) return undefined
  if (!Object.hasOwn(arrows, room)) return { messageId: 'unknown', data: { room } }

  if (specifier.startsWith('.')) {
    const target = posix.normalize(posix.join(posix.dirname(file), specifier))
    const there = roomOf(target)
    if (there === undefined) return { messageId: 'out', data: { target } }
    if (there === room || arrows[room].includes(there)) return undefined
    return { messageId: there === 'emulator' ? 'emulator' : 'arrow', data: { room, there } }
  }

  const name = packageOf(specifier)
  if (outside.includes(name) && !outgoing.includes(room))
    return { messageId: 'outside', data: { room, name } }
  if (!specifier.startsWith('node:') && !shipped.includes(name))
    return { messageId: 'stranger', data: { name } }
  if (isStatic && optional.includes(name)) return { messageId: 'optional', data: { name } }
  return undefined
}

export const rooms = {
  meta: {
    type: 'problem',
    schema: [],
    messages: {
      arrow:
        '{{room}} may not import {{there}}: rooms look only to the right. Make it an argument, or move the file.',
      emulator: '{{room}} may not import the emulator, which stands apart, behind its own entry.',
      outside: '{{room}} may not import {{name}}: only transfers, effects and the emulator reach outside.',
      optional:
        '{{name}} may be missing: ask for it by import(), and say what to install where it is not there.',
      out: 'lib may not import {{target}}, which is not in lib.',
      stranger: '{{name}} is no node: module and is not installed with the library.',
      unknown: '{{room}} is no room of the house: give it its arrows in .config/rooms.mjs.'
    }
  },
  create: (context) => {
    const file = relative(top, context.filename).split(sep).join('/')
    const check = (source, isStatic = false) => {
      if (typeof source?.value !== 'string') return
      const found = complaint(file, source.value, isStatic)
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
