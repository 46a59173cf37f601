import t from 'tap'
import { freeBytes, freeOwned, markOwned } from '../../lib/core/owned-memory.js'

const KiB = 1024

t.test('freeBytes frees the memory at once', (t) => {
  const before = process.memoryUsage().arrayBuffers
  for (let n = 0; n < 32; n += 1) freeBytes(Buffer.alloc(KiB * KiB))
  const grown = process.memoryUsage().arrayBuffers - before
  t.ok(grown < 2 * KiB * KiB, `${String(grown)} bytes more`)
  t.end()
})

t.test('freeBytes leaves bytes that share their memory', (t) => {
  const memory = Buffer.alloc(KiB, 'x')
  freeBytes(memory.subarray(1))
  freeBytes(memory.subarray(0, KiB - 1))
  freeBytes(new Uint8Array(new SharedArrayBuffer(8)))
  t.equal(memory.toString(), 'x'.repeat(KiB))
  t.end()
})

t.test('freeOwned frees bytes that were marked, also by another view, and no others', (t) => {
  const [marked, other] = [markOwned(Buffer.alloc(KiB)), Buffer.alloc(KiB)]
  freeOwned(other)
  t.equal(other.length, KiB)
  freeOwned(marked.subarray(1))
  t.equal(marked.length, KiB, 'a part')
  freeOwned(new Uint8Array(marked.buffer))
  t.equal(marked.length, 0)
  freeOwned(marked)
  t.end()
})
