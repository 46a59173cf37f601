/**
 * One inverted bit of an object on every way up and down: the bytes are exact, or the call fails with a typed error.
 *
 *     npm run faults -- bitflip     2,000 flips; `npm test` takes some of each way
 */
import { join } from 'node:path'
import * as E from 'fp-ts/lib/Either.js'
import t from 'tap'
import { unlimitedRetries } from '../../lib/index.js'
import { seededRandom } from '../../lib/testing/index.js'
import { startCos } from '../support/cos.js'
import { isLongForm } from '../support/long-form.js'
import { createFlippingDispatcher } from './flipping-dispatcher.js'
import { isExact, prepare, ways } from './transfers.js'

const total = 2000
const perWay = isLongForm ? Math.ceil(total / ways.length) : 1

t.test('an inverted bit on any way of an object is noticed', async (t) => {
  const cos = await startCos(t)
  const clean = cos.client()
  const { dispatcher, arm, isDone } = createFlippingDispatcher()
  t.teardown(() => dispatcher.destroy())
  const flipped = cos.client({ dispatcher, retry: { base: 0, budget: unlimitedRetries } })
  const root = t.testdir({})
  const table: Array<string> = []
  for (const [index, way] of ways.entries()) {
    const outcomes = new Map<string, number>()
    const problems: Array<string> = []
    for (let run = 0; run < perWay; run += 1) {
      const seed = index * 10_000 + run
      const random = seededRandom(seed)
      const cell = { key: `flip-${String(index)}`, directory: join(root, String(index)) }
      if (run === 0) await prepare(clean, way, cell)
      arm({
        direction: way.direction,
        byte: Math.floor(random() * way.bytes.length),
        bit: Math.floor(random() * 8)
      })
      const result = await way.run(flipped, cell)
      if (!isDone()) problems.push(`seed ${String(seed)}: no bit was inverted`)
      if (E.isRight(result) && !(await isExact(clean, way, cell, result.right)))
        problems.push(`seed ${String(seed)}: other bytes, and no error`)
      const outcome = E.isRight(result) ? 'exact' : result.left._tag
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1)
      if (
        E.isLeft(result) &&
        !['IntegrityError', 'EncryptionError', 'ServiceError'].includes(result.left._tag)
      )
        problems.push(`seed ${String(seed)}: ${result.left._tag}`)
    }
    t.same(problems, [], way.name)
    table.push(`${way.name}: ${[...outcomes].map(([name, count]) => `${String(count)} ${name}`).join(', ')}`)
  }
  if (isLongForm) for (const line of table) t.comment(line)
})
