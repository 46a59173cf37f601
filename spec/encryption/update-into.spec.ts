import { createCipheriv } from 'node:crypto'
import t from 'tap'
import { updateInto } from '../../lib/encryption/update-into.js'
import { bytesOf } from '../support/bytes.js'

const cipher = () => createCipheriv('aes-256-ctr', bytesOf(32), bytesOf(16, 2))
const MiB = 1024 * 1024

t.test('the bytes are those of the cipher, between the other bytes of the target', (t) => {
  const target = Buffer.alloc(50, 1)
  const running = cipher()
  t.equal(updateInto(running, bytesOf(30), target, 5), 35)
  t.equal(updateInto(running, new Uint8Array(), target, 35), 35)
  const expected = cipher().update(bytesOf(30))
  t.same(target, Buffer.concat([Buffer.alloc(5, 1), expected, Buffer.alloc(15, 1)]))
  t.end()
})

t.test('the target may be the source', (t) => {
  const bytes = bytesOf(1000)
  updateInto(cipher(), bytes, bytes, 0)
  t.same(bytes, cipher().update(bytesOf(1000)))
  t.end()
})

t.test('a target that is too small is an error', (t) => {
  t.throws(() => updateInto(cipher(), bytesOf(10), Buffer.alloc(12), 3), RangeError)
  t.end()
})

t.test('the memory of the cipher is freed at once', (t) => {
  const [source, target, running] = [bytesOf(MiB), Buffer.alloc(MiB), cipher()]
  const before = process.memoryUsage().arrayBuffers
  for (let n = 0; n < 32; n += 1) updateInto(running, source, target, 0)
  const grown = process.memoryUsage().arrayBuffers - before
  t.ok(grown < 2 * MiB, `${String(grown)} bytes more`)
  t.end()
})
