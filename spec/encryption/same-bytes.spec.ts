import { inspect } from 'node:util'
import t from 'tap'
import { contextWithoutObject } from '../../lib/core/error.js'
import { recordBlocks, requireSameBytes } from '../../lib/encryption/same-bytes.js'
import { cutBlocks } from '../../lib/encryption/blocks.js'
import { bytesOf, splitBytes } from '../support/bytes.js'
import { toArray, yieldThenFail } from '../support/iterables.js'

const context = contextWithoutObject('PutObject')
const block = 256 * 1024
const bytes = bytesOf(2 * block + 5)
const inBlocks = cutBlocks(block)

t.test('the same bytes pass again, whatever the chunks', async (t) => {
  const sent = recordBlocks()
  for (const chunk of [1000, 77_777, block, 3 * block])
    t.ok(
      Buffer.concat(
        await toArray(requireSameBytes(sent, context)(inBlocks(splitBytes(bytes, chunk))))
      ).equals(bytes)
    )
})

t.test(
  'a change of one bit, a missing end and a longer end are refused before their block passes',
  async (t) => {
    const at = (place: number): Buffer => {
      const changed = Buffer.from(bytes)
      changed[place] = changed[place]! ^ 1
      return changed
    }
    for (const [other, passed] of [
      [at(0), 0],
      [at(block), block],
      [at(2 * block + 4), 2 * block],
      [bytes.subarray(0, 2 * block + 4), 2 * block],
      [Buffer.concat([bytes, Buffer.of(1)]), 2 * block],
      [bytes.subarray(block), 0]
    ] as const) {
      const sent = recordBlocks()
      await toArray(requireSameBytes(sent, context)(inBlocks(splitBytes(bytes, block))))
      let seen = 0
      await t.rejects(
        async () => {
          for await (const chunk of requireSameBytes(sent, context)(inBlocks(splitBytes(other, 10_000))))
            seen += chunk.length
        },
        { name: 'CosException', message: /key stream/ }
      )
      t.equal(seen, passed)
    }
  }
)

t.test('an attempt that was cut short binds the next one to the blocks that passed', async (t) => {
  const sent = recordBlocks()
  const failing = yieldThenFail(new Error('net'), bytes.subarray(0, block + 7))
  await t.rejects(toArray(requireSameBytes(sent, context)(inBlocks(failing))), { message: 'net' })
  const other = Buffer.concat([bytes.subarray(0, block), bytesOf(block, 9)])
  // The second block never passed: any bytes may follow the first.
  t.ok(
    Buffer.concat(await toArray(requireSameBytes(sent, context)(inBlocks(splitBytes(other, block))))).equals(
      other
    )
  )
  await t.rejects(toArray(requireSameBytes(sent, context)(inBlocks(splitBytes(bytes, block)))))
})

t.test('a record shows no fingerprint', async (t) => {
  const sent = recordBlocks()
  sent.isSame(0, bytes)
  t.notMatch(inspect(sent, { showHidden: true, depth: 9 }), /Buffer|Uint8Array/)
})
