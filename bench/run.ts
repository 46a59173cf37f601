/**
 * `npm run bench` runs all cases, `npm run bench -- upload-memory` the named ones, and `npm run bench -- --short` each
 * case once with little work, to find crashes. It prints the Markdown of README.md in this directory.
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { cpus } from 'node:os'
import { fileURLToPath } from 'node:url'
import { comparisons } from './cases/comparisons.js'
import { eventLoop } from './cases/event-loop.js'
import { compare } from './support/contest.js'
import type { Table } from './support/measure.js'
import { installPeers } from './support/peers.js'
import { isShort } from './support/settings.js'

type Cases = Readonly<Record<string, () => Promise<Table>>>

/** Each client has its own process. This one only drives them. */
const contests: Cases = {
  ...Object.fromEntries(
    Object.entries(comparisons).map(([name, comparison]) => [name, () => compare(name, comparison)])
  ),
  'event-loop': eventLoop
}

/** Each runs in a separate process, so that the heap of one does not affect another. Loaded there only. */
const isolated: Cases = {
  'upload-memory': async () => (await import('./cases/upload-memory.js')).uploadMemory(),
  'encrypted-upload': async () => (await import('./cases/encrypted-upload.js')).encryptedUploads(),
  'encrypted-file': async () => (await import('./cases/encrypted-upload.js')).encryptedFiles(),
  'encrypted-download': async () => (await import('./cases/encrypted-download.js')).encryptedDownloads(),
  'encrypted-file-down': async () => (await import('./cases/encrypted-download.js')).encryptedFilesDown(),
  adaptive: async () => (await import('./cases/adaptive.js')).adaptive(),
  bandwidth: async () => (await import('./cases/bandwidth.js')).bandwidth(),
  emulator: async () => (await import('./cases/emulator.js')).emulator(),
  import: async () => (await import('./cases/process.js')).importTime(),
  install: async () => (await import('./cases/process.js')).installSize()
}

const cases: Cases = { ...contests, ...isolated }

/** With little work they are the same as a smaller case. */
const sameIfShort = new Set(['puts-256', 'heads-256', 'listing-100k', 'listing-1m'])
const allNames = Object.keys(cases).filter((name) => !isShort || !sameIfShort.has(name))

const line = (cells: ReadonlyArray<string>): string => `| ${cells.join(' | ')} |`

const markdown = ({ title, columns, rows }: Table): string =>
  [`### ${title}`, '', line(columns), line(columns.map(() => '---')), ...rows.map(line), ''].join('\n')

const one = async (name: string): Promise<void> => {
  const run = cases[name]
  if (run === undefined) throw new Error(`no case ${name}; there are ${Object.keys(cases).join(', ')}`)
  process.stdout.write(`${markdown(await run())}\n`)
}

const inOwnProcess = async (name: string): Promise<void> => {
  const child = fork(fileURLToPath(import.meta.url), ['--case', name, ...(isShort ? ['--short'] : [])], {
    execArgv: ['--expose-gc']
  })
  const [code] = (await once(child, 'exit')) as [number | null]
  if (code !== 0) process.exitCode = 1
}

const all = async (names: ReadonlyArray<string>): Promise<void> => {
  installPeers()
  const cpu = cpus()[0]?.model ?? 'unknown'
  process.stdout.write(
    `Node ${process.version}, ${String(cpus().length)} x ${cpu}, ${new Date().toISOString().slice(0, 10)}\n\n`
  )
  for (const name of names) {
    try {
      await (name in isolated ? inOwnProcess(name) : one(name))
    } catch (error) {
      process.stderr.write(`${name}: ${String(error)}\n`)
      process.exitCode = 1
    }
  }
}

const [first, ...rest] = process.argv.slice(2).filter((argument) => argument !== '--short')
if (first === '--case') await one(rest[0] ?? '')
else await all(first === undefined ? allNames : [first, ...rest])
