/**
 * Runs the packed library on each supported Node with each undici that may send its requests, and prints a table:
 *
 *     npm run matrix              every cell
 *     npm run matrix -- 22 24     these major versions of Node alone
 *
 * Node comes from the npm package `node`. `undici` is the range of package.json, or version 8 in place of it, or version 8
 * as a Dispatcher of the user's beside it. undici 8 does not load on Node 20.
 */
import { spawnSync } from 'node:child_process'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

const top = resolve(import.meta.dirname, '..')
const temp = mkdtempSync(join(tmpdir(), 'cospipe-matrix-'))
process.on('exit', () => rmSync(temp, { recursive: true, force: true }))

const supported = [20, 22, 24, 26]
const asked = process.argv.slice(2).map(Number)
const majors = asked.length > 0 ? asked : supported

const run = (command, args, cwd) => {
  const done = spawnSync(command, args, { cwd, encoding: 'utf8', timeout: 300_000 })
  const output = [done.error?.message, done.stdout, done.stderr].filter(Boolean).join('\n')
  return { isOk: done.status === 0, output, stdout: done.stdout ?? '' }
}
const must = (command, args, cwd) => {
  const done = run(command, args, cwd)
  if (done.isOk) return done.stdout
  console.error(`matrix: ${[command, ...args].join(' ')} failed\n${done.output}`)
  process.exit(1)
}
const npm = ['--no-audit', '--no-fund', '--prefer-offline', '--loglevel=error']

// -- the library, once for each undici of its own --
const [{ filename }] = JSON.parse(
  must('npm', ['pack', '--json', '--loglevel=error', '--pack-destination', temp], top).replace(/^[^[]*/, '')
)
const project = (name, overrides) => {
  const home = join(temp, name)
  mkdirSync(home)
  writeFileSync(join(home, 'package.json'), JSON.stringify({ name, private: true, overrides }))
  must('npm', ['install', ...npm, join(temp, filename), 'undici-8@npm:undici@8'], home)
  copyFileSync(join(import.meta.dirname, 'matrix-program.mjs'), join(home, 'program.mjs'))
  return home
}
const versionOf = (home, name) =>
  JSON.parse(readFileSync(join(home, 'node_modules', name, 'package.json'), 'utf8')).version

const own = project('own', {})
const own8 = project('own-8', { undici: '8' })
const cells = [
  { undici: versionOf(own, 'undici'), home: own, args: [], from: 20 },
  { undici: versionOf(own8, 'undici'), home: own8, args: [], from: 22 },
  { undici: `${versionOf(own, 'undici-8')}, a Dispatcher`, home: own, args: ['undici-8'], from: 22 }
]

// -- each Node --
const nodeOf = (major) => {
  const home = join(temp, `node-${major}`)
  mkdirSync(home)
  if (!run('npm', ['install', ...npm, '--prefix', home, `node@${major}`], home).isOk) return undefined
  const path = join(home, 'node_modules/node/bin/node')
  return existsSync(path) ? path : undefined
}

let failures = 0
const rows = majors.flatMap((major) => {
  const node = nodeOf(major)
  if (node === undefined) return [{ Node: major, undici: '', result: 'not to be had from npm' }]
  const version = must(node, ['--version'], temp).trim()
  return cells
    .filter(({ from }) => major >= from)
    .map(({ undici, home, args }) => {
      const { isOk, output } = run(node, ['program.mjs', ...args], home)
      if (!isOk) {
        failures += 1
        console.error(`matrix: Node ${version}, undici ${undici}\n${output}`)
      }
      return { Node: version, undici, result: isOk ? 'passed' : 'FAILED' }
    })
})
console.table(rows)
process.exitCode = failures === 0 ? 0 : 1
