import t from 'tap'
import { copyBlocks, cutBlocks } from '../../lib/encryption/blocks.js'
import { bytesOf, splitBytes } from '../support/bytes.js'
import { from, toArray, yieldThenFail } from '../support/iterables.js'

t.test('blocks have one size but for the last, and the bytes are the same', async (t) => {
  for (const size of [0, 1, 9, 10, 11, 20, 95])
    for (const chunk of [1, 3, 9, 10, 11, 25, 100]) {
      const bytes = bytesOf(size)
      const blocks = await toArray(cutBlocks(10)(splitBytes(bytes, chunk)))
      t.ok(Buffer.concat(blocks).equals(bytes))
      t.same(
        blocks.map(({ length }) => length),
        Array.from({ length: Math.ceil(size / 10) }, (_, n) => Math.min(10, size - 10 * n)),
        `${String(size)} by ${String(chunk)}`
      )
    }
})

t.test('a kept block is not overwritten, and a block within a chunk is a view', async (t) => {
  const kept = await toArray(cutBlocks(4)(splitBytes(bytesOf(40), 3)))
  t.ok(Buffer.concat(kept).equals(bytesOf(40)))
  const chunk = bytesOf(8)
  const [first] = await toArray(cutBlocks(4)(from(chunk)))
  t.equal(first?.buffer, chunk.buffer)
})

t.test('copied blocks stay, if the source reuses its memory', async (t) => {
  const slab = Buffer.alloc(10)
  const yieldReused = async function* () {
    for (let n = 0; n < 5; n += 1) yield slab.fill(n)
  }
  const blocks = await toArray(copyBlocks(4)(yieldReused()))
  t.same(
    blocks.map(({ length }) => length),
    [...Array.from({ length: 12 }, () => 4), 2]
  )
  t.same(Buffer.concat(blocks), Buffer.concat([0, 1, 2, 3, 4].map((n) => Buffer.alloc(10, n))))
})

t.test('it reads no further than a block, and passes the error of its source', async (t) => {
  let read = 0
  const source = async function* () {
    for (;;) {
      read += 1
      yield Buffer.alloc(4)
    }
  }
  const blocks = cutBlocks(8)(source())
  await blocks.next()
  t.equal(read, 2)
  await blocks.return()
  await t.rejects(toArray(cutBlocks(8)(yieldThenFail(new Error('net'), Buffer.alloc(4)))), { message: 'net' })
})
