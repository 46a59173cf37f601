/**
 * `npm run bench` runs all cases, `npm run bench -- upload-memory` the named ones, and `npm run bench -- --short` each
 * case once with little work, to find crashes. Each runs in a separate process, so
 * that the heap of one does not affect another. It prints the Markdown of README.md in this directory.
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { cpus } from 'node:os'
import { fileURLToPath } from 'node:url'
import { adaptive } from './cases/adaptive.js'
import { bandwidth } from './cases/bandwidth.js'
import { emulator } from './cases/emulator.js'
import { encryptedDownloads, encryptedFilesDown } from './cases/encrypted-download.js'
import { encryptedFiles, encryptedUploads } from './cases/encrypted-upload.js'
import { folderDown, folderUp, compareHeads, compareListings, comparePuts } from './cases/objects.js'
import { eventLoop, importTime, installSize } from './cases/process.js'
import { compareDownloads, compareFileDownloads, compareUploads } from './cases/throughput.js'
import { uploadMemory } from './cases/upload-memory.js'
import type { Table } from './support/measure.js'
import { installPeers } from './support/peers.js'
import { isShort } from './support/settings.js'

const cases: Readonly<Record<string, () => Promise<Table>>> = {
  'upload-memory': uploadMemory,
  upload: compareUploads,
  download: compareDownloads,
  'download-file': compareFileDownloads,
  'encrypted-upload': encryptedUploads,
  'encrypted-file': encryptedFiles,
  'encrypted-download': encryptedDownloads,
  'encrypted-file-down': encryptedFilesDown,
  'puts-1': comparePuts(1),
  'puts-32': comparePuts(32),
  'puts-256': comparePuts(256),
  'heads-1': compareHeads(1),
  'heads-32': compareHeads(32),
  'heads-256': compareHeads(256),
  'folder-up': folderUp,
  'folder-down': folderDown,
  'listing-10k': compareListings(10_000),
  'listing-100k': compareListings(100_000),
  'listing-1m': compareListings(1_000_000),
  adaptive,
  bandwidth,
  emulator,
  'event-loop': eventLoop,
  import: importTime,
  install: installSize
}

const line = (cells: ReadonlyArray<string>): string => `| ${cells.join(' | ')} |`

const markdown = ({ title, columns, rows }: Table): string =>
  [`### ${title}`, '', line(columns), line(columns.map(() => '---')), ...rows.map(line), ''].join('\n')

const one = async (name: string): Promise<void> => {
  const run = cases[name]
  if (run === undefined) throw new Error(`no case ${name}; there are ${Object.keys(cases).join(', ')}`)
  process.stdout.write(`${markdown(await run())}\n`)
}

const all = async (names: ReadonlyArray<string>): Promise<void> => {
  installPeers()
  const cpu = cpus()[0]?.model ?? 'unknown'
  process.stdout.write(
    `Node ${process.version}, ${String(cpus().length)} x ${cpu}, ${new Date().toISOString().slice(0, 10)}\n\n`
  )
  for (const name of names) {
    const child = fork(fileURLToPath(import.meta.url), ['--case', name, ...(isShort ? ['--short'] : [])], {
      execArgv: ['--expose-gc']
    })
    const [code] = (await once(child, 'exit')) as [number | null]
    if (code !== 0) process.exitCode = 1
  }
}

const [first, ...rest] = process.argv.slice(2).filter((argument) => argument !== '--short')
if (first === '--case') await one(rest[0] ?? '')
else await all(first === undefined ? Object.keys(cases) : [first, ...rest])
