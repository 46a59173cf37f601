import fc from 'fast-check'
import * as O from 'fp-ts/lib/Option.js'
import t from 'tap'
import { byteQueue, type ByteQueue } from '../../lib/stages/byte-queue.js'
import { bytesOf } from '../support/bytes.js'
import { collectGarbage } from '../support/gc.js'

const KiB = 1024

const rest = (queue: ByteQueue): Array<Uint8Array> => {
  const out: Array<Uint8Array> = []
  for (let next = queue.take(); O.isSome(next); next = queue.take()) out.push(next.value)
  return out
}

t.test('bytes keep their order, for any chunks and any order of put and take', async () => {
  const size = fc.oneof(fc.nat(100), fc.nat(100 * KiB))
  const steps = fc.array(fc.record({ size, view: fc.boolean(), take: fc.boolean() }), { maxLength: 30 })
  fc.assert(
    fc.property(steps, (steps) => {
      const queue = byteQueue()
      const put: Array<Uint8Array> = []
      const taken: Array<Uint8Array> = []
      for (const { size, view, take } of steps) {
        const own = new Uint8Array(bytesOf(size + 1, size))
        const chunk = view ? own.subarray(1) : own
        put.push(chunk)
        queue.put(chunk)
        const next = take ? queue.take() : O.none
        if (O.isSome(next)) taken.push(next.value)
      }
      taken.push(...rest(queue))
      return Buffer.concat(taken).equals(Buffer.concat(put)) && taken.every(({ length }) => length > 0)
    })
  )
})

t.test('the reader may keep the chunks that it takes', async (t) => {
  const queue = byteQueue()
  const taken: Array<readonly [Uint8Array, Buffer]> = []
  const slab = Buffer.alloc(4 * KiB)
  for (let n = 0; n < 100; n += 1) {
    queue.put(slab.fill(n).subarray(0, 3 * KiB))
    const next = queue.take()
    if (O.isSome(next)) taken.push([next.value, Buffer.from(next.value)])
  }
  t.equal(taken.length, 100)
  t.ok(taken.every(([kept, then]) => then.equals(kept)))
})

t.test('a chunk that fills its buffer is not copied', async (t) => {
  const queue = byteQueue()
  const chunk = new Uint8Array(64 * KiB)
  queue.put(chunk)
  const taken = queue.take()
  t.equal(O.toUndefined(taken), chunk)
})

t.test('views of large slabs do not keep the slabs alive', async (t) => {
  const queue = byteQueue()
  await collectGarbage()
  const before = process.memoryUsage().arrayBuffers
  for (let n = 0; n < 500; n += 1) queue.put(Buffer.allocUnsafeSlow(64 * KiB).subarray(0, KiB))
  await collectGarbage()
  const kept = process.memoryUsage().arrayBuffers - before
  t.ok(kept < 600 * KiB, `${String(kept)} bytes for 500 KiB`)
  t.equal(Buffer.concat(rest(queue)).length, 500 * KiB)
})

t.test('the queue does not keep taken chunks alive', async (t) => {
  const queue = byteQueue()
  for (let n = 0; n < 100; n += 1) queue.put(new Uint8Array(64 * KiB))
  await collectGarbage()
  const before = process.memoryUsage().arrayBuffers
  for (let n = 0; n < 90; n += 1) queue.take()
  await collectGarbage()
  t.ok(before - process.memoryUsage().arrayBuffers >= 85 * 64 * KiB)
  t.equal(rest(queue).length, 10)
})
