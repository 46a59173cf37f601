import { setTimeout } from 'node:timers/promises'
import t from 'tap'
import { appendRecords } from '../../lib/files/append-records.js'
import { readRecords } from '../../lib/files/journal-records.js'

t.test('records that are added during a write share the next one, in order', async (t) => {
  const writes: Array<ReadonlyArray<unknown>> = []
  const append = appendRecords(async (lines) => {
    await setTimeout(5)
    writes.push(readRecords(lines).records)
  })
  const first = append(1)
  // The write of the first has started.
  await setTimeout(1)
  await Promise.all([first, append(2), append(3)])
  await append(4)
  t.same(writes, [[1], [2, 3], [4]])
})

t.test('a record settles when its write has settled', async (t) => {
  let written = 0
  const append = appendRecords(async () => {
    await setTimeout(5)
    written += 1
  })
  await append('a')
  t.equal(written, 1)
})

t.test('after a failed write all further records fail, and nothing is written', async (t) => {
  let calls = 0
  const append = appendRecords(() => {
    calls += 1
    return Promise.reject(new Error('disk'))
  })
  await t.rejects(append(1), { message: 'disk' })
  await t.rejects(append(2), { message: 'disk' })
  t.equal(calls, 1)
})
