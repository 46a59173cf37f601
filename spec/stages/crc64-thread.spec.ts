import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import t from 'tap'
import { crc64 } from '../../lib/core/crc64.js'
import { createCrc64Thread, slabSize, type Crc64Thread } from '../../lib/stages/crc64-thread.js'
import { bytesOf } from '../support/bytes.js'
import { compiledLibrary } from '../support/child-processes.js'

const file = pathToFileURL(join(compiledLibrary, 'stages/crc64-worker.js'))
const module = (): URL => file
const script = (text: string): string => `data:text/javascript,${encodeURIComponent(text)}`
const parallelism = 3

const shared = (bytes: Uint8Array): Uint8Array => {
  const copy = new Uint8Array(new SharedArrayBuffer(bytes.length))
  copy.set(bytes)
  return copy
}

/** Hashes by a slab, and by views of shared memory. */
const hashBoth = async (thread: Crc64Thread, bytes: Uint8Array): Promise<ReadonlyArray<bigint>> => {
  const slab = thread.take()
  slab?.bytes.set(bytes)
  const views = [shared(bytes.subarray(0, 1)), shared(bytes.subarray(1))]
  const sums = await Promise.all([slab?.hash(bytes.length), thread.hash(views)])
  return sums.filter((sum) => sum !== undefined)
}

const bytes = bytesOf(100_000)

t.test('a thread hashes slabs and views of shared memory', async (t) => {
  const thread = createCrc64Thread({ module, parallelism, idleTimeout: 1 })
  const sum = await crc64(bytes)
  t.same(await hashBoth(thread, bytes), [sum, sum])
  // The thread ends, and another one starts.
  await setTimeout(50)
  t.same(await hashBoth(thread, bytes), [sum, sum])
})

t.test('slabs are limited, and each is free again after its hash or its release', async (t) => {
  const thread = createCrc64Thread({ module, parallelism, idleTimeout: 1 })
  const slabs = Array.from({ length: 8 }, () => thread.take())
  t.notOk(slabs.includes(undefined))
  t.equal(thread.take(), undefined)
  slabs[0]?.release()
  t.equal(thread.take()?.bytes.length, slabSize)
  await slabs[1]?.hash(10)
  t.equal(thread.take()?.bytes.length, slabSize)
})

t.test('a thread with more than 16 MiB of work refuses views', async (t) => {
  const thread = createCrc64Thread({ module, parallelism, idleTimeout: 1 })
  const views = [shared(bytesOf(1024 * 1024))]
  const accepted = Array.from({ length: 20 }, () => thread.hash(views)).filter((hash) => hash !== undefined)
  t.equal(accepted.length, 17)
  const sum = await crc64(...views)
  for (const each of await Promise.all(accepted)) t.equal(each, sum)
  t.equal(await thread.hash(views), sum, 'the work is done')
})

t.test('with two processors there is no thread', (t) => {
  const thread = createCrc64Thread({ module, parallelism: 2 })
  t.equal(thread.take(), undefined)
  t.equal(thread.hash([]), undefined)
  t.end()
})

t.test('a thread that cannot start, ends or fails loses no bytes, and no other is started', async (t) => {
  const sum = await crc64(bytes)
  for (const broken of [
    'file:///nowhere/crc64-worker.js',
    'http://127.0.0.1/crc64-worker.js',
    'no URL',
    script('process.exit()'),
    script('throw new Error("broken")'),
    script(`import { parentPort } from 'node:worker_threads'
      parentPort.on('message', () => process.exit())`)
  ]) {
    const thread = createCrc64Thread({ module: () => new URL(broken), parallelism })
    const sums = await hashBoth(thread, bytes)
    // A thread that cannot be created is known before the second hash.
    t.ok(sums.length > 0 && sums.every((each) => each === sum), broken.slice(0, 40))
    t.equal(thread.take(), undefined)
    t.equal(thread.hash([shared(bytes)]), undefined)
  }
})

t.test('an idle thread does not keep the process alive, a working one does', (t) => {
  const { stdout, status } = spawnSync(
    process.execPath,
    [
      '--input-type=module',
      '-e',
      `const { createCrc64Thread } = await import(${JSON.stringify(pathToFileURL(join(compiledLibrary, 'stages/crc64-thread.js')).href)})
       const thread = createCrc64Thread({ module: () => new URL(${JSON.stringify(file.href)}), parallelism: 3, idleTimeout: 60_000 })
       const slab = thread.take()
       void slab.hash(9).then((sum) => console.log(String(sum)))`
    ],
    { encoding: 'utf8', timeout: 20_000, env: {} }
  )
  t.equal(status, 0)
  t.match(stdout, /^\d+\n$/)
  t.end()
})
