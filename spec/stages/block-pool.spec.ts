import t from 'tap'
import { blockPool } from '../../lib/stages/block-pool.js'
import { collectGarbage } from '../support/gc.js'

t.test('a returned block is the next one taken', async (t) => {
  const pool = blockPool(1024)
  const end = pool.open()
  const [one, other] = [pool.take(), pool.take()]
  t.equal(one.length, 1024)
  t.not(one, other)
  pool.put([one, other])
  t.same(new Set([pool.take(), pool.take()]), new Set([one, other]))
  end()
})

t.test('trim drops free blocks', async (t) => {
  const pool = blockPool(16)
  const end = pool.open()
  const blocks = [pool.take(), pool.take(), pool.take()]
  pool.put(blocks)
  pool.trim(1)
  t.equal(pool.take(), blocks[0])
  t.notOk(blocks.includes(pool.take()))
  end()
})

t.test('without users, free blocks can be collected', async (t) => {
  const pool = blockPool(1024 * 1024)
  await collectGarbage()
  const before = process.memoryUsage().arrayBuffers
  const end = pool.open()
  pool.put([pool.take(), pool.take(), pool.take()])
  end()
  await collectGarbage()
  t.ok(process.memoryUsage().arrayBuffers - before < 1024 * 1024)
})
