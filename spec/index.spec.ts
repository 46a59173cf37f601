import { readdirSync } from 'node:fs'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import t from 'tap'
import * as cospipe from '../lib/index.js'

const lib = resolve(import.meta.dirname, '../lib')

const camel = (file: string): string =>
  file.replace(/\.ts$/, '').replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase())

/** The functions of a room that have the name of their file: what the file is for. */
const namesakes = async (room: string): Promise<ReadonlyArray<readonly [string, unknown]>> => {
  const files = readdirSync(resolve(lib, room)).filter((file) => file.endsWith('.ts') && file !== 'index.ts')
  const found = await Promise.all(
    files.map(async (file) => {
      const module = (await import(pathToFileURL(resolve(lib, room, file)).href)) as Record<string, unknown>
      return [camel(file), module[camel(file)]] as const
    })
  )
  return found.filter(([, value]) => typeof value === 'function')
}

const front: Readonly<Record<string, unknown>> = cospipe

t.test('every operation is public', async (t) => {
  const operations = await namesakes('operations')
  t.ok(operations.length >= 17)
  for (const [name, operation] of operations) t.equal(front[name], operation, name)
})

// What transfers are made of.
const inner = new Set(['lodging', 'streamPages', 'tidily', 'transferring', 'walk', 'working'])

t.test('every transfer is public', async (t) => {
  const transfers = (await namesakes('transfers')).filter(([name]) => !inner.has(name))
  t.ok(transfers.length >= 3)
  for (const [name, transfer] of transfers) t.equal(front[name], transfer, name)
})

t.test('what makes calls happen is public, and so is what looks at their failures', async (t) => {
  for (const name of [
    ...['createClient', 'clientFromEnvironment', 'credentialsFromEnvironment', 'send', 'run', 'presign'],
    ...['withSignal', 'withTimeout', 'withRetry', 'describe', 'CosFailure', 'crc64'],
    ...['cutting', 'hashing', 'sending', 'planRanges', 'fetching', 'verifying', 'inParallel', 'createBudget']
  ]) {
    t.type(front[name], 'function', name)
  }
  t.type(cospipe.Op.map, 'function')
  t.type(cospipe.PartSize.forSize, 'function')
})

t.test('the emulator is behind its own door', async (t) => {
  t.notOk('startEmulator' in front)
})
