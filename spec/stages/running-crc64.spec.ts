import fc from 'fast-check'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import t from 'tap'
import { crc64 } from '../../lib/core/crc64.js'
import { createCrc64Thread, slabSize, threadAfter, type Crc64Thread } from '../../lib/stages/crc64-thread.js'
import { runningCrc64 } from '../../lib/stages/running-crc64.js'
import { bytesOf } from '../support/bytes.js'
import { compiledLibrary } from '../support/child-processes.js'

const file = pathToFileURL(join(compiledLibrary, 'stages/crc64-worker.js'))
const createThread = (): Crc64Thread =>
  createCrc64Thread({ module: () => file, parallelism: 3, idleTimeout: 1 })
const offset = threadAfter + 1

/** A thread that is free only now and then, so that runs of both kinds alternate. */
const seldomFree = (every: number): Crc64Thread => {
  const thread = createThread()
  let asked = 0
  return {
    ...thread,
    take: () => ((asked += 1) % every === 0 ? thread.take() : undefined)
  }
}

t.test('the CRC64 does not depend on chunks, on the offset, or on who hashes', async (t) => {
  const bytes = bytesOf(3 * slabSize + 11)
  const cuts = fc.array(fc.nat(bytes.length), { maxLength: 12 })
  await fc.assert(
    fc.asyncProperty(
      cuts,
      fc.nat(bytes.length),
      fc.constantFrom(0, offset),
      fc.integer({ min: 1, max: 4 }),
      async (cuts, end, offset, every) => {
        const hash = await runningCrc64({ offset, thread: seldomFree(every) })
        const whole = bytes.subarray(0, end)
        const edges = [0, ...cuts.filter((cut) => cut < end).sort((a, b) => a - b), end]
        for (const [n, edge] of edges.slice(1).entries()) hash.update(whole.subarray(edges[n], edge))
        const sum = await hash.digest()
        hash.release()
        return sum === (await crc64(whole))
      }
    ),
    { seed: 7, numRuns: 30 }
  )
  t.pass()
})

t.test('the thread is not used for the first 32 MiB of a transfer', async (t) => {
  let taken = 0
  const thread: Crc64Thread = { take: () => void (taken += 1), hash: () => undefined }
  const chunk = new Uint8Array(1024 * 1024)
  const hash = await runningCrc64({ thread })
  for (let n = 0; n < 32; n += 1) hash.update(chunk)
  t.equal(taken, 0)
  hash.update(chunk)
  t.not(taken, 0)
  hash.release()
})

t.test('the bytes may be reused after update, and release returns a slab that is not full', async (t) => {
  const thread = createThread()
  const bytes = bytesOf(1000)
  const sum = await crc64(bytes)
  const hash = await runningCrc64({ offset, thread })
  hash.update(bytes)
  bytes.fill(0)
  t.equal(await hash.digest(), sum)
  hash.release()
  for (let n = 0; n < 20; n += 1) {
    const abandoned = await runningCrc64({ offset, thread })
    abandoned.update(bytes)
    abandoned.release()
  }
  t.not(thread.take(), undefined)
})
