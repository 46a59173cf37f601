/**
 * Scripts of cuts: each request of a transfer may be cut at any byte, in either direction. The bytes are exact in the end,
 * or the call fails with a typed error, and keeps nothing that hinders the next call.
 *
 *     npm run faults -- heal     300 scripts; `npm test` takes seven
 */
import { join } from 'node:path'
import * as E from 'fp-ts/lib/Either.js'
import t from 'tap'
import type { Fault } from '../../lib/emulator/index.js'
import { unlimitedRetries } from '../../lib/index.js'
import { seededRandom } from '../../lib/testing/index.js'
import { startCos } from '../support/cos.js'
import { sampleOf } from '../support/long-form.js'
import { isExact, prepare, ways } from './transfers.js'

const seeds = sampleOf(
  Array.from({ length: 300 }, (_, seed) => seed),
  75
)

/** A cut at a place that depends on the random numbers, for about half of the requests. */
const drawCut = (random: () => number, size: number): Fault | undefined => {
  const reset = random() < 0.5
  const kind = Math.floor(random() * 7)
  const after = Math.floor(random() ** 2 * size)
  if (kind === 0) return { cut: { at: 'request', after }, reset }
  if (kind === 1) return { cut: { at: 'head' }, reset }
  if (kind === 2) return { cut: { at: 'head', after: Math.floor(random() * 200) }, reset }
  return kind === 3 ? { cut: { at: 'body', after }, reset } : undefined
}

const tags = new Set(['TransportError', 'ServiceError', 'DecodeError', 'SourceError', 'ObjectChanged'])

t.test('scripts of cuts end in the exact bytes or in a typed error', async (t) => {
  let random: (() => number) | undefined
  const cos = await startCos(t, {
    fault: () => (random === undefined ? undefined : drawCut(random, 2 * 1024 * 1024))
  })
  const clean = cos.client()
  const cut = cos.client({ retry: { attempts: 6, base: 1, budget: unlimitedRetries } })
  const root = t.testdir({})
  const outcomes = new Map<string, number>()
  const problems: Array<string> = []
  for (const seed of seeds) {
    const way = ways[seed % ways.length]!
    const cell = { key: `heal-${String(seed)}`, directory: join(root, String(seed)) }
    await prepare(clean, way, cell)
    random = seededRandom(seed)
    const result = await way.run(cut, cell)
    random = undefined
    const outcome = E.isRight(result) ? 'exact' : result.left._tag
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1)
    if (E.isRight(result) && !(await isExact(clean, way, cell, result.right)))
      problems.push(`seed ${String(seed)}, ${way.name}: other bytes, and no error`)
    if (E.isLeft(result) && !tags.has(result.left._tag))
      problems.push(`seed ${String(seed)}, ${way.name}: ${JSON.stringify(result.left)}`)
    if (E.isRight(result)) continue
    // A body that is read once is new in each run.
    const again = await way.run(clean, cell)
    if (E.isLeft(again))
      problems.push(`seed ${String(seed)}, ${way.name}: the next call fails: ${again.left._tag}`)
    else if (!(await isExact(clean, way, cell, again.right)))
      problems.push(`seed ${String(seed)}, ${way.name}: the next call has other bytes`)
  }
  t.same(problems, [])
  t.comment([...outcomes].map(([name, count]) => `${String(count)} ${name}`).join(', '))
})
