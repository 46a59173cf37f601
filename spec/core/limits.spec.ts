import t from 'tap'
import { GiB, KiB, MiB, ioChunkSize } from '../../lib/core/limits.js'

t.test('KiB, MiB and GiB are powers of 1024', async (t) => {
  t.same([KiB, MiB, GiB], [1024 ** 1, 1024 ** 2, 1024 ** 3])
  t.equal(ioChunkSize, 262_144)
})
