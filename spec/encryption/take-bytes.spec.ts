import t from 'tap'
import { takeBytes } from '../../lib/encryption/take-bytes.js'
import { bytesOf, splitBytes } from '../support/bytes.js'
import { toArray } from '../support/iterables.js'

t.test('the span passes, and the source is read to its end', async (t) => {
  const bytes = bytesOf(50)
  for (const chunk of [1, 7, 50])
    for (const [skip, size] of [
      [0, 50],
      [0, 0],
      [10, 5],
      [49, 1],
      [50, 0],
      [13, 30]
    ] as const) {
      let isDone = false
      const source = async function* () {
        yield* splitBytes(bytes, chunk)
        isDone = true
      }
      const taken = Buffer.concat(await toArray(takeBytes(skip, size)(source())))
      t.ok(taken.equals(bytes.subarray(skip, skip + size)) && isDone)
    }
})
