/** The public names of the main entry. */
import { readdirSync } from 'node:fs'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import t from 'tap'
import * as cospipe from '../lib/index.js'

const lib = resolve(import.meta.dirname, '../lib')

const camelCase = (file: string): string =>
  file
    .replace(/^.*\//, '')
    .replace(/\.js$/, '')
    .replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase())

/** The modules of the library as they are compiled, one by one: in the bundle of the specs there is another copy of each. */
const load = async (file: string): Promise<Readonly<Record<string, unknown>>> =>
  (await import(pathToFileURL(resolve(lib, file)).href)) as Readonly<Record<string, unknown>>

/** For each file of a layer, the function that has the file's name. */
const mainFunctions = async (
  layer: string,
  recursive: boolean
): Promise<ReadonlyArray<readonly [string, unknown]>> => {
  const files = readdirSync(resolve(lib, layer), { encoding: 'utf8', recursive }).filter(
    (file) => file.endsWith('.js') && !file.startsWith('shared/')
  )
  const found = await Promise.all(
    files.map(async (file) => {
      const module = await load(`${layer}/${file}`)
      return [camelCase(file), module[camelCase(file)]] as const
    })
  )
  return found.filter(([, value]) => typeof value === 'function')
}

const exported = await load('index.js')

// The parts that operations and transfers are made of.
const internal = new Set([
  'headIfSame',
  'findOrphans',
  'fillRanges',
  'fetchPart',
  'getObjectTagging',
  'findResumable',
  'forEachObject',
  'globFilter',
  'streamPages',
  'isPresent',
  ...['createUpload', 'completeUpload', 'copyInOneRequest', 'copyInParts'],
  'downloadAtOnce',
  // The methods of `encrypted`.
  ...['putEncrypted', 'getEncrypted', 'headEncrypted', 'createEncryptedUpload', 'uploadEncryptedPart'],
  ...['uploadEncryptedStream', 'uploadEncryptedFile', 'uploadEncryptedDirectory', 'fileBodies', 'partBodies'],
  ...[
    'drawDataKey',
    'encryptBody',
    'encryptSource',
    'findEnvelope',
    'readFront',
    'openObject',
    'rewrap',
    'downloadEncryptedDirectory'
  ]
])

t.test('every operation is public', async (t) => {
  const operations = (await mainFunctions('operations', false)).filter(([name]) => !internal.has(name))
  t.ok(operations.length >= 17)
  for (const [name, operation] of operations) t.equal(exported[name], operation, name)
})

t.test('every transfer is public', async (t) => {
  const transfers = (await mainFunctions('transfers', true)).filter(([name]) => !internal.has(name))
  t.ok(transfers.length >= 20)
  for (const [name, transfer] of transfers) t.equal(exported[name], transfer, name)
})

t.test('the client, error helpers, keys and stages are public', async (t) => {
  for (const name of [
    ...['createClient', 'clientFromEnvironment', 'credentialsFromEnvironment', 'send', 'run', 'presign'],
    ...[
      'createRetryBudget',
      'withSignal',
      'withTimeout',
      'withRetry',
      'formatError',
      'CosException',
      'createProgress'
    ],
    ...['cutParts', 'hashParts', 'sendParts', 'planRanges', 'fetchRanges', 'verifyBytes', 'mapConcurrent'],
    ...['aesKey', 'rsaKey', 'kmsKey', 'keyring', 'aesKeyFromFile', 'rsaKeyFromFiles'],
    ...['generateAesKey', 'generateRsaKeyPair', 'encrypted'],
    ...['abortable', 'toReadable', 'createMemoryBudget', 'reportParts', 'reportBytes']
  ]) {
    t.type(exported[name], 'function', name)
  }
  t.type(cospipe.systemRuntime.startTimer, 'function')
  t.type(cospipe.Op.map, 'function')
  t.type(cospipe.PartSize.forSize, 'function')
  t.type(cospipe.Crc64.of, 'function')
})

t.test('the emulator is not in the main entry', async (t) => {
  t.notOk('startEmulator' in exported)
})
