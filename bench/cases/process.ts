/** The cost to the process: the time of an import, and the size of an install. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { range, spread, type Table } from '../support/measure.js'
import { scale } from '../support/settings.js'

const top = resolve(import.meta.dirname, '../../..')

// -- the import --
const modules = [
  ['undici', 'undici'],
  ['cospipe', pathToFileURL(join(top, 'dist/lib/index.js')).href],
  ['cos-nodejs-sdk-v5', 'cos-nodejs-sdk-v5']
] as const

const importCost = (specifier: string): readonly [wall: number, cpu: number] => {
  const script = `const [start, cpu] = [performance.now(), process.cpuUsage()]
    await import(${JSON.stringify(specifier)})
    const { user, system } = process.cpuUsage(cpu)
    console.log(JSON.stringify([performance.now() - start, (user + system) / 1000]))`
  const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
    cwd: top,
    encoding: 'utf8'
  })
  return JSON.parse(stdout) as [number, number]
}

export const importTime = (): Promise<Table> => {
  const costs = modules.map(() => [] as Array<readonly [number, number]>)
  for (let round = 0; round < scale(15, 1); round += 1) {
    for (const [at, [, specifier]] of modules.entries()) costs[at]?.push(importCost(specifier))
  }
  const baseline = costs[0] ?? []
  return Promise.resolve({
    title: 'Import of the main entry, milliseconds',
    columns: ['', 'time', 'CPU', 'CPU / baseline'],
    rows: modules.map(([name], at) => {
      const mine = costs[at] ?? []
      return [
        name,
        range(spread(mine.map(([wall]) => wall))),
        range(spread(mine.map(([, cpu]) => cpu))),
        range(spread(mine.map(([, cpu], n) => cpu / (baseline[n]?.[1] ?? cpu))), 2)
      ]
    })
  })
}

// -- the install --
const installs = [
  ['undici', ['undici@7']],
  ['cospipe', []],
  ['cos-nodejs-sdk-v5', ['cos-nodejs-sdk-v5@3']],
  ['@aws-sdk/client-s3, lib-storage', ['@aws-sdk/client-s3', '@aws-sdk/lib-storage']],
  ['minio', ['minio@8']],
  ['opendal', ['opendal@0.49.2']]
] as const

const sizeOfInstall = (packages: ReadonlyArray<string>): readonly [packages: number, MiB: number] => {
  const home = mkdtempSync(join(tmpdir(), 'cospipe-bench-'))
  const run = (command: string, ...args: ReadonlyArray<string>): string => {
    const { stdout, status } = spawnSync(command, args, { cwd: home, encoding: 'utf8' })
    if (status !== 0) throw new Error(`${command} ${args.join(' ')} failed`)
    return stdout
  }
  writeFileSync(join(home, 'package.json'), '{ "private": true }')
  const own = packages.length > 0 ? packages : [join(home, run('npm', 'pack', top, '--silent').trim())]
  run('npm', 'install', '--no-audit', '--no-fund', '--prefer-offline', '--loglevel=error', ...own)
  const lock = JSON.parse(readFileSync(join(home, 'node_modules/.package-lock.json'), 'utf8')) as {
    readonly packages: object
  }
  const size = Number(run('du', '-sk', 'node_modules').split('\t')[0]) / 1024
  rmSync(home, { recursive: true })
  return [Object.keys(lock.packages).length, size]
}

export const installSize = (): Promise<Table> =>
  Promise.resolve({
    title: 'Size of an install, with its dependencies',
    columns: ['', 'packages', 'MiB'],
    rows: installs.slice(0, scale(installs.length, 2)).map(([name, packages]) => {
      const [count, size] = sizeOfInstall(packages)
      return [name, String(count), size.toFixed(1)]
    })
  })
